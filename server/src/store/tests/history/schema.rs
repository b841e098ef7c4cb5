//! Files from before history, and the indexes that it rests on.

use super::super::super::open::MIGRATIONS;
use super::*;

/// Files of the schema before history, and of each since, are summed up once they are opened.
#[tokio::test]
async fn earlier_files_are_summed_up() {
    let place = Place::new();
    let connection = Connection::open(place.file()).expect("opens");
    for step in &MIGRATIONS[..9] {
        connection.execute_batch(step).expect("a schema");
    }
    connection.pragma_update(None, "user_version", 9).expect("set");
    let session = id(1).to_string();
    let sql = "INSERT INTO sessions (session_id, label, plan, walk_in, state, created_us, stored_sequence, asn)
               VALUES (?1, '', '', 0, 'active', 1, 3, 7)";
    connection.execute(sql, [&session]).expect("a session");
    let sql = "INSERT INTO tests (session_id, test_id, kind, destination, params, issued_by, issued_us)
               VALUES (?1, 1, 'ping', 'a.example', ?2, '', ?3)";
    let params = crate::store::blob::test(&ping_to("a.example"));
    connection.execute(sql, (&session, params, BEGAN.unix_us())).expect("a test");
    for (sequence, outcome, rtt) in [(1, "reply", Some(1_000)), (2, "lost", None), (3, "nonsense", None)] {
        let sql = "INSERT INTO samples (session_id, sequence, test_id, kind, at_us, outcome, number, rtt_us)
                   VALUES (?1, ?2, 1, 'ping', 0, ?3, ?2, ?4)";
        connection.execute(sql, (&session, sequence, outcome, rtt)).expect("a sample");
    }
    drop(connection);
    let handle = place.open();
    catch_up(&handle, 2).await;
    let figures = whole(&handle, destination("a.example")).await;
    assert_eq!((figures.count, figures.received, figures.p50), (2, 1, Some(1_000)));
    assert_eq!(whole(&handle, scope(HistorySubject::Provider(7))).await.count, 2);
}

#[tokio::test]
async fn what_is_left_to_do_is_found_by_its_index() {
    let place = Place::new();
    drop(place.open());
    let connection = Connection::open(place.file()).expect("opens");
    let plan = |sql: &str| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("sound");
        let rows = statement.query_map((), |row| row.get::<_, String>("detail")).expect("rows");
        rows.collect::<Result<Vec<_>, _>>().expect("texts").join("; ")
    };
    let due = "SELECT session_id FROM sessions WHERE (stored_sequence > rolled_sequence OR coalesce(asn, 0) <> \
               rolled_asn) AND session_id > 'a' ORDER BY session_id LIMIT 1";
    assert!(plan(due).contains("sessions_to_roll"), "{}", plan(due));
    let listed = "SELECT destination, sum(sent) FROM history_sums WHERE asn = -1 AND version = 1 AND hour >= 1 AND \
                  hour < 2 GROUP BY destination";
    assert!(plan(listed).contains("COVERING INDEX history_destinations"), "{}", plan(listed));
}
