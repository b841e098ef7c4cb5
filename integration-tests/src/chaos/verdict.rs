//! What is stored, held against the client's own log of what it made and of what was acknowledged.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::day::Trouble;
use super::sides::{Client, Listener};
use crate::store;

/// What is to be said of a day.
#[derive(Debug)]
pub struct Verdict {
    /// What went wrong, in order.
    pub troubles: Vec<Trouble>,
    /// Samples that the client made.
    pub made: usize,
    /// Up to where the client was told that all is stored.
    pub acknowledged: u64,
    /// Samples that are stored.
    pub stored: usize,
    /// What must hold and does not.
    pub faults: Vec<String>,
}

/// A sample as both sides know it: its test and its number there.
type Known = (u64, u64);

/// Tells whether a session's report lies there.
pub(super) fn has_report(listener: &Listener, session: &str) -> bool {
    listener.reports().join(format!("{session}.html")).is_file()
}

pub(super) fn of(listener: &Listener, client: &Client, session: &str, troubles: Vec<Trouble>) -> Verdict {
    let log = std::fs::read_to_string(client.log()).unwrap_or_default();
    let (made, acknowledged) = read_log(&log);
    let stored = read_store(listener, session);
    let mut faults = Vec::new();
    let mut fault = |fault: String| faults.push(fault);
    for (sequence, known) in &stored {
        match made.get(sequence) {
            Some(sent) if sent == known => {}
            Some(sent) => fault(format!("item {sequence} is stored as {known:?} and was sent as {sent:?}")),
            None => fault(format!("item {sequence} is stored and was never sent")),
        }
    }
    let lost = |through: u64| -> Vec<u64> {
        let sent = made.keys().copied().filter(|sequence| *sequence <= through);
        sent.filter(|sequence| !stored.contains_key(sequence)).collect()
    };
    let unkept = lost(acknowledged);
    if !unkept.is_empty() {
        fault(format!("acknowledged through {acknowledged}, and these are not stored: {unkept:?}"));
    }
    // All was well for long enough: nothing is on its way any more.
    let missing = lost(u64::MAX);
    if !missing.is_empty() {
        fault(format!("made and never stored: {missing:?}"));
    }
    faults.extend(ends_with_one_report(listener, session));
    if store::integrity(&listener.store()) != "ok" {
        faults.push("the store is damaged".into());
    }
    if !faults.is_empty() {
        faults.push(format!("the client showed:\n{}", client.shown()));
    }
    Verdict { troubles, made: made.len(), acknowledged, stored: stored.len(), faults }
}

/// Reads what the client wrote down. A sequence that is there twice was made anew; the later one is what was sent.
fn read_log(log: &str) -> (BTreeMap<u64, Known>, u64) {
    let (mut made, mut acknowledged) = (BTreeMap::new(), 0);
    // What it measured for its user alone, without a listener, is of another session, which began later.
    let (mut session, mut ours) = (None, true);
    // A line that was cut short by the client's death tells of nothing that was sent.
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if line["type"] == "session" {
            ours = *session.get_or_insert_with(|| line["began_at"].clone()) == line["began_at"];
        }
        let number = |key: &str| line[key].as_u64();
        let Some(sequence) = number("sequence").filter(|_| ours) else { continue };
        match line["type"].as_str() {
            Some("acknowledged") => acknowledged = acknowledged.max(sequence),
            Some("sample") => {
                if let (Some(test), Some(seq)) = (number("test"), number("seq")) {
                    made.insert(sequence, (test, seq));
                }
            }
            _ => drop(made.remove(&sequence)),
        }
    }
    (made, acknowledged)
}

fn read_store(listener: &Listener, session: &str) -> BTreeMap<u64, Known> {
    let store = open(listener);
    let sql = "SELECT sequence, test_id, number FROM samples WHERE session_id = ?1";
    let mut statement = store.prepare(sql).expect("the samples can be asked for");
    let number = |row: &rusqlite::Row<'_>, at| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let rows = statement.query_map([session], |row| Ok((number(row, 0)?, (number(row, 1)?, number(row, 2)?))));
    rows.expect("the samples can be read").map(|row| row.expect("each sample can be read")).collect()
}

fn ends_with_one_report(listener: &Listener, session: &str) -> Vec<String> {
    let store = open(listener);
    let one = |sql: &str| store.query_row(sql, [session], |row| row.get::<_, String>(0)).unwrap_or_default();
    let mut faults = Vec::new();
    let state = one("SELECT state FROM sessions WHERE session_id = ?1");
    if state != "ended" {
        faults.push(format!("the session is {state}"));
    }
    let jobs = one("SELECT group_concat(state) FROM jobs WHERE session_id = ?1 AND kind = 'report'");
    if jobs != "done" {
        faults.push(format!("the report is {jobs:?}"));
    }
    let open_tests = one("SELECT cast(count(*) AS text) FROM tests WHERE session_id = ?1 AND outcome IS NULL");
    if open_tests != "0" {
        faults.push(format!("{open_tests} tests have no outcome"));
    }
    let reports = std::fs::read_dir(listener.reports()).into_iter().flatten().filter_map(Result::ok);
    let reports: Vec<_> = reports.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    if reports != [format!("{session}.html")] {
        faults.push(format!("the reports are {reports:?}"));
    }
    faults
}

fn open(listener: &Listener) -> Connection {
    Connection::open_with_flags(listener.store(), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store can be opened")
}
