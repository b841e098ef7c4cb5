//! Which listener to use, and where that was said: a flag or the environment, the file's name, a config file, or
//! what was built in, in this order.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use cnc_model::Code;
use serde::Deserialize;
use thiserror::Error;

use crate::cli::RunArgs;
use crate::filename;

mod url;

pub use url::{InvalidUrl, ListenerUrl};

/// The listener that whoever built this program put in, by the environment variable of that name.
const BUILT_IN: Option<&str> = option_env!("CNC_BUILT_IN_LISTENER");

/// The config file: an administrator's choice for all users of a machine, or a user's own.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listener: Option<String>,
    ca: Option<PathBuf>,
}

/// How to reach which listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The listener.
    pub listener: ListenerUrl,
    /// Where it was named.
    pub source: Source,
    /// The code to join with.
    pub code: Option<Code>,
    /// A PEM file with a certificate authority to trust as well.
    pub ca: Option<PathBuf>,
}

/// Where the listener was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On the command line or in the environment.
    Given,
    /// In the program's file name, and nowhere else: it must be confirmed.
    FileName,
    /// In the program's file name, and the same host in a config file or at build.
    KnownFileName,
    /// In a config file.
    ConfigFile(PathBuf),
    /// At build.
    BuiltIn,
}

/// Why no listener can be chosen.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// None is named anywhere.
    #[error("no listener is known: say --listener URL, with the address that your support person gave you")]
    NoListener,
    /// What was named is no listener's address.
    #[error("{place}: {source}")]
    Url {
        /// Where it was named.
        place: String,
        /// What is wrong with it.
        source: InvalidUrl,
    },
    /// A config file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A config file makes no sense.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line, and what is allowed.
        message: String,
    },
}

/// Everything that may name a listener beside the flags.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The program's own file name.
    pub file_name: &'a str,
    /// Config files, the first that exists counts.
    pub files: &'a [PathBuf],
    /// What was built in.
    pub built_in: Option<&'a str>,
}

/// Chooses the listener for this run of the program, from the places that this machine has.
///
/// # Errors
/// Says why none can be chosen.
pub fn choose(args: &RunArgs) -> Result<Choice, ConfigError> {
    let program = std::env::current_exe().unwrap_or_default();
    let file_name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    choose_from(args, Places { file_name: &file_name, files: &files(&program), built_in: BUILT_IN })
}

/// Chooses the listener from the places given.
///
/// # Errors
/// Says why none can be chosen.
pub fn choose_from(args: &RunArgs, places: Places<'_>) -> Result<Choice, ConfigError> {
    let named = filename::read(places.file_name);
    let (path, file) = read_first(places.files)?;
    let url = |place: &dyn fmt::Display, text: &str| {
        text.parse::<ListenerUrl>().map_err(|source| ConfigError::Url { place: place.to_string(), source })
    };
    let given = args.listener.as_deref().map(|text| url(&"--listener", text)).transpose()?;
    let configured = file.listener.as_deref().map(|text| url(&path.display(), text)).transpose()?;
    let built_in = places.built_in.map(|text| url(&"built in", text)).transpose()?;
    // A host that is known otherwise too needs no confirming.
    let known = |listener: &ListenerUrl| configured.as_ref() == Some(listener) || built_in.as_ref() == Some(listener);
    let by_name = named.as_ref().map(|named| {
        let known = known(&named.listener);
        (named.listener.clone(), if known { Source::KnownFileName } else { Source::FileName })
    });
    let (listener, source) = given
        .map(|listener| (listener, Source::Given))
        .or(by_name)
        .or_else(|| configured.clone().map(|listener| (listener, Source::ConfigFile(path))))
        .or_else(|| built_in.clone().map(|listener| (listener, Source::BuiltIn)))
        .ok_or(ConfigError::NoListener)?;
    // The name's code belongs to the name's host.
    let code = args.code.or_else(|| named.filter(|named| named.listener == listener).map(|named| named.code));
    Ok(Choice { listener, source, code, ca: args.ca.clone().or(file.ca) })
}

