//! A test for each story that needs no more than a listener.

use cnc_integration_tests::browser::Browser;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::past::Past;
use cnc_model::Timestamp;
use cnc_proto::support::HistoryPeriod;
use cnc_server::clock::wall;

const DAY_US: i64 = 86_400_000_000;

async fn on_a_new_listener(story: &str) {
    let Some(browser) = Browser::find_or_skip() else { return };
    let listener = Listener::start(QUICK).await;
    browser.tell(story, &listener, &[]).await;
}

#[tokio::test]
async fn a_call_from_sign_in_to_report() {
    on_a_new_listener("call").await;
}

#[tokio::test]
async fn two_watchers_see_the_same_and_a_viewer_cannot_push() {
    on_a_new_listener("watchers").await;
}

#[tokio::test]
async fn a_lost_page_catches_up() {
    on_a_new_listener("lost").await;
}

#[tokio::test]
async fn a_month_of_history_leads_to_its_calls() {
    let Some(browser) = Browser::find_or_skip() else { return };
    let midnight = wall().unix_us().div_euclid(DAY_US) * DAY_US;
    let until = Timestamp::from_unix_us(midnight);
    let past = Past { until, days: 29, sessions_a_day: 7, samples_a_session: 300 };
    let data = tempfile::tempdir().expect("a temporary folder can be made");
    past.store(&data.path().join("cnc.db")).await;
    let listener = Listener::start_on(data, QUICK).await;
    listener.staff().await.summed_up(HistoryPeriod { from: past.began(), until }, 0).await;
    browser.tell("history", &listener, &[]).await;
}

#[tokio::test]
async fn what_happened_is_marked_for_those_who_come_later_too() {
    on_a_new_listener("marks").await;
}

#[tokio::test]
async fn no_screen_keeps_anybody_out() {
    on_a_new_listener("access").await;
}
