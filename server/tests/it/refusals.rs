//! The page of refusals against the sources: every message of the errors that people meet is on it, and nothing on it
//! is said nowhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files whose errors people meet, from the repository's root.
const TOLD: [&str; 14] = [
    "server/src/limits/over.rs",
    "server/src/session/effect.rs",
    "server/src/sessions.rs",
    "server/src/sessions/stream.rs",
    "server/src/staff.rs",
    "server/src/store/error.rs",
    "server/src/accept/tls.rs",
    "server/src/config.rs",
    "server/src/serve.rs",
    "server/src/networks.rs",
    "client/src/policy.rs",
    "client/src/link/reach.rs",
    "client/src/proxy.rs",
    "probe/src/tunnel.rs",
];

/// What carries somebody else's words alone, or is not said to anybody.
const NOT_TOLD: [&str; 3] = ["…", "the connection broke: …", "… has mistakes: …"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

/// Makes texts comparable: a line that goes on is joined, what is filled in becomes `…`, quotes are left out.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some('n') => out.push(' '),
                Some(other) => out.push(other),
                None => {}
            },
            '{' => {
                chars.by_ref().take_while(|c| *c != '}').for_each(drop);
                out.push('…');
            }
            '`' | '"' => {}
            other => out.push(other),
        }
    }
    out.trim().to_owned()
}

/// Gives the messages of a file's `#[error("…")]`.
fn messages(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in source.split("#[error(").skip(1) {
        let Some(text) = part.trim_start().strip_prefix('"') else { continue };
        let mut escaped = false;
        let end = text.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        found.push(plain(&text[..end.expect("a text ends")]));
    }
    found
}

/// Gives the texts in quotes of all sources in a folder.
fn texts(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(path).expect("a source");
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code = source.lines().filter(is_code).collect::<Vec<_>>().join("\n").replace("'\"'", "");
            // A quote that is escaped ends nothing.
            let code = code.replace("\\\"", "");
            into.extend(code.split('"').skip(1).step_by(2).map(plain));
        }
    }
}

fn rows() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/refusals.md")).expect("the page");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    cells.map(|(message, _)| plain(message)).filter(|m| m != "message" && m != "---").collect()
}

#[test]
fn every_message_is_on_the_page() {
    let rows = rows();
    for file in TOLD {
        let source = std::fs::read_to_string(root().join(file)).expect("a source");
        let messages = messages(&source);
        assert!(!messages.is_empty(), "{file} has none");
        for message in messages.iter().filter(|message| !NOT_TOLD.contains(&message.as_str())) {
            assert!(rows.contains(message), "docs/refusals.md has no row for {message:?} of {file}");
        }
    }
}

#[test]
fn every_row_is_said_somewhere() {
    let mut said = BTreeSet::new();
    for folder in ["server/src", "proto/src", "client/src", "probe/src"] {
        texts(&root().join(folder), &mut said);
    }
    for row in rows() {
        assert!(said.contains(&row), "nothing says {row:?} any more: take it off docs/refusals.md");
    }
}
