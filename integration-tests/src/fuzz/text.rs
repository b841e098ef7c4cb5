//! Texts that people and files bring: settings, names of programs, codes, addresses.

use cnc_client::config::ListenerUrl;
use cnc_client::filename;
use cnc_model::Code;
use cnc_server::config::Config;

use super::mutate;
use crate::random::Random;

const CONFIGS: [&str; 4] = [
    include_str!("../../corpus/all.toml"),
    include_str!("../../corpus/plans.toml"),
    include_str!("../../corpus/mistakes.toml"),
    crate::listener::QUICK,
];
const FILE_NAMES: &str = include_str!("../../corpus/file-names.txt");
const CODES: &str = include_str!("../../corpus/codes.txt");
const URLS: &str = include_str!("../../corpus/urls.txt");

fn lines(corpus: &'static str) -> Vec<&'static str> {
    corpus.lines().collect()
}

/// Every mistake is told with a line that the file has.
pub(super) fn config(random: &mut Random) {
    let text = mutate::line(random, &CONFIGS);
    if let Err(mistakes) = Config::parse(&text) {
        assert!(!mistakes.is_empty(), "refused without a word: {text:?}");
        let lines = text.split('\n').count();
        for mistake in mistakes {
            assert!((1..=lines).contains(&mistake.line), "{mistake}: there are {lines} lines in {text:?}");
            assert!(!mistake.message.is_empty(), "{text:?}");
        }
    }
}

/// What a file name carries stands in it, and reads the same again.
pub(super) fn file_name(random: &mut Random) {
    let name = mutate::line(random, &lines(FILE_NAMES));
    let Some(named) = filename::read(&name) else { return };
    let host = named.listener.host().to_string();
    assert!(name.contains(&host), "{name:?} leads to {host}");
    let again = format!("cnc-{}@{host}_{}@", named.code, named.listener.port());
    let read = filename::read(&again).unwrap_or_else(|| panic!("{again:?}, of {name:?}, carries nothing"));
    assert_eq!((read.code, read.listener.host().to_string()), (named.code, host), "{name:?}");
    assert_eq!(read.listener.port(), named.listener.port(), "{name:?}");
}

/// A code reads back as it is shown.
pub(super) fn code(random: &mut Random) {
    let text = mutate::line(random, &lines(CODES));
    if let Ok(code) = text.parse::<Code>() {
        assert_eq!(code.to_string().parse(), Ok(code), "{text:?}");
    }
}

/// A listener's address reads back as it is shown.
pub(super) fn url(random: &mut Random) {
    let text = mutate::line(random, &lines(URLS));
    if let Ok(url) = text.parse::<ListenerUrl>() {
        let shown = url.to_string();
        let again = shown.parse::<ListenerUrl>().unwrap_or_else(|_| panic!("{shown:?}, of {text:?}, is none"));
        assert_eq!((again.to_string(), again.port(), again.tls()), (shown, url.port(), url.tls()), "{text:?}");
    }
}
