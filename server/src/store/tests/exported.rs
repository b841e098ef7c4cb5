//! What goes to BigQuery: every column of the record or none by intent, every version, and only what staff claim.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::export::{Column, Holds, Table};
use super::*;

/// Columns that stay here: secrets, and how far things have got.
const KEPT_BACK: [&str; 7] =
    ["code_hash", "key_hash", "stored_sequence", "exported_sequence", "claimed", "rolled_sequence", "rolled_asn"];

#[tokio::test]
async fn every_column_of_the_record_is_exported_or_kept_back_by_intent() {
    let place = Place::new();
    drop(place.open());
    let connection = Connection::open(place.file()).expect("opens");
    for kind in ExportKind::ALL {
        let sources: BTreeSet<_> = kind.table().columns.iter().map(|column| column.source).collect();
        let mut info = connection.prepare(&format!("PRAGMA table_info({})", kind.word())).expect("sound");
        let names = info.query_map((), |row| row.get::<_, String>("name")).expect("rows");
        for name in names.collect::<Result<Vec<_>, _>>().expect("names") {
            let expression = format!("x.{name}");
            // The network is the session's, in every table.
            let is_exported = sources.iter().any(|source| *source == expression || *source == format!("s.{name}"));
            let is_kept = KEPT_BACK.contains(&name.as_str());
            assert!(is_exported != is_kept, "{}.{name} is exported: {is_exported}, kept back: {is_kept}", kind.word());
        }
    }
}

#[test]
fn tables_only_grow() {
    let mut listing = String::new();
    for kind in ExportKind::ALL {
        let Table { description, columns, partition, cluster, item: _ } = kind.table();
        writeln!(listing, "{}: {description}; by day of {partition}, by {}", kind.word(), cluster.join(", "))
            .expect("a String");
        for Column { name, holds, required, description, source: _ } in *columns {
            let mode = if *required { "required" } else { "nullable" };
            writeln!(listing, "  {name} {holds:?} {mode}: {description}").expect("a String");
        }
        let divided = columns.iter().find(|column| column.name == *partition).expect("it is a column");
        assert!(divided.holds == Holds::Time && divided.required, "{}", kind.word());
        assert!(cluster.iter().all(|name| columns.iter().any(|column| column.name == *name)), "{}", kind.word());
    }
    insta::assert_snapshot!(listing);
}

#[tokio::test]
async fn a_client_that_came_by_itself_goes_nowhere_until_staff_do_something() {
    let place = Place::new();
    let handle = place.open();
    let walk_in = Commit {
        session: id(2),
        changes: vec![
            Change::Session(Box::new(row(2))),
            Change::Test(Box::new(completed(2))),
            Change::Samples(samples()),
        ],
        through: Some(Sequence::new(20)),
    };
    let stored = handle.submit(walk_in).await.expect("the writer runs").await.expect("an answer");
    stored.expect("stored");
    let lag = async || handle.export_standing().await.expect("readable").lag_rows;
    assert_eq!(lag().await, 0);
    assert!(handle.is_exported(id(2), Sequence::new(20)).await.expect("readable"), "nobody waits for it");
    let at = Timestamp::from_unix_us(1);
    let entry = |action| AuditEntry { at, who: "a".into(), action, session: Some(id(2)), detail: String::new() };
    handle.audit(entry("delete_session")).await.expect("noted");
    assert_eq!(lag().await, 0);
    handle.audit(entry("issue_test")).await.expect("noted");
    assert_eq!(lag().await, 20 + 2, "its items, its row and its test's");
    assert!(!handle.is_exported(id(2), Sequence::new(20)).await.expect("readable"));
}

#[tokio::test]
async fn each_change_of_a_row_is_a_version_of_its_own() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session(), Change::Test(Box::new(completed(2)))], None).await.expect("stored");
    let version = |kind: &str| {
        count(&place.file(), &format!("SELECT coalesce(max(version), 0) FROM export_rows WHERE kind = '{kind}'"))
    };
    let (sessions, tests) = (version("sessions"), version("tests"));
    assert!(sessions >= 1 && tests >= 1);
    store(&handle, vec![session(), Change::Test(Box::new(completed(2)))], None).await.expect("stored");
    assert!(version("sessions") > sessions && version("tests") > tests);
    let sessions = version("sessions");
    store(&handle, vec![Change::Samples(samples())], Some(20)).await.expect("stored");
    assert_eq!(version("sessions"), sessions, "items change no row");
}

#[tokio::test]
async fn how_far_the_copy_reaches_is_told_by_what_is_not_there() {
    let place = Place::new();
    let handle = place.open();
    let now = Timestamp::from_unix_us(i64::MAX / 2);
    handle.export_to("p.d".into()).await.expect("noted");
    let reach = async || handle.export_reach(now).await.expect("readable");
    let whole = Reach { complete_until: now, sessions_behind: 0, sessions_left_out: 0, removed: vec![] };
    assert_eq!(reach().await, whole);

    let changes =
        |n| vec![Change::Session(Box::new(row(n))), Change::Test(Box::new(completed(2))), Change::Samples(samples())];
    for n in [1, 2] {
        let commit = Commit { session: id(n), changes: changes(n), through: Some(Sequence::new(20)) };
        handle.submit(commit).await.expect("the writer runs").await.expect("an answer").expect("stored");
    }
    let began = count(&place.file(), "SELECT coalesce(min(started_us), min(issued_us)) FROM tests");
    let told = reach().await;
    // The second came by itself, and nobody did anything with it.
    assert_eq!((told.complete_until.unix_us(), told.sessions_behind, told.sessions_left_out), (began, 1, 1));

    let arrived = async |kind: ExportKind, item, last| {
        let range = Range { session: id(1).to_string(), item, first: 1, last };
        let end = End { kind, ranges: vec![range], rows: 1, next_offset: Some(1), set_aside: vec![], at: now };
        handle.export_end(end).await.expect("noted");
    };
    arrived(ExportKind::Sessions, 0, 9).await;
    arrived(ExportKind::Tests, 2, 9).await;
    let first = began + count(&place.file(), "SELECT at_us FROM samples WHERE sequence = 1 LIMIT 1");
    let told = reach().await;
    assert_eq!((told.complete_until.unix_us(), told.sessions_behind), (first, 1), "its samples are to come");
    arrived(ExportKind::Samples, 0, 20).await;
    let whole = Reach { sessions_left_out: 1, ..whole };
    assert_eq!(reach().await, whole);

    handle.delete(id(1), now).await.expect("deleted").expect("it was there");
    assert_eq!(reach().await, Reach { removed: vec![id(1).to_string()], ..whole });
}
