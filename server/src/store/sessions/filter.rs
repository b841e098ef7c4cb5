//! The search among sessions as a condition in SQL. What is looked for only ever becomes a parameter.
//!
//! It is decided on an index that holds all that is searched, so that a search which finds nothing reads a tenth of
//! the table; only the rows of the page are then read.

use cnc_model::{SessionId, Timestamp};
use cnc_proto::support::SessionFilter;
use rusqlite::types::Value;

/// Makes the condition, order and bound that give the newest of those that are looked for.
pub(super) fn newest(filter: &SessionFilter, before: Option<SessionId>, limit: u32) -> (String, Vec<Value>) {
    let SessionFilter { ended, search, from, until, provider, destination, client_version } = filter;
    let mut sought = Sought::default();
    if let Some(id) = before {
        sought.holds("session_id < ?", id.to_string());
    }
    match ended {
        Some(true) => sought.conditions.push("state = 'ended'".into()),
        // Few of many: the index of those is read, not that of all.
        Some(false) => sought.conditions.push(OPEN.into()),
        None => {}
    }
    if let Some(from) = from.map(Timestamp::unix_us) {
        sought.holds("created_us >= ?", from);
    }
    if let Some(until) = until.map(Timestamp::unix_us) {
        sought.holds("created_us < ?", until);
    }
    if !search.is_empty() {
        sought.holds(
            r"(label LIKE '%' || ? || '%' ESCAPE '\' OR as_name LIKE '%' || ? || '%' ESCAPE '\'
               OR public_address LIKE '%' || ? || '%' ESCAPE '\' OR client_version LIKE '%' || ? || '%' ESCAPE '\'
               OR session_id LIKE ? || '%' ESCAPE '\')",
            literal(search),
        );
    }
    match as_number(provider) {
        Some(number) => sought.holds("asn = ?", number),
        None if !provider.is_empty() => {
            sought.holds(r"as_name LIKE '%' || ? || '%' ESCAPE '\'", literal(provider));
        }
        None => {}
    }
    if !destination.is_empty() {
        sought.holds("session_id IN (SELECT session_id FROM tests WHERE destination = ?)", destination.clone());
    }
    if !client_version.is_empty() {
        sought.holds("instr(client_version, ?) = 1", client_version.clone());
    }
    sought.newest(limit)
}

const OPEN: &str = "session_id IN (SELECT session_id FROM sessions INDEXED BY sessions_open WHERE state <> 'ended')";

/// Makes a text stand for itself in a pattern of `LIKE`, which passes over the case of ASCII letters.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Reads a network's number: `AS64500`, `as64500` or `64500`.
fn as_number(provider: &str) -> Option<u32> {
    let digits = provider.get(..2).filter(|as_| as_.eq_ignore_ascii_case("as")).map_or(provider, |_| &provider[2..]);
    digits.parse().ok()
}

#[derive(Default)]
struct Sought {
    conditions: Vec<String>,
    parameters: Vec<Value>,
}

impl Sought {
    /// Adds a condition; each `?` in it stands for the same value.
    fn holds(&mut self, condition: &str, value: impl Into<Value>) {
        self.parameters.push(value.into());
        self.conditions.push(condition.replace('?', &format!("?{}", self.parameters.len())));
    }

    fn newest(mut self, limit: u32) -> (String, Vec<Value>) {
        if self.conditions.is_empty() {
            self.conditions.push("TRUE".into());
        }
        self.parameters.push(limit.into());
        let (conditions, last) = (self.conditions.join(" AND "), self.parameters.len());
        let found =
            format!("SELECT session_id FROM sessions WHERE {conditions} ORDER BY session_id DESC LIMIT ?{last}");
        (format!("session_id IN ({found}) ORDER BY session_id DESC"), self.parameters)
    }
}
