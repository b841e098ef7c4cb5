//! What a listener may and may not ask.

use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use cnc_model::test::PingProtocol;
use cnc_model::{Destination, Ttl};

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn id(n: u32) -> TestId {
    TestId::try_from(n).expect("not 0")
}

fn policy(lan: bool, loopback: bool, metered: bool) -> (Policy, Instant) {
    let surroundings = Surroundings {
        listener: Some(ip("192.0.2.1")),
        gateways: vec![ip("192.168.1.1"), ip("fe80::1")],
        resolvers: vec![ip("10.9.9.9")],
        own: vec![ip("203.0.113.7"), ip("192.168.1.2")],
        metered,
    };
    let now = Instant::now();
    (Policy::new(Allowed { lan, loopback }, surroundings, now), now)
}

fn ping(change: impl FnOnce(&mut PingTest)) -> Test {
    let mut ping = PingTest::to(Destination::Listener);
    change(&mut ping);
    Test::Ping(ping).checked().expect("within the model's bounds")
}

fn trace(hops: u32, interval_ms: u64, rounds: u32) -> Test {
    let mut trace = TraceTest::to(Destination::Listener);
    trace.max_hops = Ttl::try_from(hops).expect("a TTL");
    trace.interval = Duration::from_millis(interval_ms);
    trace.rounds = rounds;
    Test::Trace(trace)
}

fn load(peer: ThroughputPeer, seconds: u64, max_bytes: u64) -> Test {
    let mut load = ThroughputTest::against(peer);
    load.duration = Duration::from_secs(seconds);
    load.max_bytes = max_bytes;
    Test::Download(load)
}

fn url(text: &str) -> ThroughputPeer {
    ThroughputPeer::Url(text.into())
}

const LISTENER: ThroughputPeer = ThroughputPeer::Listener;

#[test]
fn parameters_are_held_against_the_limits() {
    let ms = Duration::from_millis;
    let table = [
        (ping(|_| ()), Ok(())),
        (ping(|p| p.interval = ms(10)), Ok(())),
        (ping(|p| (p.interval, p.count) = (ms(1), 64)), Ok(())),
        (ping(|p| (p.interval, p.count) = (ms(1), 65)), Err(Refusal::Rate { asked: 1_000, max: 100 })),
        (ping(|p| (p.interval, p.count) = (ms(9), 100_000)), Err(Refusal::Rate { asked: 112, max: 100 })),
        (ping(|p| p.payload_bytes = 65_507), Ok(())),
        (
            ping(|p| (p.interval, p.count, p.payload_bytes) = (ms(10), 1_000, 65_507)),
            Err(Refusal::PingBytes { asked: 6_555_500 }),
        ),
        (ping(|p| p.protocol = PingProtocol::Tcp(NonZeroU16::MIN)), Ok(())),
        (trace(30, 1_000, 10_000), Ok(())),
        (trace(64, 1_000, 10_000), Ok(())),
        (trace(65, 1_000, 2), Err(Refusal::Burst { asked: 65, max: 64 })),
        (trace(30, 50, 10), Err(Refusal::Rate { asked: 600, max: 100 })),
        (trace(30, 50, 2), Ok(())),
        (load(LISTENER, 60, 1_000_000_000), Ok(())),
        (load(LISTENER, 61, 1), Err(Refusal::LoadTime { asked: Duration::from_secs(61) })),
        (load(LISTENER, 1, 1_000_000_001), Err(Refusal::LoadBytes { asked: 1_000_000_001 })),
        (load(url("https://Victim.example/x"), 1, 1), Err(Refusal::Peer { peer: "victim.example:443".into() })),
        (Test::System, Ok(())),
    ];
    for (test, expected) in table {
        let (mut policy, now) = policy(false, false, false);
        let expected = expected.map_or_else(Verdict::Refuse, |()| Verdict::Admit(test.clone()));
        assert_eq!(policy.admit(id(1), &test, now), expected, "{}", test.title());
    }
}

#[test]
fn only_agreed_peers_are_loaded() {
    let (mut policy, now) = policy(false, false, false);
    policy.agree(&[load(url("https://mirror.example/a.iso"), 10, 1), Test::System, load(LISTENER, 10, 1)]);
    for (n, (asked, admitted)) in (1..).zip([
        ("https://mirror.example/b.iso", true),
        ("https://MIRROR.example:443/", true),
        ("http://mirror.example/a.iso", false),
        ("https://mirror.example:8443/a.iso", false),
        ("https://mirror.example.evil/a.iso", false),
        ("https://mirror.example@evil.example/", false),
        ("http://", false),
    ]) {
        let verdict = policy.admit(id(n), &load(url(asked), 10, 1), now);
        assert_eq!(matches!(verdict, Verdict::Admit(_)), admitted, "{asked}: {verdict:?}");
    }
}

