//! A session's life over the wire: join, agree, measure, come back, end, report; and what a stranger is told.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cnc_model::message::{Farewell, Instruction, ListenerMessage};
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::{EndReason, SessionRecord, SessionState, TestRecord, WatchEvent};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Goodbye, Item, Outcome, Sample, SessionId, Test, TestId};
use cnc_proto::support::{DeletedSession, IssueTest, ListSamples, SamplePage};
use cnc_proto::v1;
use tonic::{Code, Streaming};

use crate::running::{Client, PATIENCE, Running, Staff, count, create, hello};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn consent() -> Item {
    Item::Consent { at: Duration::ZERO, names: false }
}

fn sample(test: TestId, seq: u32) -> Item {
    let at = Duration::from_millis(u64::from(seq));
    let reply = PingReply { rtt: Duration::from_micros(1_500), from: HOST, ttl: None, clock: Clock::User };
    Item::Sample { test, sample: Sample::Ping(PingSample { seq, at, outcome: PingOutcome::Reply(reply) }) }
}

async fn issue(staff: &mut Staff, session: SessionId) -> TestRecord {
    let test = Test::Ping(PingTest::to(Destination::Listener));
    let wish = v1::IssueTestRequest::from(IssueTest { session, test });
    staff.issue_test(wish).await.expect("issued").into_inner().try_into().expect("sound")
}

async fn get(staff: &mut Staff, id: SessionId) -> SessionRecord {
    let record = staff.get_session(v1::GetSessionRequest::from(id)).await.expect("there").into_inner();
    record.try_into().expect("sound")
}

async fn next(events: &mut Streaming<v1::WatchEvent>) -> Option<WatchEvent> {
    let event = tokio::time::timeout(PATIENCE, events.message()).await.expect("in time").expect("up")?;
    Some(event.try_into().expect("sound"))
}

/// Reads a watcher's events until it has so many samples.
async fn samples(events: &mut Streaming<v1::WatchEvent>, wanted: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < wanted {
        match next(events).await.expect("more") {
            WatchEvent::Snapshot { recent, .. } => seen.extend(recent.iter().map(|s| s.sequence.get())),
            WatchEvent::Samples(samples) => seen.extend(samples.iter().map(|s| s.sequence.get())),
            WatchEvent::Session(_) | WatchEvent::Test(_) | WatchEvent::Absence(_) => {}
        }
    }
    seen
}

/// Waits until the client is told to run a test.
async fn told_to_run(client: &mut Client, id: TestId) {
    loop {
        let message = client.receive().await.expect("up").expect("more");
        if matches!(message, ListenerMessage::Instruction(Instruction::Run { test, .. }) if test == id) {
            return;
        }
    }
}

#[tokio::test]
async fn the_whole_road() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let (session, code) = create(&mut staff).await;
    let watch = || v1::WatchSessionRequest::from(session.id);
    let mut first = staff.watch_session(watch()).await.expect("watched").into_inner();
    let mut second = staff.watch_session(watch()).await.expect("watched").into_inner();

    let (mut client, welcome) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    assert_eq!((welcome.session, welcome.public_address), (session.id, HOST));
    assert_eq!(welcome.planned.len(), 8, "the default plan");
    client.send(vec![consent()]).await;
    let test = issue(&mut staff, session.id).await.id;
    told_to_run(&mut client, test).await;
    let mut items = vec![Item::TestStarted { test, at: Duration::ZERO }];
    items.extend((0..60).map(|seq| sample(test, seq)));
    client.send(items).await;
    let ended = Item::TestEnded { test, at: Duration::from_secs(1), outcome: Outcome::Completed, summary: None };
    client.send(vec![ended]).await;
    client.acknowledged(63).await;
    assert_eq!(running.count("SELECT count(*) FROM samples"), 60, "what is acknowledged is stored");
    let (a, b) = (samples(&mut first, 60).await, samples(&mut second, 60).await);
    assert_eq!(a, b, "two watchers see the same");

    client.send(vec![Item::Goodbye { at: Duration::from_secs(2), reason: Goodbye::UserEnded }]).await;
    let report_url = loop {
        match client.receive().await.expect("up").expect("more") {
            ListenerMessage::Goodbye(Farewell { report_url, .. }) => break report_url.expect("a link"),
            ListenerMessage::Welcome(_) | ListenerMessage::Instruction(_) | ListenerMessage::Acknowledge(_) => {}
        }
    };
    assert_eq!(client.receive().await.expect("ends well"), None);
    while next(&mut first).await.is_some() {}

    let record = get(&mut staff, session.id).await;
    assert_eq!(record.overview.state, SessionState::Ended(EndReason::User));
    let path = report_url.strip_prefix(&running.url()).expect("this listener's").to_owned();
    let (status, by_link) = running.get(&path, None).await;
    assert_eq!(status, http::StatusCode::OK);
    let by_id = format!("/sessions/{}/report", session.id);
    let (status, for_staff) = running.get(&by_id, Some(&running.admin_token())).await;
    assert_eq!(status, http::StatusCode::OK);
    assert_eq!(by_link, for_staff);
    assert_eq!(running.get(&by_id, None).await.0, http::StatusCode::UNAUTHORIZED);
    let as_document = format!("/sessions/{}/export?format=docx", session.id);
    let (status, document) = running.get(&as_document, Some(&running.admin_token())).await;
    assert!(status == http::StatusCode::OK && document.starts_with("PK"), "{status}");
    assert!(document.contains("word/document.xml"));
    assert_eq!(running.get("/r/0000", None).await.0, http::StatusCode::NOT_FOUND);

    let deleted = staff.delete_session(v1::DeleteSessionRequest::from(session.id)).await.expect("removed").into_inner();
    let deleted = DeletedSession::try_from(deleted).expect("sound");
    let documents = vec![format!("reports/{}.html", session.id)];
    // Whether it was summed up by now is the background's to say.
    let history_hours = deleted.history_hours;
    assert_eq!(deleted, DeletedSession { tests: 9, samples: 60, documents, history_hours });
    assert_eq!(running.get(&path, None).await.0, http::StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let (session, code) = create(&mut staff).await;
    let (mut client, _) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    client.send(vec![consent()]).await;
    let test = issue(&mut staff, session.id).await.id;
    told_to_run(&mut client, test).await;
    client.send(vec![Item::TestStarted { test, at: Duration::ZERO }, sample(test, 0), sample(test, 1)]).await;
    client.acknowledged(4).await;
    drop(staff);

    let data = running.stop().await;
    assert_eq!(client.receive().await.ok().flatten(), None, "the stream ends");
    let running = Running::start_in(data, |_| ()).await;
    let (mut client, welcome) = Client::join(&running.url(), hello(1, None)).await.expect("known by its key");
    assert_eq!((welcome.session, welcome.acknowledged.get()), (session.id, 4));
    // Items that were acknowledged come once more, and one that is new.
    client.next = 3;
    client.send(vec![sample(test, 0), sample(test, 1), sample(test, 2)]).await;
    client.acknowledged(5).await;
    assert_eq!(count(running.data.path(), "SELECT count(*) FROM samples"), 3);
    let stored = get(&mut running.staff().await, session.id).await;
    assert_eq!(stored.tests.iter().map(|test| test.samples).sum::<u64>(), 3);
}

