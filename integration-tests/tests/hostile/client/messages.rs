//! Messages that no sound client sends: each is refused by name, and what came before it stays.

use cnc_proto::v1;
use cnc_proto::v1::item::Item as Kind;
use cnc_proto::v1::{outcome, ping_sample, sample, summary};
use tonic::Code;

use super::Scene;
use super::intruder::{answer, batch, code, connect, consent, hello, say};

/// A misdeed: its name, what is sent after hello, and a part of the answer.
type Misdeed = (&'static str, Vec<v1::ClientMessage>, &'static str);

fn item(test: u32, item: Kind) -> v1::Item {
    v1::Item { test, item: Some(item) }
}

fn ping(sample: v1::PingSample) -> v1::Item {
    item(1, Kind::Sample(v1::Sample { sample: Some(sample::Sample::Ping(sample)) }))
}

fn lost(seq: u32) -> v1::PingSample {
    v1::PingSample { seq, at_us: 1, outcome: Some(ping_sample::Outcome::Lost(v1::PingLost {})) }
}

fn reply(change: impl FnOnce(&mut v1::PingReply)) -> v1::Item {
    let mut reply = v1::PingReply { rtt_us: 5, from: vec![192, 0, 2, 1], ttl: None, clock: 0 };
    change(&mut reply);
    ping(v1::PingSample { outcome: Some(ping_sample::Outcome::Reply(reply)), ..lost(0) })
}

fn hop(ttl: u32) -> v1::HopSample {
    let outcome = Some(v1::hop_sample::Outcome::Silent(v1::HopSilent {}));
    v1::HopSample { round: 0, ttl, at_us: 1, outcome }
}

fn started(test: u32) -> v1::Item {
    item(test, Kind::TestStarted(v1::TestStarted { at_us: 1 }))
}

fn own(test: u32) -> v1::Item {
    let what = v1::Test::from(cnc_model::Test::System);
    item(test, Kind::OwnTest(v1::OwnTest { what: Some(what), clock_began_unix_us: 1 }))
}

fn wild() -> v1::Item {
    let mut ping = cnc_model::test::PingTest::to(cnc_model::Destination::Gateway);
    ping.count = 1_000_000;
    let what = v1::Test::from(cnc_model::Test::Ping(ping));
    item(1_000_002, Kind::OwnTest(v1::OwnTest { what: Some(what), clock_began_unix_us: 1 }))
}

fn ended(outcome: outcome::Outcome, summary: Option<summary::Summary>) -> v1::Item {
    let outcome = Some(v1::Outcome { outcome: Some(outcome) });
    let summary = summary.map(|summary| v1::Summary { summary: Some(summary) });
    item(1, Kind::TestEnded(Box::new(v1::TestEnded { at_us: 2, outcome, summary })))
}

fn completed(summary: summary::Summary) -> v1::Item {
    ended(outcome::Outcome::Completed(v1::Completed {}), Some(summary))
}

fn measured() -> v1::Measured {
    v1::Measured { host: "h".into(), method: "ping/1".into(), ..v1::Measured::default() }
}

fn ping_summary(loss: f64) -> v1::Item {
    let summary = v1::PingSummary { measured: Some(measured()), loss_ratio: Some(loss), ..v1::PingSummary::default() };
    completed(summary::Summary::Ping(summary))
}

fn load_summary(goodput_bps: f64) -> v1::Item {
    let summary = v1::ThroughputSummary { measured: Some(measured()), goodput_bps, direction: 1, ..Default::default() };
    completed(summary::Summary::Throughput(summary))
}

fn failed(message: &str) -> v1::Item {
    let failure = v1::Failure { reason: 1, message: message.into(), hint: None };
    ended(outcome::Outcome::Failed(failure), None)
}

