//! Messages of both ends: no bytes panic, and what is taken for sound survives the way out and in.

use std::time::Duration;

use cnc_model::message::{Batch, ClientMessage, Farewell, Hello, Instruction, ListenerMessage, Welcome, When};
use cnc_model::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
use cnc_model::session::{SequencedSample, SessionRecord, WatchEvent};
use cnc_model::summary::Measured;
use cnc_model::test::{DnsTest, HttpTest, MtuTest, PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::{
    ClientKey, Code, Destination, Failure, Family, Goodbye, Item, Outcome, Reason, Sample, Sequence, SessionId,
    Summary, Test, TestId, TestKind, Timestamp,
};
use cnc_proto::v1;
use prost::Message;

use super::mutate;
use crate::random::Random;

/// Reads bytes as a message. What comes out sound must come out the same after the way out and in.
fn read<M, W>(bytes: &[u8])
where
    W: Message + Default + From<M> + TryInto<M>,
    M: Clone + std::fmt::Debug,
{
    let Ok(wire) = W::decode(bytes) else { return };
    let Ok(message) = wire.try_into() else { return };
    let out = W::from(message.clone()).encode_to_vec();
    let Ok(again) = W::decode(&*out).expect("what was encoded decodes").try_into() else {
        panic!("taken once and not again: {message:?}")
    };
    // Compared as they are shown: what is not a number does not get in, so nothing differs from itself.
    assert_eq!(format!("{again:?}"), format!("{message:?}"));
}

fn changed(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let (bytes, other) = (random.pick(corpus).clone(), random.pick(corpus).clone());
    mutate::bytes(random, bytes, &other)
}

pub(super) fn client_message(random: &mut Random) {
    let corpus: Vec<_> = clients().into_iter().map(|said| v1::ClientMessage::from(said).encode_to_vec()).collect();
    read::<ClientMessage, v1::ClientMessage>(&changed(random, &corpus));
}

pub(super) fn listener_message(random: &mut Random) {
    let corpus: Vec<_> = listeners().into_iter().map(|said| v1::ListenerMessage::from(said).encode_to_vec()).collect();
    read::<ListenerMessage, v1::ListenerMessage>(&changed(random, &corpus));
}

pub(super) fn support(random: &mut Random) {
    let sample = SequencedSample { sequence: Sequence::new(3), test: TestId::FIRST, sample: reply() };
    let events = [WatchEvent::Samples(vec![sample; 3])];
    let mut corpus: Vec<_> = events.into_iter().map(|event| v1::WatchEvent::from(event).encode_to_vec()).collect();
    corpus.extend(tests().into_iter().map(|test| {
        let session = "0123456789abcdef".into();
        v1::IssueTestRequest { session, test: Some(test.into()) }.encode_to_vec()
    }));
    let bytes = changed(random, &corpus);
    read::<WatchEvent, v1::WatchEvent>(&bytes);
    read::<SessionRecord, v1::SessionRecord>(&bytes);
    read::<cnc_proto::support::IssueTest, v1::IssueTestRequest>(&bytes);
}

fn reply() -> Sample {
    let reply = PingReply { rtt: Duration::from_millis(7), from: [192, 0, 2, 1].into(), ttl: None, clock: Clock::User };
    Sample::Ping(PingSample { seq: 1, at: Duration::from_secs(1), outcome: PingOutcome::Reply(reply) })
}

fn tests() -> Vec<Test> {
    let load = || ThroughputTest::against(ThroughputPeer::Url("https://mirror.example/big".into()));
    vec![
        Test::System,
        Test::Ping(PingTest::to(Destination::Gateway)),
        Test::Trace(TraceTest::to("example.com".parse().expect("a name"))),
        Test::Download(load()),
        Test::Upload(ThroughputTest::against(ThroughputPeer::Listener)),
        Test::Mtu(MtuTest { destination: Destination::Resolver, family: Family::V4 }),
        Test::Dns(DnsTest { name: "example.com".parse().expect("a name"), server: Some(Destination::Resolver) }),
        Test::Http(HttpTest { url: "https://example.com/".into(), family: Family::V6 }),
    ]
}

fn clients() -> Vec<ClientMessage> {
    let at = Duration::from_secs(2);
    let test = TestId::FIRST;
    let hello = Hello {
        client_version: "0.1.0".into(),
        capabilities: TestKind::ALL.to_vec(),
        key: ClientKey::new([7; 32]),
        code: Some(Code::from_random(77)),
        clock_began: Timestamp::from_unix_us(1_800_000_000_000_000),
        at,
    };
    let mut fold = PingFold::default();
    if let Sample::Ping(sample) = reply() {
        fold.observe(&sample);
    }
    let measured =
        Measured { host: "example.com".into(), address: None, method: "ping/1".into(), engine: "x".into(), shed: 0 };
    let summary = Some(Box::new(Summary::Ping(fold.summary(measured))));
    let failure = Failure::new(Reason::RefusedByPolicy, "no").with_hint("ask for less");
    let items = vec![
        Item::Consent { at, names: true },
        Item::OwnTest { test: TestId::own(2), began: Timestamp::from_unix_us(7), what: Box::new(Test::System) },
        Item::TestStarted { test, at },
        Item::Sample { test, sample: reply() },
        Item::TestEnded { test, at, outcome: Outcome::Completed, summary },
        Item::TestEnded { test, at, outcome: Outcome::Failed(failure), summary: None },
        Item::Goodbye { at, reason: Goodbye::Done },
    ];
    vec![
        ClientMessage::Hello(hello),
        ClientMessage::Batch(Batch { first: Sequence::new(1), items: items.clone() }),
        ClientMessage::Batch(Batch { first: Sequence::new(9), items: [&*items; 8].concat() }),
    ]
}

fn listeners() -> Vec<ListenerMessage> {
    let welcome = Welcome {
        session: SessionId::new(Timestamp::from_unix_us(1_800_000_000_000_000), 7),
        code: Some(Code::from_random(77)),
        operator: "Example IT".into(),
        public_address: [192, 0, 2, 1].into(),
        acknowledged: Sequence::new(5),
        consented: false,
        planned: tests(),
        speed_token: "token".into(),
        echo_token: Some([7; 32]),
        certificate_issuer: None,
        own_tests: 64,
    };
    let run =
        |(n, what)| ListenerMessage::Instruction(Instruction::Run { test: TestId::FIRST, when: When::Stage(n), what });
    let mut all: Vec<_> = (0..).zip(tests()).map(run).collect();
    all.push(ListenerMessage::Welcome(welcome));
    all.push(ListenerMessage::Instruction(Instruction::Cancel(TestId::FIRST)));
    all.push(ListenerMessage::Instruction(Instruction::End));
    all.push(ListenerMessage::Acknowledge(Sequence::new(9)));
    all.push(ListenerMessage::Goodbye(Farewell {
        report_url: Some("https://x.example/r/abc".into()),
        document_url: None,
    }));
    all
}
