//! What keeps documents from being made is told in one message that says what to do, and nothing is lost by it.

use cnc_model::SessionId;

use crate::fake::{FOLDER, Role, World};
use crate::place::Place;

/// Brings trouble about, sees that the same is told of it wherever somebody looks, then ends it.
async fn check(trouble: impl FnOnce(&mut World), words: &[&str], cure: impl FnOnce(&mut World)) {
    check_at(Place::open().await, trouble, words, cure).await;
}

async fn check_at(place: Place, trouble: impl FnOnce(&mut World), words: &[&str], cure: impl FnOnce(&mut World)) {
    trouble(&mut place.fake.world());
    let (session, _client) = place.call(1).await;
    let told = told(&place, session).await;
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
    let status = place.staff().await.status().await;
    assert_eq!(status.last_error.as_ref(), Some(&told));
    let documents = status.documents.expect("there is a folder");
    assert_eq!((documents.waiting, documents.removals_waiting, documents.failing_message), (1, 0, Some(told.clone())));
    assert_eq!(documents.failing.iter().map(|failing| failing.documents).sum::<u64>(), 1, "{:?}", documents.failing);
    let kind = place.column(session, "failure").expect("a kind");
    assert_eq!(documents.failing[0].kind, kind);
    let shown = place.staff().await.document(session).await;
    assert!(shown.url.is_none() && shown.error.as_ref() == Some(&told), "{shown:?}");
    place.until("the log tells the same", || place.log().contains(&told)).await;
    let (code, checked) = place.check().await;
    assert!(code == Some(1) && checked.contains(&told), "{told:?} is not in {checked}");
    assert!(checked.contains("NO  ") && checked.contains("granted by: "), "{checked}");
    cure(&mut place.fake.world());
    place.made(session, 1).await;
    assert_eq!(place.fake.world().documents(&session.to_string()).len(), 1);
    let (code, checked) = place.check().await;
    assert_eq!(code, Some(0), "{checked}");
    let documents = place.staff().await.status().await.documents.expect("there is a folder");
    assert_eq!((documents.waiting, documents.oldest_seconds, documents.failing.len()), (0, 0, 0));
    assert!(!checked.contains("NO  ") && !checked.contains("--  "), "{checked}");
    let left: Vec<_> =
        place.fake.world().files.values().filter(|file| !file.trashed).map(|file| file.name.clone()).collect();
    assert_eq!(left.len(), 2, "the folder and the document alone: {left:?}");
}

async fn told(place: &Place, session: SessionId) -> String {
    let mut told = None;
    place
        .until("the trouble is told", || {
            told = place.column(session, "last_error");
            told.is_some()
        })
        .await;
    told.expect("it was told")
}

#[tokio::test]
async fn a_folder_in_the_trash() {
    let trash = |is: bool| move |world: &mut World| world.files.get_mut(FOLDER).expect("it works here").trashed = is;
    check(trash(true), &["the folder is in the trash", "take it out of the trash"], trash(false)).await;
}

#[tokio::test]
async fn an_account_that_is_no_member() {
    let words = ["the folder is not there, or this account may not see it", "Content manager of the shared drive"];
    check(|world| world.role = Role::Stranger, &words, |world| world.role = Role::Manager).await;
}

#[tokio::test]
async fn an_account_that_may_only_look() {
    let words = ["the account may not do that", "Content manager of the shared drive"];
    check(|world| world.role = Role::Viewer, &words, |world| world.role = Role::ContentManager).await;
}

#[tokio::test]
async fn no_room() {
    let words = ["there is no room in Drive", "a shared drive"];
    check(|world| world.has_room = false, &words, |world| world.has_room = true).await;
}

#[tokio::test]
async fn a_rate_limit() {
    let refuse = |world: &mut World| world.refuse_all = Some((429, "rateLimitExceeded", "Rate Limit Exceeded"));
    check(refuse, &["the quota is used up", "tried again by itself"], |world| world.refuse_all = None).await;
}

#[tokio::test]
async fn an_interface_that_is_not_switched_on() {
    let message = "Google Drive API has not been used in project 1 before or it is disabled.";
    let refuse = move |world: &mut World| world.refuse_all = Some((403, "accessNotConfigured", message));
    let words = ["the interface is not switched on", "APIs & Services", "has not been used in project"];
    check(refuse, &words, |world| world.refuse_all = None).await;
}

/// Gives the machine's tokens other scopes, those that are out too.
fn scopes(scopes: &'static str) -> impl FnOnce(&mut World) {
    move |world| {
        world.machine_scopes = scopes.into();
        world.tokens.values_mut().for_each(|known| scopes.clone_into(known));
    }
}

const FULL: &str = "https://www.googleapis.com/auth/drive";

#[tokio::test]
async fn a_token_for_files_of_its_own_only() {
    let lesser = scopes("https://www.googleapis.com/auth/drive.file");
    check(lesser, &["the folder is not there, or this account may not see it"], scopes(FULL)).await;
}

#[tokio::test]
async fn a_token_that_is_not_for_drive() {
    let other = scopes("https://www.googleapis.com/auth/cloud-platform");
    check(other, &["this machine's tokens are not for that", FULL], scopes(FULL)).await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_an_hour() {
    for hour in [-3_600, 3_600] {
        let Some(place) = Place::open_with_key().await else { return };
        let wrong = move |world: &mut World| world.clock_ahead_s = hour;
        check_at(place, wrong, &["this machine's clock is wrong", "NTP"], |world| world.clock_ahead_s = 0).await;
    }
}

#[tokio::test]
async fn a_key_that_was_deleted() {
    let Some(place) = Place::open_with_key().await else { return };
    let words = ["Google does not accept who this listener says it is", "Make a new key"];
    check_at(place, |world| world.knows_key = false, &words, |world| world.knows_key = true).await;
}

#[tokio::test]
async fn an_account_that_may_add_and_not_remove() {
    let place = Place::open().await;
    place.fake.world().role = Role::Contributor;
    let (code, checked) = place.check().await;
    assert_eq!(code, Some(1), "{checked}");
    let is_there = |line: &str| assert!(checked.contains(line), "{line:?} is not in {checked}");
    is_there("ok  change the document");
    is_there("NO  remove the document, for good or to the trash");
    is_there("stays in the folder: remove it by hand");
    is_there("granted by: Content manager of the shared drive");

    let (session, _client) = place.call(1).await;
    place.made(session, 1).await;
    place.staff().await.delete_told(session).await;
    let told = told(&place, session).await;
    assert!(told.contains("cannot remove the document from Drive: the account may not do that"), "{told}");
    assert_eq!(place.staff().await.status().await.last_error.as_ref(), Some(&told));
    place.fake.world().role = Role::ContentManager;
    place.until("its row is gone", || place.column(session, "state").is_none()).await;
    assert!(place.fake.world().documents(&session.to_string()).is_empty());
}
