//! Compiles `proto/cnc/v1/*.proto` for the crate `cnc-proto`, with protox: no protoc is needed.
//!
//! It runs with `proto/` as its working directory and writes nothing outside `OUT_DIR`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo looks at a folder's files too, so a file that is added is seen.
    println!("cargo:rerun-if-changed=cnc");
    let mut files = proto_files(Path::new("cnc/v1"))?;
    files.sort();
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("cnc.v1.descriptors"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::Compact")
        // The many and small samples must not pay for the few and large.
        .boxed(".cnc.v1.Item.item.test_ended")
        .boxed(".cnc.v1.ClientMessage.message.hello")
        .boxed(".cnc.v1.ListenerMessage.message.welcome")
        .boxed(".cnc.v1.WatchEvent.event.snapshot")
        .boxed(".cnc.v1.WatchEvent.event.session")
        .boxed(".cnc.v1.WatchEvent.event.test")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    Ok(entries.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "proto")).collect())
}
