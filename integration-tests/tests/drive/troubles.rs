//! What keeps documents from being made is told in one message that says what to do, and nothing is lost by it.

use cnc_model::SessionId;

use crate::fake::{FOLDER, Role, World};
use crate::place::Place;

/// Brings trouble about, sees what is told of it in the record and in the status, then ends it.
async fn check(trouble: impl FnOnce(&mut World), words: &[&str], cure: impl FnOnce(&mut World)) {
    let place = Place::open().await;
    trouble(&mut place.fake.world());
    let (session, _client) = place.call(1).await;
    let told = told(&place, session).await;
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
    assert_eq!(place.staff().await.status().await.last_error, Some(told));
    let shown = place.staff().await.document(session).await;
    assert!(shown.url.is_none() && shown.error.is_some());
    cure(&mut place.fake.world());
    place.made(session, 1).await;
    assert_eq!(place.fake.world().documents(&session.to_string()).len(), 1);
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
    check(|world| world.role = Role::Viewer, &words, |world| world.role = Role::Contributor).await;
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
    check(refuse, &["has not been used in project"], |world| world.refuse_all = None).await;
}

#[tokio::test]
async fn a_token_for_files_of_its_own_only() {
    let lesser = |world: &mut World| world.machine_scopes = "https://www.googleapis.com/auth/drive.file".into();
    let full = |world: &mut World| {
        world.machine_scopes = "https://www.googleapis.com/auth/drive".into();
        let scopes = world.machine_scopes.clone();
        world.tokens.values_mut().for_each(|known| known.clone_from(&scopes));
    };
    check(lesser, &["the folder is not there, or this account may not see it"], full).await;
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let description = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                       Check your iat and exp values in the JWT claim.";
    let refuse = move |world: &mut World| world.refuse_tokens = Some(("invalid_grant", description));
    check(refuse, &["this machine's clock is wrong", "NTP"], |world| world.refuse_tokens = None).await;
}
