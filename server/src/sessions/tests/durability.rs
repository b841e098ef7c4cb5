//! `durability = "bigquery"`: what BigQuery does not have is not acknowledged, whatever restarts meanwhile.

use super::*;
use crate::store::{End, ExportKind, Most};

/// Lets everything arrive at BigQuery, as the exporter notes it.
async fn arrive(store: &Store) {
    for kind in ExportKind::ALL {
        let most = Most { rows: 1_000, bytes: 1 << 20 };
        let gathered = store.export_gather(kind, most, |_, _| Ok(Vec::new())).await.expect("readable");
        let at = Timestamp::from_unix_us(1);
        let end = End { kind, ranges: gathered.ranges, rows: 0, next_offset: None, set_aside: Vec::new(), at };
        store.export_end(end).await.expect("noted");
    }
}

async fn stored(store: &Store, id: SessionId, through: u64) {
    let mut commits = store.commits();
    while store.session(id).await.expect("readable").is_none_or(|session| session.stored.get() < through) {
        // Liveness: the session's task stores what came.
        commits.changed().await.expect("the writer runs");
    }
}

#[tokio::test]
async fn items_are_acknowledged_once_bigquery_has_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let sessions = open_as(&folder, Retention::default(), true).await;
    let store = sessions.shared.store.clone();
    let overview = sessions.create(sessions.new_id(), None, "Ada".into()).expect("a session");
    let mut client = Client::attach(&sessions, 1, overview.code).await.expect("attached");
    assert!(matches!(client.next().await, ListenerMessage::Welcome(_)), "nothing of the client's waits");
    client.send(1, vec![consent()]).await;
    stored(&store, overview.id, 1).await;
    assert!(client.down.try_recv().is_err(), "it is only on this disk");
    arrive(&store).await;
    client.acknowledged(1).await;
    client.send(2, vec![sample(0), sample(1)]).await;
    stored(&store, overview.id, 3).await;

    // The listener starts again, and its disk is still there.
    drop(store);
    sessions.shutdown().await;
    drop((sessions, client));
    let sessions = open_as(&folder, Retention::default(), true).await;
    let store = sessions.shared.store.clone();
    let mut client = Client::attach(&sessions, 1, None).await.expect("attached");
    let ListenerMessage::Welcome(welcome) = client.next().await else { panic!("a welcome") };
    assert_eq!(welcome.acknowledged, Sequence::new(1));
    client.send(2, vec![sample(0), sample(1)]).await;
    arrive(&store).await;
    client.acknowledged(3).await;
    assert_eq!(store.samples(overview.id, None, Sequence::NONE, 10).await.expect("samples").len(), 2);
}

#[tokio::test]
async fn a_session_that_waits_for_bigquery_can_be_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let sessions = open_as(&folder, Retention::default(), true).await;
    let overview = sessions.create(sessions.new_id(), None, String::new()).expect("a session");
    let mut client = Client::attach(&sessions, 1, overview.code).await.expect("attached");
    assert!(matches!(client.next().await, ListenerMessage::Welcome(_)));
    client.send(1, vec![consent()]).await;
    stored(&sessions.shared.store, overview.id, 1).await;
    sessions.delete(overview.id).await.expect("deleted");
    assert_eq!(sessions.shared.store.session(overview.id).await.expect("readable"), None);
}
