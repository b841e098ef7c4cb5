//! What happens between hello and goodbye.

use std::sync::Arc;
use std::time::Duration;

use cnc_client::clock::{SessionClock, wall};
use cnc_client::link::{self, Knock, LinkEvent, MAX_EVENTS, Unreached, Way};
use cnc_client::outbox::Outbox;
use cnc_model::message::{Farewell, Instruction, ListenerMessage, MAX_BATCH_ITEMS};
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::{ClientKey, Item, Sample, TestId, TestKind};
use cnc_probe::tunnel::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tonic::Status;

use crate::fake::Fake;

struct Linked {
    outbox: Arc<Outbox>,
    events: mpsc::Receiver<LinkEvent>,
    _running: JoinSet<()>,
}

fn link(url: &str) -> Linked {
    linked(way(url, false, None))
}

/// A link of a session that may have been there in an earlier run, maybe through a proxy.
fn link_by(url: &str, resumed: bool, proxy: Option<Proxy>) -> Linked {
    linked(way(url, resumed, proxy))
}

fn way(url: &str, resumed: bool, proxy: Option<Proxy>) -> Way {
    Way {
        url: url.parse().expect("valid"),
        tls: None,
        proxy,
        key: ClientKey::new([7; 32]),
        code: "K7QX-M2PA".parse().ok(),
        clock: SessionClock::of(wall()),
        resumed,
        knock: None,
    }
}

fn linked(way: Way) -> Linked {
    let outbox = Arc::new(Outbox::default());
    let (to_story, events) = mpsc::channel(MAX_EVENTS);
    let mut running = JoinSet::new();
    running.spawn(link::run(way, Arc::clone(&outbox), to_story));
    Linked { outbox, events, _running: running }
}

impl Linked {
    async fn event(&mut self) -> LinkEvent {
        self.events.recv().await.expect("an event")
    }

    fn push(&self, count: u32) {
        for seq in 0..count {
            let sample = Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost });
            self.outbox.push(Item::Sample { test: TestId::FIRST, sample }).expect("room");
        }
    }
}

#[tokio::test]
async fn items_go_there_and_instructions_come_back_until_goodbye() {
    let mut fake = Fake::start().await;
    let mut linked = link(&fake.url());
    let (mut stream, hello) = fake.welcome(0, Vec::new()).await;
    assert!(hello.key == ClientKey::new([7; 32]) && hello.code.is_some());
    assert_eq!(hello.capabilities, TestKind::ALL);
    match linked.event().await {
        LinkEvent::Welcome { welcome, peer, local } => {
            assert_eq!((welcome.operator.as_str(), peer, local), ("Example IT", Some(fake.address), fake.address.ip()));
        }
        other => panic!("{other:?}"),
    }
    linked.push(100);
    let mut next = 1;
    while next <= 100 {
        let batch = stream.batch().await;
        assert_eq!(batch.first.get(), next);
        assert!(batch.items.len() <= MAX_BATCH_ITEMS);
        next = batch.last().get() + 1;
    }
    stream.acknowledge(100).await;
    linked.outbox.all_acknowledged().await;
    assert_eq!(linked.outbox.waiting(), 0);
    stream.instruct(Instruction::Cancel(TestId::FIRST)).await;
    assert!(matches!(linked.event().await, LinkEvent::Instruction(Instruction::Cancel(TestId::FIRST))));
    stream
        .send(ListenerMessage::Goodbye(Farewell { report_url: Some("https://x/r/1".into()), document_url: None }))
        .await;
    match linked.event().await {
        LinkEvent::Goodbye(Farewell { report_url, .. }) => assert_eq!(report_url.as_deref(), Some("https://x/r/1")),
        other => panic!("{other:?}"),
    }
    assert!(linked.events.recv().await.is_none());
}

#[tokio::test]
async fn where_somebody_has_knocked_it_goes_on_over_that_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let knock = Knock::begin(url.parse().expect("valid"), None);
    let (mut connection, _) = listener.accept().await.expect("somebody comes before there is a link");
    let _linked = linked(Way { knock: Some(knock), ..way(&url, false, None) });
    let mut said = [0; 14];
    connection.read_exact(&mut said).await.expect("it talks");
    assert_eq!(&said, b"PRI * HTTP/2.0");
}

