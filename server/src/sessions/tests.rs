//! Sessions as tasks over a real store: streams that come and go, watchers fast and slow, a listener that restarts.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cnc_model::message::{Batch, ClientMessage, Farewell, Hello, Instruction, ListenerMessage};
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::session::{SessionState, WatchEvent};
use cnc_model::summary::Measured;
use cnc_model::test::{PingTest, TraceTest};
use cnc_model::trace::{HopOutcome, HopReply, HopSample, Segment, TraceFold};
use cnc_model::{
    ClientKey, Destination, Goodbye, Item, Outcome, Sample, Sequence, Summary, Test, TestId, TestKind, Timestamp, Ttl,
};
use tempfile::TempDir;
use tokio_stream::wrappers::ReceiverStream;

use super::watch::WATCHER_EVENTS;
use super::*;
use crate::limits::Bounds;
use crate::networks::tests::database;

mod durability;
mod retention;

struct Listener {
    folder: TempDir,
    sessions: Sessions,
}

impl Listener {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sessions = open(&folder).await;
        Self { folder, sessions }
    }

    /// Stops and starts again on the same data.
    async fn restart(self) -> Self {
        self.sessions.shutdown().await;
        let Self { folder, sessions } = self;
        drop(sessions);
        let sessions = open(&folder).await;
        Self { folder, sessions }
    }
}

async fn open(folder: &TempDir) -> Sessions {
    open_with(folder, Retention::default()).await
}

/// Makes a database in which this machine belongs to a network.
fn networks(folder: &TempDir) -> Arc<Networks> {
    let path = folder.path().join("asn.mmdb");
    std::fs::write(&path, database(&[("127.0.0.0", 8, 64_512, "Test ISP")])).expect("written");
    Arc::new(Networks::new(Some(path), false))
}

async fn open_with(folder: &TempDir, retention: Retention) -> Sessions {
    open_as(folder, retention, false).await
}

async fn open_as(folder: &TempDir, retention: Retention, after_export: bool) -> Sessions {
    let store = Store::open(&folder.path().join("cnc.db")).expect("a store");
    let ping = Test::Ping(PingTest::to(Destination::Listener));
    let settings = Settings {
        operator: "Example".into(),
        waits: Waits::default(),
        walk_in: true,
        default_plan: "default".into(),
        plans: vec![Plan { name: "default".into(), description: String::new(), stages: vec![vec![ping]] }],
        reports: folder.path().join("reports"),
        retention,
        public_url: Some("http://127.0.0.1".into()),
        networks: networks(folder),
        after_export,
        udp_echo: true,
        drive: None,
        tls: None,
    };
    Sessions::start(store, settings, Arc::new(Limits::new(Arc::default(), 1, Bounds::default())))
        .await
        .expect("sessions")
}

/// A client's end of a stream.
struct Client {
    up: mpsc::Sender<Result<ClientMessage, InboundError>>,
    down: mpsc::Receiver<Box<Result<ListenerMessage, Closing>>>,
}

impl Client {
    async fn attach(sessions: &Sessions, key: u8, code: Option<Code>) -> Result<Self, AttachError> {
        let (up, inbound) = mpsc::channel(16);
        let (outbound, down) = mpsc::channel(OUTBOUND);
        let hello = Hello {
            client_version: "0.1.0".into(),
            capabilities: TestKind::ALL.to_vec(),
            key: ClientKey::new([key; 32]),
            code,
            clock_began: Timestamp::from_unix_us(1_800_000_000_000_000),
            at: Duration::ZERO,
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        sessions.attach(hello, address, Box::pin(ReceiverStream::new(inbound)), outbound).await?;
        Ok(Self { up, down })
    }

    async fn send(&mut self, first: u64, items: Vec<Item>) {
        let batch = Batch { first: Sequence::new(first), items };
        if self.up.send(Ok(ClientMessage::Batch(batch))).await.is_err() {
            while let Some(message) = self.down.recv().await {
                message.expect("no closing");
            }
            panic!("the stream was closed without a word");
        }
    }

    async fn next(&mut self) -> ListenerMessage {
        (*self.down.recv().await.expect("the stream is up")).expect("no closing")
    }

    async fn acknowledged(&mut self, through: u64) {
        while self.next().await != ListenerMessage::Acknowledge(Sequence::new(through)) {}
    }
}

fn consent() -> Item {
    Item::Consent { at: Duration::ZERO, names: false }
}

fn sample(seq: u32) -> Item {
    let sample = Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost });
    Item::Sample { test: TestId::FIRST, sample }
}

