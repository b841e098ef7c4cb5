//! The standard library's source of exactly this compiler's version, from Debian's archive: the very mirror and key that
//! this machine installs from, with only the suite's name changed. What the machine is set up to install stays as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::folder;
use crate::run::{command, find, quietly};
use crate::say;

/// The suites that may have it, tried in turn.
const SUITES: [&str; 4] = ["trixie-backports", "forky", "forky-backports", "sid"];
/// Where the source lies in the package, after the name with the version.
const IN_PACKAGE: &str = "usr/src";

/// Gives the folder of the source, fetched where it is missing.
///
/// # Errors
/// Where there is no Debian to have it from, or no suite has this version.
pub(super) fn library(version: &str) -> Result<PathBuf> {
    let unpacked = folder().join(format!("rust-src-{version}"));
    let library = unpacked.join(IN_PACKAGE).join(format!("rustc-{version}")).join("library");
    if library.is_dir() {
        return Ok(library);
    }
    let by_hand = "install it with: rustup component add rust-src";
    ensure!(
        find("apt-get").is_some() && find("dpkg-deb").is_some(),
        "the standard library's source is missing, and this is no Debian to have it from: {by_hand}"
    );
    say::begin("fetching the standard library's source … ");
    let archive = Archive::of_this_machine()
        .with_context(|| format!("the standard library's source is missing, and cannot be had from here: {by_hand}"))?;
    for suite in SUITES {
        if let Some(package) = archive.fetch(suite, version)? {
            quietly(command("dpkg-deb").arg("-x").args([&package, &unpacked]))?;
            ensure!(library.is_dir(), "the package of {version} holds no {}", library.display());
            say::line(&format!("from {suite}"));
            return Ok(library);
        }
    }
    bail!("no suite of Debian's has it in version {version}: {by_hand}")
}

/// The archive that this machine installs its system from.
#[derive(Debug, PartialEq, Eq)]
struct Archive {
    /// Its address.
    uri: String,
    /// The file of its key, or the key itself; none where apt's own serve.
    signed_by: Option<String>,
}

impl Archive {
    /// Reads what this machine is set up with.
    fn of_this_machine() -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
        let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
        let suite = suite.context("this system has no codename")?.trim_matches('"');
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        let more = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
        files.extend(more.map(|entry| entry.path()));
        files.sort();
        let found = files.iter().find_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            let is_list = file.extension().is_some_and(|extension| extension == "list");
            if is_list { Self::in_list(&text, suite) } else { Self::in_stanzas(&text, suite) }
        });
        found.with_context(|| format!("no source of packages of {suite} is set up"))
    }

    /// Finds it among stanzas of fields.
    fn in_stanzas(text: &str, suite: &str) -> Option<Self> {
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.split(|line| line.trim().is_empty()).find_map(|stanza| {
            let field = |name: &str| {
                let mut fields = stanza.iter().filter_map(|line| line.split_once(':'));
                fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
            };
            let has = |name, word| field(name).is_some_and(|words| words.split_whitespace().any(|w| w == word));
            let uri = field("URIs")?.split_whitespace().next()?.to_owned();
            let signed_by = field("Signed-By").filter(|key| key.starts_with('/')).map(str::to_owned);
            let is_it = has("Types", "deb") && has("Suites", suite) && has("Components", "main");
            is_it.then_some(Self { uri, signed_by })
        })
    }

    /// Finds it among lines of the older form.
    fn in_list(text: &str, suite: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let rest = line.trim().strip_prefix("deb")?.trim_start();
            let (options, rest) = match rest.strip_prefix('[') {
                Some(rest) => rest.split_once(']')?,
                None => ("", rest),
            };
            let words: Vec<_> = rest.split_whitespace().collect();
            let [uri, of, components @ ..] = words.as_slice() else { return None };
            let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
            let is_it = *of == suite && components.contains(&"main");
            is_it.then(|| Self { uri: (*uri).to_owned(), signed_by: signed_by.map(str::to_owned) })
        })
    }

    /// Fetches the package from a suite; `None` where that has no such version, or is not there.
    fn fetch(&self, suite: &str, version: &str) -> Result<Option<PathBuf>> {
        let apt = Apt::new(self, suite)?;
        if quietly(apt.command("apt-get").arg("update")).is_err() {
            return Ok(None);
        }
        let output =
            apt.command("apt-cache").args(["madison", "rust-src"]).output().context("cannot start apt-cache")?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let versions = listed.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
        let is_it = |found: &&str| found.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '-', '~']));
        let Some(found) = versions.into_iter().find(is_it) else { return Ok(None) };
        quietly(apt.command("apt-get").args(["download", &format!("rust-src={found}")]).current_dir(&apt.folder))?;
        let mut files = fs::read_dir(&apt.folder)?.flatten().map(|entry| entry.path());
        let package = files.find(|file| file.extension().is_some_and(|extension| extension == "deb"));
        Ok(Some(package.context("apt-get fetched nothing")?))
    }
}

/// A place of its own for apt to keep lists and packages in.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(archive: &Archive, suite: &str) -> Result<Self> {
        let folder = folder().join("apt").join(suite);
        for part in ["sources", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let key = archive.signed_by.as_ref().map_or(String::new(), |key| format!("Signed-By: {key}\n"));
        let text = format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n{key}", archive.uri);
        fs::write(folder.join("sources/own.sources"), text)?;
        Ok(Self { folder })
    }

    fn command(&self, program: &str) -> Command {
        let option = |name: &str, folder: &Path| format!("{name}={}", folder.display());
        let mut command = command(program);
        for option in [
            "Dir::Etc::sourcelist=/dev/null".to_owned(),
            option("Dir::Etc::sourceparts", &self.folder.join("sources")),
            option("Dir::State::Lists", &self.folder.join("lists")),
            option("Dir::Cache", &self.folder.join("cache")),
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_archive_is_found_in_both_forms() {
        let expected = |signed_by: Option<&str>| {
            Some(Archive { uri: "http://mirror.example/debian".into(), signed_by: signed_by.map(str::to_owned) })
        };
        let stanzas = "Types: deb\nURIs: https://other.example/x\nSuites: nodistro\nComponents: main\n\n\
                       Types: deb\n# of which day\nURIs: http://mirror.example/debian\n\
                       Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n";
        assert_eq!(Archive::in_stanzas(stanzas, "bookworm"), expected(Some("/k.gpg")));
        assert_eq!(Archive::in_stanzas(stanzas, "trixie"), None);
        let list = "# deb x\ndeb-src http://mirror.example/debian bookworm main\n\
                    deb http://mirror.example/debian bookworm main contrib\n";
        assert_eq!(Archive::in_list(list, "bookworm"), expected(None));
        let signed = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main";
        assert_eq!(Archive::in_list(signed, "bookworm"), expected(Some("/k.gpg")));
        assert_eq!(Archive::in_list(signed, "sid"), None);
    }
}
