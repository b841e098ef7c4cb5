//! Reports as jobs: wanted at a session's end, and until they are made.

use super::*;

#[tokio::test]
async fn an_ended_session_wants_its_report_until_it_is_made() {
    let place = Place::new();
    let handle = place.open();
    let mut wanted = handle.jobs_wanted();
    let (now, later) = (Timestamp::from_unix_us(i64::MAX / 2), Timestamp::from_unix_us(i64::MAX / 2 + 1));
    store(&handle, vec![session()], None).await.expect("stored");
    assert_eq!(handle.due_jobs(now, 9).await.expect("readable"), []);

    let ended = made_up::ended(row(1), EndReason::Staff);
    store(&handle, vec![Change::Session(Box::new(ended))], None).await.expect("stored");
    assert!(wanted.has_changed().expect("the writer runs"));
    wanted.mark_unchanged();
    let job = handle.due_jobs(now, 9).await.expect("readable").pop().expect("one job");
    assert_eq!((job.session, job.kind), (id(1), JobKind::Report));

    // Late data while it is being made: what was made is not the last word.
    store(&handle, vec![Change::Test(Box::new(completed(2)))], None).await.expect("stored");
    handle.end_job(JobEnd { job, at: now, failure: None, document: false }).await.expect("noted");
    let job = handle.due_jobs(now, 9).await.expect("readable").pop().expect("wanted again");

    let pause = std::time::Duration::from_micros(1);
    handle
        .end_job(JobEnd { job, at: now, failure: Some(("no room".into(), pause)), document: false })
        .await
        .expect("noted");
    assert_eq!(handle.due_jobs(now, 9).await.expect("readable"), []);
    assert_eq!(handle.next_job_due().await.expect("readable"), Some(later));
    let job = handle.due_jobs(later, 9).await.expect("readable").pop().expect("due again");
    assert_eq!(job.attempts, 1);

    handle.end_job(JobEnd { job, at: later, failure: None, document: false }).await.expect("noted");
    assert_eq!(handle.next_job_due().await.expect("readable"), None);
}

#[tokio::test]
async fn who_never_joined_gets_no_report() {
    let place = Place::new();
    let handle = place.open();
    let mut never = made_up::ended(row(1), EndReason::NeverJoined);
    never.overview.joined = None;
    store(&handle, vec![Change::Session(Box::new(never))], None).await.expect("stored");
    assert_eq!(handle.next_job_due().await.expect("readable"), None);
    let stored = handle.session(id(1)).await.expect("readable").expect("there");
    assert_eq!(stored.row.overview.state, SessionState::Ended(EndReason::NeverJoined));
    assert_eq!(handle.open_sessions().await.expect("readable"), []);
}

#[tokio::test]
async fn a_clock_set_back_holds_no_report_up() {
    let place = Place::new();
    let handle = place.open();
    let ended = made_up::ended(row(1), EndReason::Staff);
    store(&handle, vec![Change::Session(Box::new(ended))], None).await.expect("stored");
    let years_before = Timestamp::from_unix_us(1_000_000_000_000_000);
    let job = handle.due_jobs(years_before, 9).await.expect("readable").pop().expect("due all the same");
    let wait = std::time::Duration::from_mins(1);
    handle
        .end_job(JobEnd { job, at: years_before, failure: Some(("x".into(), wait)), document: false })
        .await
        .expect("noted");
    assert_eq!(handle.due_jobs(years_before, 9).await.expect("readable"), [], "its wait is by the new time");
}