/// Gives the config files in the order in which they count: beside the program, the user's, the machine's.
fn files(program: &Path) -> Vec<PathBuf> {
    let beside = program.parent().map(|folder| folder.join("cnc.toml"));
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let (user, machine) = if cfg!(windows) {
        (var("APPDATA"), var("ProgramData"))
    } else if cfg!(target_os = "macos") {
        (var("HOME").map(|home| home.join("Library/Application Support")), Some("/Library/Application Support".into()))
    } else {
        (var("XDG_CONFIG_HOME").or_else(|| var("HOME").map(|home| home.join(".config"))), Some("/etc".into()))
    };
    let inside = [user, machine].into_iter().flatten().map(|folder| folder.join("cnc").join("cnc.toml"));
    beside.into_iter().chain(inside).collect()
}

fn read_first(files: &[PathBuf]) -> Result<(PathBuf, File), ConfigError> {
    for path in files {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(source) => return Err(ConfigError::Read { path: path.clone(), source }),
        };
        let file = toml::from_str(&text)
            .map_err(|error| ConfigError::Malformed { path: path.clone(), message: error.to_string() })?;
        return Ok((path.clone(), file));
    }
    Ok((PathBuf::new(), File::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: &str = "cnc-K7QX-M2PA@name.example@.exe";

    struct Case {
        given: Option<&'static str>,
        file_name: &'static str,
        file: Option<&'static str>,
        built_in: Option<&'static str>,
    }

    fn chosen(case: &Case) -> Result<Choice, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cnc.toml");
        if let Some(text) = case.file {
            std::fs::write(&path, text).expect("written");
        }
        let args = RunArgs { listener: case.given.map(Into::into), ..RunArgs::default() };
        let files = [folder.path().join("none.toml"), path];
        choose_from(&args, Places { file_name: case.file_name, files: &files, built_in: case.built_in })
    }

    #[test]
    fn the_first_place_that_names_one_counts() {
        let file = Some("listener = \"https://file.example\"");
        let all = Case {
            given: Some("https://given.example"),
            file_name: NAMED,
            file,
            built_in: Some("https://built.example"),
        };
        let table = [
            (all, "https://given.example", Some(Source::Given), false),
            (Case { given: None, file_name: NAMED, file, built_in: None }, "https://name.example", None, true),
            (
                Case { given: None, file_name: "cnc", file, built_in: Some("http://b") },
                "https://file.example",
                None,
                false,
            ),
            (
                Case { given: None, file_name: "cnc", file: None, built_in: Some("https://built.example") },
                "https://built.example",
                Some(Source::BuiltIn),
                false,
            ),
        ];
        for (case, listener, source, code) in table {
            let choice = chosen(&case).expect("chosen");
            assert_eq!(choice.listener.to_string(), listener);
            assert_eq!(choice.code.is_some(), code, "{listener}");
            assert!(source.is_none_or(|source| source == choice.source), "{listener}");
        }
    }

    #[test]
    fn a_host_from_the_file_name_is_marked_unless_it_is_known_otherwise() {
        let source =
            |built_in| chosen(&Case { given: None, file_name: NAMED, file: None, built_in }).expect("chosen").source;
        assert_eq!(source(None), Source::FileName);
        assert_eq!(source(Some("https://other.example")), Source::FileName);
        assert_eq!(source(Some("https://name.example")), Source::KnownFileName);
    }

    #[test]
    fn mistakes_are_told() {
        let case = |given, file| chosen(&Case { given, file_name: "cnc", file, built_in: None });
        assert!(matches!(case(None, None), Err(ConfigError::NoListener)));
        assert!(matches!(case(Some("ftp://x"), None), Err(ConfigError::Url { .. })));
        let wrong = case(None, Some("lisener = \"https://x\"")).expect_err("misspelt").to_string();
        assert!(wrong.contains("line 1") && wrong.contains("expected `listener` or `ca`"), "{wrong}");
    }
}
