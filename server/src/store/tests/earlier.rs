//! Files of every earlier schema are brought up to date with what they hold.

use super::super::open::MIGRATIONS;
use super::*;

/// Rows as the first version wrote them; later ones only added columns.
const FIRST_ROWS: &str = "
    INSERT INTO sessions (session_id, label, plan, walk_in, state, end_reason, created_us, ended_us, stored_sequence)
        VALUES ('0000000000000001', 'Ada', 'default', 0, 'ended', 'staff', 10, 20, 7);
    INSERT INTO samples (session_id, sequence, test_id, kind, at_us, outcome, number)
        VALUES ('0000000000000001', 7, 1, 'ping', 5, 'lost', 0);
    INSERT INTO jobs (session_id, kind, state, created_us, due_us) VALUES ('0000000000000001', 'report', 'done', 1, 1);
    INSERT INTO audit (at_us, who, action, session_id, detail) VALUES (9, 'a (1)', 'end_session', '0000000000000001', '');
    INSERT INTO tokens (token_id, name, role, hash, created_us, created_by)
        VALUES ('t', 'tv', 'viewer', zeroblob(32), 1, 'first start');
";

fn make(place: &Place, version: usize) {
    let connection = Connection::open(place.file()).expect("opens");
    for step in &MIGRATIONS[..version] {
        connection.execute_batch(step).expect("a schema");
    }
    connection.pragma_update(None, "user_version", i64::try_from(version).expect("few")).expect("set");
    if version > 0 {
        connection.execute_batch(FIRST_ROWS).expect("rows");
    }
}

#[tokio::test]
async fn every_earlier_schema_opens_with_what_it_holds() {
    for version in 0..=MIGRATIONS.len() {
        let place = Place::new();
        make(&place, version);
        let handle = place.open();
        let session = "0000000000000001".parse().expect("an id");
        let stored = handle.session(session).await.expect("readable");
        assert_eq!(stored.is_some(), version > 0, "schema {version}");
        if let Some(stored) = stored {
            assert_eq!((stored.row.overview.label.as_str(), stored.stored), ("Ada", Sequence::new(7)));
            assert_eq!(handle.samples(session, None, Sequence::NONE, 9).await.expect("readable").len(), 1);
            assert_eq!(handle.audited(Some(session), None, 9).await.expect("readable").len(), 1);
            assert_eq!(handle.tokens().await.expect("readable").len(), 1);
        }
        drop(handle);
        let checked = check(&place.file()).expect("looked over");
        assert_eq!(checked.faults, [""; 0], "schema {version}");
        assert_eq!(checked.schema, i64::try_from(MIGRATIONS.len()).expect("few"));
    }
}

/// Makes what `sqlite_master` tells of a file the same whatever way it came about.
#[test]
fn every_way_leads_to_the_same_schema() {
    let schema = |version| {
        let place = Place::new();
        make(&place, version);
        drop(place.open());
        let connection = Connection::open(place.file()).expect("opens");
        let mut statement = connection.prepare("SELECT sql FROM sqlite_master ORDER BY name").expect("sound");
        let rows = statement.query_map((), |row| row.get::<_, Option<String>>(0)).expect("rows");
        rows.collect::<Result<Vec<_>, _>>().expect("texts")
    };
    for version in 1..=MIGRATIONS.len() {
        assert_eq!(schema(version), schema(0), "from schema {version}");
    }
}