#[tokio::test]
async fn after_a_broken_stream_it_comes_back_and_sends_on_from_what_is_durable() {
    let mut fake = Fake::start().await;
    let mut linked = link(&fake.url());
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    assert!(matches!(linked.event().await, LinkEvent::Welcome { .. }));
    linked.push(10);
    let mut last = 0;
    while last < 10 {
        last = stream.batch().await.last().get();
    }
    stream.acknowledge(3).await;
    stream.refuse(Status::unavailable("restarting")).await;
    assert!(matches!(linked.event().await, LinkEvent::Down { .. }));
    linked.push(5);
    // The listener had made more durable than it could say.
    let (mut stream, hello) = fake.welcome(6, Vec::new()).await;
    assert!(hello.key == ClientKey::new([7; 32]));
    assert!(matches!(linked.event().await, LinkEvent::Welcome { .. }));
    let mut next = 7;
    while next <= 15 {
        let batch = stream.batch().await;
        assert_eq!(batch.first.get(), next);
        next = batch.last().get() + 1;
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let mut fake = Fake::start().await;
    let mut linked = link(&fake.url());
    let mut stream = fake.stream().await;
    stream.hello().await;
    stream.refuse(Status::permission_denied("that code is not known")).await;
    match linked.event().await {
        LinkEvent::GivenUp(Unreached::Refused { why }) => assert_eq!(why, "that code is not known"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_listener_is_told_from_what_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("bound");
    drop(silent);
    let mut linked = link(&format!("http://{address}"));
    match linked.event().await {
        LinkEvent::GivenUp(Unreached::Tcp { address: tried, source }) => {
            assert_eq!((tried, source.kind()), (address, std::io::ErrorKind::ConnectionRefused));
        }
        other => panic!("{other:?}"),
    }

    let web = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut linked = link(&format!("http://{}", web.local_addr().expect("bound")));
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut socket, _) = web.accept().await.expect("a client");
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.expect("written");
        std::future::pending::<()>().await;
    });
    let event = linked.event().await;
    assert!(matches!(event, LinkEvent::GivenUp(Unreached::NoListener { .. } | Unreached::Broken { .. })), "{event:?}");

    let mut linked = link("http://no-such-name.invalid");
    assert!(matches!(linked.event().await, LinkEvent::GivenUp(Unreached::Name { .. })));
}

#[tokio::test]
async fn a_listener_that_claims_what_was_never_sent_is_left() {
    let mut fake = Fake::start().await;
    let mut linked = link(&fake.url());
    let (stream, _) = fake.welcome(0, Vec::new()).await;
    assert!(matches!(linked.event().await, LinkEvent::Welcome { .. }));
    linked.push(1);
    stream.acknowledge(1_000).await;
    match linked.event().await {
        LinkEvent::Down { why: Unreached::NoListener { why, .. }, .. } => assert!(why.contains("1000"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// A proxy behind which the network can be cut without either end being told.
async fn cuttable(to: std::net::SocketAddr) -> (Proxy, watch::Sender<bool>, JoinSet<()>) {
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = front.local_addr().expect("bound");
    let proxy = Proxy { host: address.ip().into(), port: address.port(), authorization: None };
    let (cut, mut is_cut) = watch::channel(false);
    let mut relaying = JoinSet::new();
    relaying.spawn(async move {
        loop {
            let (mut near, _) = front.accept().await.expect("a client");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(near.read_u8().await.expect("a request"));
            }
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
            let mut far = TcpStream::connect(to).await.expect("the listener");
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = is_cut.wait_for(|cut| *cut) => {}
            }
            is_cut.wait_for(|cut| !cut).await.expect("the story goes on");
            drop((near, far));
        }
    });
    (proxy, cut, relaying)
}

#[tokio::test]
async fn a_stream_that_is_dead_behind_a_proxy_is_found_within_five_seconds() {
    let mut fake = Fake::start().await;
    let (proxy, cut, _relaying) = cuttable(fake.address).await;
    let mut linked = link_by("http://listener.invalid", false, Some(proxy));
    let (_stream, _) = fake.welcome(0, Vec::new()).await;
    assert!(matches!(linked.event().await, LinkEvent::Welcome { .. }));
    cut.send(true).expect("relaying");
    let began = tokio::time::Instant::now();
    let event = linked.event().await;
    assert!(matches!(event, LinkEvent::Down { .. }), "{event:?}");
    assert!(began.elapsed() < Duration::from_millis(5_500), "{:?}", began.elapsed());
    cut.send(false).expect("relaying");
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    assert!(matches!(linked.event().await, LinkEvent::Welcome { .. }));
    linked.push(1);
    assert_eq!(stream.batch().await.first.get(), 1);
}

#[tokio::test]
async fn a_session_from_an_earlier_run_is_looked_for_again() {
    // A port on which nobody listens any more.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    drop(socket);
    for (resumed, tries_on) in [(true, true), (false, false)] {
        let event = link_by(&url, resumed, None).event().await;
        assert_eq!(matches!(event, LinkEvent::Down { .. }), tries_on, "{event:?}");
    }
}