#[tokio::test]
async fn samples_are_given_in_pages() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let (session, code) = create(&mut staff).await;
    let (mut client, _) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    client.send(vec![consent()]).await;
    let test = issue(&mut staff, session.id).await.id;
    told_to_run(&mut client, test).await;
    client.send(vec![Item::TestStarted { test, at: Duration::ZERO }]).await;
    client.send((0..25).map(|seq| sample(test, seq)).collect()).await;
    client.acknowledged(27).await;
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or(cnc_model::Sequence::NONE);
        let wish = ListSamples { session: session.id, test: Some(test), after, limit: std::num::NonZeroU32::new(10) };
        let page = staff.list_samples(v1::ListSamplesRequest::from(wish)).await.expect("may").into_inner();
        let SamplePage { samples, more } = page.try_into().expect("sound");
        seen.extend(samples.iter().map(|sample| sample.sequence));
        if !more {
            break;
        }
    }
    assert_eq!(seen.iter().map(|sequence| sequence.get()).collect::<Vec<_>>(), (3..=27).collect::<Vec<_>>());
}

#[tokio::test]
async fn strangers_are_told_why() {
    let running = Running::start_with(|config| config.walk_in = false).await;
    let url = running.url();
    let refused = |hello| {
        let url = url.clone();
        async move { Client::join(&url, hello).await.err().map(|status| (status.code(), status.message().to_owned())) }
    };
    let (code, message) = refused(hello(1, None)).await.expect("refused");
    assert_eq!(code, Code::PermissionDenied);
    assert!(message.contains("needs a code"), "{message}");
    let (code, message) = refused(hello(1, "K7QX-M2PA".parse().ok())).await.expect("refused");
    assert_eq!(code, Code::NotFound);
    assert!(message.contains("K7QX-M2PA"), "{message}");

    let (_, code) = create(&mut running.staff().await).await;
    assert_eq!(refused(hello(1, Some(code))).await, None);
    let (second, _) = refused(hello(2, Some(code))).await.expect("a code joins one key");
    assert_eq!(second, Code::NotFound);
    assert_eq!(refused(hello(1, None)).await, None, "its key alone is enough");
}

#[tokio::test]
async fn what_comes_before_hello_is_refused() {
    let running = Running::start().await;
    let (to, queue) = tokio::sync::mpsc::channel(1);
    let batch = cnc_model::message::Batch { first: cnc_model::Sequence::new(1), items: vec![consent()] };
    to.send(cnc_model::message::ClientMessage::Batch(batch).into()).await.expect("room");
    let mut listener = v1::listener_client::ListenerClient::new(crate::running::channel(&running.url()).await);
    let refused = listener.session(tokio_stream::wrappers::ReceiverStream::new(queue)).await.expect_err("refused");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("hello"), "{}", refused.message());
}