/// What is wrong in one item, sent behind a sound consent.
fn items() -> Vec<(&'static str, v1::Item, &'static str)> {
    let throughput = v1::ThroughputSample { direction: 1, flow_count: 1, ..v1::ThroughputSample::default() };
    let sample = |sample| item(1, Kind::Sample(v1::Sample { sample: Some(sample) }));
    let system = v1::SystemInfo { architecture: "x".into(), ..v1::SystemInfo::default() };
    let trace = v1::TraceSummary { measured: Some(measured()), ..v1::TraceSummary::default() };
    let long = "x".repeat(10_000);
    vec![
        ("a test that was never issued", started(99), "test 99 was never issued"),
        ("the last test there could be", started(1_000_000), "was never issued"),
        ("a test of its own under an issued name", own(1), "test 1 cannot be one that the client ran by itself"),
        ("a test of its own under a name to come", own(2), "test 2 cannot be one that the client ran by itself"),
        ("a test of its own that is none", item(1_000_002, Kind::OwnTest(v1::OwnTest::default())), "missing"),
        ("a test of its own beyond all bounds", wild(), "count must be"),
        ("a test without a number", started(0), "test ids begin at 1"),
        ("a sample of an unknown test", v1::Item { test: 7, ..ping(lost(0)) }, "test 7 was never issued"),
        ("a hop for a ping", sample(sample::Sample::Hop(hop(1))), "do not fit its kind"),
        ("throughput for a ping", sample(sample::Sample::Throughput(throughput)), "do not fit its kind"),
        ("a machine for a ping", completed(summary::Summary::System(system)), "do not fit its kind"),
        ("a path for a ping", completed(summary::Summary::Trace(trace)), "do not fit its kind"),
        ("goodput for a ping", load_summary(1.0), "do not fit its kind"),
        ("a round trip of ages", reply(|reply| reply.rtt_us = u64::MAX), "too large"),
        ("an address of 5 bytes", reply(|reply| reply.from = vec![1; 5]), "no IP address"),
        ("no address", reply(|reply| reply.from = vec![]), "no IP address"),
        ("a TTL of 0", reply(|reply| reply.ttl = Some(0)), "ttl"),
        ("a TTL of 256", reply(|reply| reply.ttl = Some(256)), "ttl"),
        ("a probe at the end of time", ping(v1::PingSample { at_us: u64::MAX, ..lost(0) }), "too large"),
        ("a hop of TTL 0", sample(sample::Sample::Hop(hop(0))), "HopSample"),
        ("a loss that is no number", ping_summary(f64::NAN), "is not from 0 to 1"),
        ("an infinite loss", ping_summary(f64::INFINITY), "is not from 0 to 1"),
        ("a loss of 2", ping_summary(2.0), "is not from 0 to 1"),
        ("a loss below nothing", ping_summary(-1e-9), "is not from 0 to 1"),
        ("an infinite rate", load_summary(f64::INFINITY), "goodput"),
        ("a rate that is no number", load_summary(f64::NAN), "goodput"),
        ("a rate below nothing", load_summary(-1.0), "goodput"),
        ("a sentence of 10,000 bytes", failed(&long), "at most 4096"),
        ("an end without an outcome", item(1, Kind::TestEnded(Box::default())), "missing"),
    ]
}

/// What is wrong with a whole message.
fn batches() -> Vec<Misdeed> {
    let sound = || batch(1, vec![consent()]);
    let flood: Vec<_> = (1_000_002..1_000_066).map(own).collect();
    let flood_on = vec![own(1_000_066)];
    let many = |count| (0..count).map(lost).map(ping).collect::<Vec<_>>();
    vec![
        ("a gap", vec![sound(), batch(3, many(1))], "item 2 is missing"),
        ("a gap at the start", vec![batch(2, vec![consent()])], "item 1 is missing"),
        ("a sequence at the end of numbers", vec![sound(), batch(u64::MAX, many(1))], "too large"),
        ("65 items", vec![sound(), batch(2, many(65))], "at most 64"),
        ("10,000 items", vec![sound(), batch(2, many(10_000))], "at most 64"),
        ("a test of its own before consent", vec![batch(1, vec![own(1_000_001)])], "before the user's consent"),
        ("a test of its own twice", vec![sound(), batch(2, vec![own(1_000_002); 2])], "cannot be one"),
        (
            "a flood of tests of its own",
            vec![sound(), batch(2, flood.clone()), batch(66, flood_on)],
            "the most it may have",
        ),
        ("a sample before consent", vec![batch(1, many(1))], "before the user's consent"),
        ("a start before consent", vec![batch(1, vec![started(1)])], "before the user's consent"),
        ("an end before consent", vec![batch(1, vec![failed("no")])], "before the user's consent"),
        ("hello twice", vec![say(hello(1, None))], "hello came twice"),
        ("hello twice, behind items", vec![sound(), batch(2, many(3)), say(hello(2, None))], "hello came twice"),
    ]
}

