//! What becomes of a call's report in Drive, and of its document afterwards.

use cnc_integration_tests::wire::WireClient;
use cnc_model::message::{Farewell, ListenerMessage};
use cnc_model::{Item, SessionId};

use crate::fake::{FOLDER, Fault, Role};
use crate::place::Place;

async fn farewell(client: &mut WireClient) -> Farewell {
    loop {
        let message = client.next().await.expect("a goodbye");
        if let ListenerMessage::Goodbye(farewell) = ListenerMessage::try_from(message).expect("sound") {
            return farewell;
        }
    }
}

/// Gives the only document of a session.
fn only(place: &Place, session: SessionId) -> (String, crate::fake::File) {
    let mut documents = place.fake.world().documents(&session.to_string());
    assert_eq!(documents.len(), 1, "{session} has {} documents", documents.len());
    documents.remove(0)
}

#[tokio::test]
async fn a_claimed_call_becomes_one_document_and_its_client_is_told_where() {
    let place = Place::open().await;
    let (session, mut client) = place.call(1).await;
    let told = farewell(&mut client).await;
    place.made(session, 1).await;
    let (id, file) = only(&place, session);
    assert_eq!(told.document_url, Some(format!("https://docs.google.com/document/d/{id}/edit?usp=drivesdk")));
    assert_eq!(
        (file.mime.as_str(), file.parents.as_slice()),
        ("application/vnd.google-apps.document", [FOLDER.to_owned()].as_slice())
    );
    assert!(file.name.contains("a test") && file.name.ends_with(&session.to_string()), "{}", file.name);
    assert!(file.name.starts_with("20"), "names sort by time: {}", file.name);
    assert!(file.content.starts_with(b"PK"));
    let shown = place.staff().await.document(session).await;
    assert_eq!((shown.url, shown.error), (told.document_url, None));
}

#[tokio::test]
async fn a_walk_in_becomes_no_document() {
    let place = Place::open().await;
    let mut client = WireClient::walk_in(place.url(), [9; 32]).await;
    client.consent().await;
    client.send(vec![Item::Goodbye { at: std::time::Duration::ZERO, reason: cnc_model::Goodbye::UserEnded }]).await;
    let told = farewell(&mut client).await;
    assert!(told.report_url.is_some());
    assert_eq!((told.document_url, place.fake.world().count()), (None, 0));
}

#[tokio::test]
async fn late_data_changes_the_document_in_place() {
    let place = Place::open().await;
    let (session, mut client) = place.call(2).await;
    farewell(&mut client).await;
    place.made(session, 1).await;
    let (id, first) = only(&place, session);
    let mut client = WireClient::come_back(place.url(), [2; 32], 2).await;
    client.send(vec![Item::Goodbye { at: std::time::Duration::ZERO, reason: cnc_model::Goodbye::Done }]).await;
    place.made(session, 2).await;
    let (same, second) = only(&place, session);
    assert_eq!(same, id);
    assert!(second.revisions > first.revisions, "{} after {}", second.revisions, first.revisions);
}

#[tokio::test]
async fn a_document_goes_with_its_session() {
    for (role, trashed) in [(Role::Manager, false), (Role::ContentManager, true)] {
        let place = Place::open().await;
        let (session, _client) = place.call(3).await;
        place.made(session, 1).await;
        let (id, _) = only(&place, session);
        place.fake.world().role = role;
        let removed = place.staff().await.delete_told(session).await;
        assert!(removed.documents.iter().any(|what| what.contains("Google Drive")), "{:?}", removed.documents);
        place.until("its row is gone", || place.column(session, "state").is_none()).await;
        let left = place.fake.world().files.get(&id).map(|file| file.trashed);
        assert_eq!(left, trashed.then_some(true));
        let audit = place.staff().await.audit(session).await;
        assert!(audit.iter().any(|entry| entry.action == "remove_document" && entry.detail.contains(&id)), "{audit:?}");
    }
}

#[tokio::test]
async fn no_answer_that_is_lost_makes_a_second_document() {
    // Requests: token's folder, search, open, send.
    let place = Place::open().await;
    place.fake.world().faults = [None, None, None, Some(Fault::HalfAnswer)].into();
    let (session, _client) = place.call(4).await;
    place.made(session, 1).await;
    only(&place, session);
    assert_eq!(place.fake.world().count(), 1);
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off() {
    let place = Place::open().await;
    place.fake.world().faults = [None, None, None, Some(Fault::Take(3_000))].into();
    let (session, _client) = place.call(5).await;
    place.made(session, 1).await;
    let (_, file) = only(&place, session);
    let whole = zip_length(&file.content);
    assert_eq!(whole, Some(file.content.len()), "the bytes are those of one document");
    assert_eq!(place.fake.world().uploads.len(), 1, "it went on, and did not begin anew");
}

/// Gives where a document's archive ends, if it ends as one does.
fn zip_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).rposition(|window| window == b"PK\x05\x06").map(|at| at + 22)
}

#[tokio::test]
async fn what_was_begun_before_a_kill_is_asked_before_anything_is_made() {
    let mut place = Place::open().await;
    // Of the first bytes some arrive, and no answer comes: the upload stays begun until the kill, however slow the machine.
    place.fake.world().faults = [None, None, None, Some(Fault::Hold(500))].into();
    let (session, _client) = place.call(6).await;
    place.until("the first bytes are sent", || place.fake.world().held == 1).await;
    assert!(place.column(session, "upload_url").is_some(), "the address is durable before the first byte goes there");
    place.kill().await;
    place.start().await;
    place.made(session, 1).await;
    only(&place, session);
    let world = place.fake.world();
    assert_eq!((world.count(), world.uploads.len()), (1, 1));
}

#[tokio::test]
async fn a_token_that_is_withdrawn_is_replaced() {
    let place = Place::open().await;
    place.fake.world().faults = [None, Some(Fault::Refuse(401, "authError"))].into();
    let (session, _client) = place.call(7).await;
    place.made(session, 1).await;
    only(&place, session);
}

#[tokio::test]
async fn a_document_that_somebody_removed_is_made_anew_only_for_what_came_later() {
    let place = Place::open().await;
    let (session, mut client) = place.call(8).await;
    farewell(&mut client).await;
    place.made(session, 1).await;
    let (id, _) = only(&place, session);
    place.fake.world().files.remove(&id);
    let mut client = WireClient::come_back(place.url(), [8; 32], 2).await;
    client.send(vec![Item::Goodbye { at: std::time::Duration::ZERO, reason: cnc_model::Goodbye::Done }]).await;
    place.made(session, 2).await;
    let (anew, _) = only(&place, session);
    assert_ne!(anew, id);
}