#[tokio::test]
async fn one_complaint_from_code_to_report() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, "Ada".into()).expect("a session");
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    assert!(matches!(client.next().await, ListenerMessage::Welcome(w) if w.session == overview.id));
    client.send(1, vec![consent()]).await;
    assert_eq!(client.next().await, ListenerMessage::Acknowledge(Sequence::new(1)));
    assert!(matches!(client.next().await, ListenerMessage::Instruction(Instruction::Run { .. })));
    client.send(2, vec![sample(0), sample(1)]).await;
    client.acknowledged(3).await;
    listener.sessions.end(overview.id).await.expect("open");
    assert_eq!(client.next().await, ListenerMessage::Instruction(Instruction::End));
    client.send(4, vec![Item::Goodbye { at: Duration::ZERO, reason: Goodbye::Done }]).await;
    client.acknowledged(4).await;
    let ListenerMessage::Goodbye(Farewell { report_url: Some(url), .. }) = client.next().await else {
        panic!("a link")
    };
    assert!(url.starts_with("http://127.0.0.1/r/"), "{url}");
    let report = listener.folder.path().join("reports").join(format!("{}.html", overview.id));
    assert!(std::fs::read_to_string(report).expect("a report").contains("Ada"));
    assert_eq!(client.down.recv().await, None);
    let stored = listener.sessions.shared.store.samples(overview.id, None, Sequence::NONE, 10).await.expect("samples");
    assert_eq!(stored.iter().map(|s| s.sequence.get()).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn whose_network_a_client_and_its_path_are_in_is_kept() {
    let mut listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    let mut fold = TraceFold::default();
    let (address, rtt) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Duration::from_micros(50));
    let outcome = HopOutcome::Hop(HopReply { address, rtt });
    fold.observe(&HopSample { round: 0, ttl: Ttl::FIRST, at: Duration::ZERO, outcome });
    let summary = Some(Box::new(Summary::Trace(fold.summary(Measured::default()))));
    let (test, began, at) = (TestId::own(1), Timestamp::from_unix_us(1_800_000_000_000_000), Duration::ZERO);
    let what = Box::new(Test::Trace(TraceTest::to(Destination::Gateway)));
    let ended = Item::TestEnded { test, at, outcome: Outcome::Completed, summary };
    client.send(1, vec![consent(), Item::OwnTest { test, began, what }, ended]).await;
    client.acknowledged(3).await;
    let expected = AutonomousSystem { number: 64_512, name: Some("Test ISP".into()) };
    for restarts in [true, false] {
        let record = listener.sessions.record(overview.id).await.expect("there");
        assert_eq!(record.overview.network, Some(expected.clone()));
        let trace = record.tests.iter().find_map(|test| match &test.summary {
            Some(Summary::Trace(trace)) => Some(trace.hops[0].clone()),
            Some(_) | None => None,
        });
        let hop = trace.expect("a path");
        assert_eq!((hop.addresses[0].network.as_ref(), hop.segment), (Some(&expected), Some(Segment::Access)));
        if restarts {
            // What was true then is told later, too, whatever the database says by that time.
            listener = listener.restart().await;
        }
    }
}

#[tokio::test]
async fn a_code_lets_in_one_device() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let _first = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    let refused = Client::attach(&listener.sessions, 2, overview.code).await;
    assert!(matches!(refused, Err(AttachError::UnknownCode(_))));
    let again = Client::attach(&listener.sessions, 1, overview.code).await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn a_newer_stream_replaces_a_half_open_one() {
    let listener = Listener::start().await;
    let mut old = Client::attach(&listener.sessions, 1, None).await.expect("a walk-in");
    assert!(matches!(old.next().await, ListenerMessage::Welcome(w) if w.code.is_some()));
    let mut new = Client::attach(&listener.sessions, 1, None).await.expect("attached again");
    assert!(matches!(new.next().await, ListenerMessage::Welcome(_)));
    assert_eq!(old.down.recv().await, Some(Box::new(Err(Closing::Replaced))));
    assert_eq!(old.down.recv().await, None);
}