#[tokio::test]
async fn malformed_messages_are_refused_by_name() {
    let mut scene = Scene::set().await;
    let mut misdeeds = batches();
    misdeeds.extend(items().into_iter().map(|(name, item, part)| {
        let sound = batch(1, vec![consent()]);
        (name, vec![sound, batch(2, vec![item])], part)
    }));
    let channel = connect(scene.listener.url()).await;
    for (number, (name, after, part)) in (100..).zip(misdeeds) {
        let code = code(&mut scene.staff).await;
        let mut messages = vec![say(hello(number, Some(code)))];
        messages.extend(after);
        let status = answer(channel.clone(), messages).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{name}: {status:?}");
        assert!(status.message().contains(part), "{name}: {status:?}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn malformed_hellos_are_refused_by_name() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let changed = |change: fn(&mut v1::Hello)| {
        let mut hello = hello(1, Some("K7QX-M2PA".into()));
        change(&mut hello);
        vec![say(hello)]
    };
    let invalid = Code::InvalidArgument;
    let misdeeds: Vec<(&str, Vec<v1::ClientMessage>, Code, &str)> = vec![
        ("no message at all", vec![], invalid, "must be hello"),
        ("a batch first", vec![batch(1, vec![consent()])], invalid, "must be hello"),
        ("an empty message", vec![v1::ClientMessage::default()], Code::Unimplemented, "does not know"),
        ("no key", changed(|hello| hello.key.clear()), invalid, "key"),
        ("a short key", changed(|hello| hello.key = vec![1; 31]), invalid, "key"),
        ("a long key", changed(|hello| hello.key = vec![1; 33]), invalid, "key"),
        ("a key of 100,000 bytes", changed(|hello| hello.key = vec![1; 100_000]), invalid, "key"),
        ("a version of 10,000 bytes", changed(|hello| hello.client_version = "9".repeat(10_000)), invalid, "version"),
        ("100,000 capabilities", changed(|hello| hello.capabilities = vec![2; 100_000]), invalid, "at most"),
        ("a code that is none", changed(|hello| hello.code = Some("' OR 1=1 --".into())), invalid, "code"),
        ("an empty code", changed(|hello| hello.code = Some(String::new())), invalid, "code"),
        ("a clock beyond time", changed(|hello| hello.clock_began_unix_us = i64::MIN), invalid, "too large"),
        ("a time beyond time", changed(|hello| hello.at_us = u64::MAX), invalid, "too large"),
        ("a code nobody made", changed(|_| ()), Code::NotFound, "no session waits"),
        ("no code where one is asked for", changed(|hello| hello.code = None), Code::PermissionDenied, "code"),
    ];
    for (name, messages, code, part) in misdeeds {
        let outcome = answer(channel.clone(), messages).await;
        assert_eq!(outcome.code(), code, "{name}: {outcome:?}");
        assert!(outcome.message().contains(part), "{name}: {outcome:?}");
    }
    // A code that has joined one key joins no other.
    let code = code(&mut scene.staff).await;
    let first = vec![say(hello(1, Some(code.clone())))];
    let _joined = super::intruder::Stream::open(channel.clone(), first).await.expect("it is the first");
    let second = answer(channel, vec![say(hello(2, Some(code)))]).await;
    assert_eq!(second.code(), Code::NotFound, "{second:?}");
    scene.closes_well().await;
}
