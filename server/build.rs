//! Takes the console's files, where `cargo xtask console` has built them, into the program. It builds nothing itself
//! and never calls npm: without them the listener says how to get them.

use std::error::Error;
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

/// Where they are built. The folder is always there, so that cargo sees when it changes.
const BUILT: &str = "console/built";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={BUILT}");
    println!("cargo:rerun-if-changed=build.rs");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(BUILT).join("site");
    let mut files = Vec::new();
    if root.is_dir() {
        gather(&root, &mut files)?;
    }
    files.sort();
    let mut code = String::from("/// All of them.\nconst ASSETS: &[Asset] = &[\n");
    for file in files.iter().filter(|file| file.extension().is_none_or(|extension| extension != "gz")) {
        let path = file.strip_prefix(&root)?.to_str().ok_or("a name that is no text")?.replace('\\', "/");
        let mut packed = file.clone().into_os_string();
        packed.push(".gz");
        let gzip = match files.iter().find(|other| other.as_os_str() == packed) {
            Some(gzip) => format!("Some({})", included(gzip)?),
            None => "None".into(),
        };
        let (etag, plain) = (format!("\"{:016x}\"", hash(file)?), included(file)?);
        writeln!(code, "    Asset {{ path: {path:?}, etag: {etag:?}, plain: {plain}, gzip: {gzip} }},")?;
    }
    code.push_str("];\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("console.rs"), code)?;
    Ok(())
}

/// Gives the expression that stands for a file's bytes.
fn included(file: &Path) -> Result<String, Box<dyn Error>> {
    let path = file.to_str().ok_or("the repository lies in a folder whose name is no text")?;
    Ok(format!("include_bytes!({path:?})"))
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Tells contents apart; nothing secret depends on it.
fn hash(file: &Path) -> std::io::Result<u64> {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(&std::fs::read(file)?);
    Ok(hasher.finish())
}