#[tokio::test]
async fn two_watchers_see_the_same_and_a_slow_one_gets_a_fresh_snapshot() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    client.send(1, vec![consent()]).await;
    client.acknowledged(1).await;
    let mut fast = listener.sessions.watch(overview.id).await.expect("a seat");
    let mut slow = listener.sessions.watch(overview.id).await.expect("a seat");
    for watching in [&mut fast, &mut slow] {
        let first = watching.next().await.expect("live").expect("a snapshot");
        assert!(matches!(&*first, WatchEvent::Snapshot { .. }));
    }
    let samples = u32::try_from(WATCHER_EVENTS).expect("small") + 10;
    let mut seen = 0;
    for seq in 0..samples {
        client.send(2 + u64::from(seq), vec![sample(seq)]).await;
        while let Ok(message) = client.down.try_recv() {
            message.expect("no closing");
        }
        let event = fast.next().await.expect("live").expect("an event");
        let WatchEvent::Samples(samples) = &*event else { panic!("samples, not {event:?}") };
        seen += samples.len();
    }
    assert_eq!(seen, samples as usize);
    let mut snapshots = 0;
    for _ in 0..=WATCHER_EVENTS {
        let event = slow.next().await.expect("live").expect("an event");
        snapshots += usize::from(matches!(&*event, WatchEvent::Snapshot { .. }));
    }
    assert_eq!(snapshots, 1);
}

#[tokio::test]
async fn a_listener_that_restarts_goes_on_with_its_sessions() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let waiting = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    client.send(1, vec![consent(), sample(0)]).await;
    client.acknowledged(2).await;
    let listener = listener.restart().await;
    let mut client = Client::attach(&listener.sessions, 1, None).await.expect("known by its key");
    let ListenerMessage::Welcome(welcome) = client.next().await else { panic!("a welcome") };
    assert_eq!((welcome.session, welcome.acknowledged.get(), welcome.consented), (overview.id, 2, true));
    let joined = Client::attach(&listener.sessions, 2, waiting.code).await;
    assert!(joined.is_ok(), "a code survives the restart");
}

#[tokio::test]
async fn late_data_reaches_an_ended_session_and_its_report_is_made_again() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let id = overview.id;
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    client.send(1, vec![consent(), Item::Goodbye { at: Duration::ZERO, reason: Goodbye::UserEnded }]).await;
    while client.down.recv().await.is_some() {}
    let mut client = Client::attach(&listener.sessions, 1, None).await.expect("known by its key");
    client.send(3, vec![sample(0), Item::Goodbye { at: Duration::ZERO, reason: Goodbye::Done }]).await;
    client.acknowledged(4).await;
    while client.down.recv().await.is_some() {}
    let record = listener.sessions.record(id).await.expect("stored");
    assert!(matches!(record.overview.state, SessionState::Ended(_)));
    assert_eq!(record.tests[0].samples, 1);
}

#[tokio::test]
async fn a_deleted_session_is_gone_and_its_client_let_go() {
    let listener = Listener::start().await;
    let overview = listener.sessions.create(listener.sessions.new_id(), None, String::new()).expect("a session");
    let mut client = Client::attach(&listener.sessions, 1, overview.code).await.expect("attached");
    assert!(matches!(client.next().await, ListenerMessage::Welcome(_)));
    listener.sessions.delete(overview.id).await.expect("removed");
    assert_eq!(client.down.recv().await, None);
    assert!(matches!(listener.sessions.record(overview.id).await, Err(SessionsError::NotFound(_))));
    assert!(matches!(listener.sessions.delete(overview.id).await, Err(SessionsError::NotFound(_))));
}

#[tokio::test]
async fn a_plan_that_does_not_exist_is_named_with_those_that_do() {
    let listener = Listener::start().await;
    let error = listener.sessions.create(listener.sessions.new_id(), Some("fast"), String::new()).expect_err("unknown");
    assert_eq!(error.to_string(), "there is no plan \"fast\"; there are: default");
}