#[test]
fn a_session_moves_no_more_than_its_bytes() {
    let (mut policy, now) = policy(false, false, false);
    let asked = load(LISTENER, 10, MAX_TEST_BYTES);
    for n in 1..=2 {
        assert_eq!(policy.admit(id(n), &asked, now), Verdict::Admit(asked.clone()));
        policy.ended(id(n), MAX_TEST_BYTES, now);
    }
    assert_eq!(policy.admit(id(3), &asked, now), Verdict::Admit(asked.clone()));
    policy.ended(id(3), 400_000_000, now);
    assert_eq!(policy.admit(id(4), &asked, now), Verdict::Admit(load(LISTENER, 10, 600_000_000)), "what is left");
    assert_eq!(policy.admit(id(5), &asked, now), Verdict::Refuse(Refusal::SessionBytes { max: MAX_SESSION_BYTES }));
}

#[test]
fn a_metered_link_gets_a_tenth() {
    let (mut policy, now) = policy(false, false, true);
    let asked = load(LISTENER, 10, MAX_TEST_BYTES);
    for n in 1..=3 {
        assert_eq!(policy.admit(id(n), &asked, now), Verdict::Admit(load(LISTENER, 10, 100_000_000)));
        policy.ended(id(n), 100_000_000, now);
    }
    assert_eq!(policy.admit(id(4), &asked, now), Verdict::Refuse(Refusal::SessionBytes { max: 300_000_000 }));
}

#[test]
fn tests_together_keep_the_rate() {
    let (mut policy, now) = policy(false, false, false);
    let fast = ping(|p| (p.interval, p.count) = (Duration::from_millis(20), 1_000));
    for n in 1..=2 {
        assert_eq!(policy.admit(id(n), &fast, now), Verdict::Admit(fast.clone()));
    }
    assert_eq!(policy.admit(id(3), &fast, now), Verdict::Wait(None));
    policy.ended(id(1), 0, now);
    assert_eq!(policy.admit(id(3), &fast, now), Verdict::Admit(fast.clone()));
    policy.ended(id(9), 0, now);
}

#[test]
fn addresses_are_held_against_what_the_user_allowed() {
    let private = |text| Err(Refusal::Private { address: ip(text) });
    let loopback = |text| Err(Refusal::Loopback { address: ip(text) });
    // An address, and what becomes of it with nothing, the LAN, and loopback allowed.
    let table = [
        ("8.8.8.8", Ok(()), Ok(()), Ok(())),
        ("192.0.2.1", Ok(()), Ok(()), Ok(())),
        ("192.168.1.1", Ok(()), Ok(()), Ok(())),
        ("::ffff:192.168.1.1", Ok(()), Ok(()), Ok(())),
        ("fe80::1", Ok(()), Ok(()), Ok(())),
        ("10.9.9.9", Ok(()), Ok(()), Ok(())),
        ("192.168.1.3", private("192.168.1.3"), Ok(()), private("192.168.1.3")),
        ("fe80::2", private("fe80::2"), Ok(()), private("fe80::2")),
        ("169.254.169.254", private("169.254.169.254"), Ok(()), private("169.254.169.254")),
        ("127.0.0.1", loopback("127.0.0.1"), loopback("127.0.0.1"), Ok(())),
        ("::ffff:127.0.0.1", loopback("127.0.0.1"), loopback("127.0.0.1"), Ok(())),
        ("::1", loopback("::1"), loopback("::1"), Ok(())),
        ("203.0.113.7", loopback("203.0.113.7"), loopback("203.0.113.7"), Ok(())),
        ("192.168.1.2", loopback("192.168.1.2"), loopback("192.168.1.2"), Ok(())),
    ];
    let policies = [policy(false, false, false).0, policy(true, false, false).0, policy(false, true, false).0];
    for (text, nothing, lan, local) in table {
        for (policy, expected) in policies.iter().zip([nothing, lan, local]) {
            assert_eq!(policy.addresses().check(ip(text)), expected, "{text} {:?}", policy.addresses.allowed);
        }
    }
    let all = policy(true, true, false).0;
    assert!(matches!(all.addresses().check(IpAddr::V4(Ipv4Addr::BROADCAST)), Err(Refusal::NoHost { .. })));
}

#[test]
fn refusals_are_told_in_plain_words() {
    let failure = Failure::from(Refusal::Private { address: ip("10.0.0.5") });
    assert_eq!(failure.reason, Reason::RefusedByPolicy);
    assert_eq!(failure.message, "refused by this client: 10.0.0.5 is an address of a private network");
    assert_eq!(failure.hint.as_deref(), Some("the user can allow it by starting cnc with --allow-lan"));
    let refusal = Refusal::LoadBytes { asked: 5_000_000_000 };
    assert_eq!(refusal.to_string(), "it may move 5000 MB, and this client allows at most 1000 MB a test");
}
