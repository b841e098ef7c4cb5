//! Tests that the policy forbids: each is refused, said to the user, told to the listener, and nothing of it is sent.

use cnc_integration_tests::client::Client;
use cnc_model::test::{
    MAX_PAYLOAD_BYTES, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceProtocol, TraceTest,
};
use cnc_model::{Destination, Test, Ttl};
use cnc_proto::v1;
use std::num::NonZeroU16;
use std::time::Duration;

use super::scene::{Scene, sound};

/// A breach: its name, what is asked, and a part of the refusal.
type Breach = (String, v1::Test, &'static str);

const ITSELF: &str = "is this computer itself";
const PRIVATE: &str = "is an address of a private network";
const NO_HOST: &str = "is not the address of a single host";

fn ping(host: &str, change: impl FnOnce(&mut PingTest)) -> v1::Test {
    let mut ping = PingTest::to(host.parse::<Destination>().expect("a host"));
    (ping.count, ping.interval) = (2, Duration::from_millis(10));
    change(&mut ping);
    Test::Ping(ping).into()
}

fn trace(host: &str, change: impl FnOnce(&mut TraceTest)) -> v1::Test {
    let mut trace = TraceTest::to(host.parse::<Destination>().expect("a host"));
    (trace.rounds, trace.max_hops) = (1, Ttl::try_from(3).expect("a TTL"));
    change(&mut trace);
    Test::Trace(trace).into()
}

fn load(change: impl FnOnce(&mut ThroughputTest)) -> ThroughputTest {
    let mut load = ThroughputTest::against(ThroughputPeer::Listener);
    change(&mut load);
    load
}

fn from(url: &str) -> v1::Test {
    Test::Download(load(|load| load.peer = ThroughputPeer::Url(url.into()))).into()
}

/// Addresses that are not for a listener to aim at, by what they are, whatever form they take.
fn addresses() -> Vec<Breach> {
    let table = [
        (
            ITSELF,
            "127.0.0.1 127.0.0.2 127.255.255.254 0.0.0.0 ::1 :: ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: \
             localhost ip6-localhost rebind.example rebind6.example 127.1 2130706433 0x7f000001 0177.0.0.1 0 10.77.0.1",
        ),
        (
            PRIVATE,
            "10.1.2.3 10.77.0.200 172.16.0.1 172.31.255.254 192.168.77.1 100.64.0.1 169.254.169.254 fe80::dead fd00::1 \
             fec0::1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 2002:c0a8:101::1 lan.example lan6.example \
             metadata.example 10.258",
        ),
        (
            NO_HOST,
            "224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1 0.1.2.3 ff02::1 ff0e::1 ::ffff:224.0.0.1 group.example",
        ),
    ];
    let each = |(part, hosts): (&'static str, &'static str)| {
        hosts.split_whitespace().map(move |host| (format!("ping {host}"), ping(host, |_| ()), part))
    };
    table.into_iter().flat_map(each).collect()
}

/// Other ways to the same places.
fn ways() -> Vec<Breach> {
    let port = |number| NonZeroU16::new(number).expect("a port");
    let all = [
        ("a TCP ping of itself", ping("127.0.0.1", |p| p.protocol = PingProtocol::Tcp(port(22))), ITSELF),
        ("a TCP ping of the LAN", ping("192.168.77.1", |p| p.protocol = PingProtocol::Tcp(port(445))), PRIVATE),
        ("a UDP ping of itself", ping("127.0.0.1", |p| p.protocol = PingProtocol::Udp(port(53))), ITSELF),
        ("a UDP ping of a group", ping("239.1.1.1", |p| p.protocol = PingProtocol::Udp(port(1_900))), NO_HOST),
        ("a trace to itself", trace("127.0.0.1", |_| ()), ITSELF),
        ("a trace into the LAN", trace("10.1.2.3", |t| t.protocol = TraceProtocol::Udp(None)), PRIVATE),
        ("a trace to a group", trace("224.0.0.1", |t| t.protocol = TraceProtocol::Tcp(port(80))), NO_HOST),
        ("a trace by a name into itself", trace("rebind.example", |_| ()), ITSELF),
    ];
    all.into_iter().map(|(name, test, part)| (name.to_owned(), test, part)).collect()
}

/// More than a measurement needs.
fn loads() -> Vec<Breach> {
    let ms = Duration::from_millis;
    let listener = |change: fn(&mut PingTest)| ping("listener", change);
    let time = |seconds| load(|load| load.duration = Duration::from_secs(seconds));
    let bytes = |bytes| load(|load| load.max_bytes = bytes);
    let stranger = "was not part of what the user agreed to";
    let all = [
        (
            "1,000 probes a second",
            listener(|p| (p.count, p.interval) = (65, Duration::from_millis(1))),
            "1000 probes a second",
        ),
        (
            "112 probes a second",
            listener(|p| (p.count, p.interval) = (100_000, Duration::from_millis(9))),
            "112 probes a second",
        ),
        (
            "65 kB a hundred times a second",
            listener(|p| {
                (p.count, p.interval, p.payload_bytes) = (1_000, Duration::from_millis(10), MAX_PAYLOAD_BYTES);
            }),
            "bytes a second",
        ),
        (
            "255 hops at once",
            trace("listener", |t| (t.interval, t.max_hops) = (ms(60_000), Ttl::try_from(255).expect("a TTL"))),
            "at once",
        ),
        (
            "600 hops a second",
            trace("listener", |t| {
                (t.rounds, t.max_hops, t.interval) = (100, Ttl::try_from(30).expect("a TTL"), ms(50));
            }),
            "probes a second",
        ),
        ("a download of 61 s", Test::Download(time(61)).into(), "61 s of load"),
        ("an upload of 5 min", Test::Upload(time(300)).into(), "300 s of load"),
        ("a download of a byte over 1 GB", Test::Download(bytes(1_000_000_001)).into(), "at most 1000 MB"),
        ("an upload of 100 GB", Test::Upload(bytes(100_000_000_000)).into(), "at most 1000 MB"),
        ("a download from a stranger", from("http://198.51.100.7/big.iso"), stranger),
        ("a download from a stranger over TLS", from("https://victim.example/"), stranger),
        ("a download from itself", from("http://127.0.0.1:8080/"), stranger),
        ("a download from a router", from("http://10.77.0.1/cgi-bin/reboot"), stranger),
        ("a download from a metadata service", from("http://169.254.169.254/latest/meta-data/"), stranger),
        ("a download from the listener's other port", from("http://10.77.0.2:22/"), stranger),
        ("a download by a user name", from("http://listener@198.51.100.7/"), stranger),
        (
            "an upload to a stranger",
            Test::Upload(load(|l| l.peer = ThroughputPeer::Url("http://198.51.100.7/".into()))).into(),
            stranger,
        ),
    ];
    all.into_iter().map(|(name, test, part)| (name.to_owned(), test, part)).collect()
}

/// Values that no sound listener sends. What they would mean is not even asked.
fn nonsense() -> Vec<Breach> {
    const UNKNOWN: &str = "does not know";
    let wire = |change: fn(&mut v1::PingTest)| {
        let v1::Test { test: Some(v1::test::Test::Ping(mut ping)) } = ping("listener", |_| ()) else { unreachable!() };
        change(&mut ping);
        v1::Test { test: Some(v1::test::Test::Ping(ping)) }
    };
    let heavy = |change: fn(&mut v1::ThroughputTest)| {
        let mut heavy = v1::ThroughputTest::from(load(|_| ()));
        change(&mut heavy);
        v1::Test { test: Some(v1::test::Test::Download(heavy)) }
    };
    let named = |name: &str| {
        let v1::Test { test: Some(v1::test::Test::Ping(mut ping)) } = ping("listener", |_| ()) else { unreachable!() };
        let host = v1::destination::Destination::Host(name.to_owned());
        ping.destination = Some(v1::Destination { destination: Some(host) });
        v1::Test { test: Some(v1::test::Test::Ping(ping)) }
    };
    let all = [
        ("a test of no kind", v1::Test { test: None }),
        ("no probes", wire(|p| p.count = 0)),
        ("more probes than there may be", wire(|p| p.count = u32::MAX)),
        ("no interval", wire(|p| p.interval_us = 0)),
        ("an interval of ages", wire(|p| p.interval_us = u64::MAX)),
        ("no timeout", wire(|p| p.timeout_us = 0)),
        ("a payload beyond packets", wire(|p| p.payload_bytes = u32::MAX)),
        ("no destination", wire(|p| p.destination = None)),
        ("a port that is none", wire(|p| p.protocol = Some(v1::ping_test::Protocol::Tcp(v1::TcpProbe { port: 0 })))),
        (
            "a port beyond ports",
            wire(|p| p.protocol = Some(v1::ping_test::Protocol::Udp(v1::UdpProbe { port: Some(70_000) }))),
        ),
        ("a name that is a command", named("a; reboot")),
        ("a name that is a flag", named("-oProxyCommand=reboot")),
        ("a name that paints the screen", named("\u{1b}[2J\u{1b}[31mowned")),
        ("a name of 100 kB", named(&"a".repeat(100_000))),
        ("a name with a way", named("../../etc/passwd")),
        ("no flows", heavy(|l| l.flows = 0)),
        ("10,000 flows", heavy(|l| l.flows = 10_000)),
        ("load without an end", heavy(|l| l.duration_us = u64::MAX)),
        ("bytes without an end", heavy(|l| l.max_bytes = u64::MAX)),
        ("a file", heavy(|l| l.peer = Some(v1::throughput_test::Peer::Url("file:///etc/passwd".into())))),
        ("another protocol", heavy(|l| l.peer = Some(v1::throughput_test::Peer::Url("ftp://198.51.100.7/".into())))),
        (
            "a URL of 100 kB",
            heavy(|l| l.peer = Some(v1::throughput_test::Peer::Url(format!("http://{}", "a".repeat(100_000))))),
        ),
        ("no peer", heavy(|l| l.peer = None)),
    ];
    all.into_iter().map(|(name, test)| (name.to_owned(), test, UNKNOWN)).collect()
}

#[tokio::test]
async fn none_succeeds_and_each_is_told_to_both_sides() {
    let Some(mut scene) = Scene::set("breaches of policy", axum::Router::new()) else { return };
    let client = scene.client();
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    let breaches: Vec<_> = [addresses(), ways(), loads(), nonsense()].concat();
    assert!(breaches.len() >= 50, "{}", breaches.len());
    let mut told = Vec::new();
    for (number, (name, test, part)) in (1..).zip(&breaches) {
        stream.run(number, test.clone()).await;
        let failure = stream.failure(number).await.unwrap_or_else(|| panic!("{name} was not refused"));
        let v1::Failure { reason, message, hint: _ } = failure;
        let refused = [v1::Reason::RefusedByPolicy, v1::Reason::Unsupported].map(i32::from).contains(&reason);
        assert!(refused && message.contains(part), "{name}: {message}");
        told.push(message);
    }
    assert!(!stream.measured(), "{:?}", stream.items);
    assert_eq!(scene.strays(), Vec::<String>::new(), "what it sent to others");
    assert_eq!(scene.probes(), 0);
    stream.end().await;
    assert!(stream.until(|item| matches!(item.item, Some(v1::item::Item::Goodbye(_)))).await);
    stream.goodbye().await;
    let ended = client.ended().await;
    sound(&ended);
    for message in told.iter().filter(|message| !message.contains("does not know")) {
        assert!(ended.said.contains(message.as_str()), "not shown: {message}\n{}", ended.said);
    }
    let unknown = ended.said.matches("asked for something that this version does not know").count();
    assert_eq!(unknown, nonsense().len(), "{}", ended.said);
}

/// Without this, counting nothing would prove nothing.
#[tokio::test]
async fn what_is_allowed_is_sent_and_seen() {
    let Some(mut scene) = Scene::set("what is allowed", axum::Router::new()) else { return };
    let mut command = scene.command();
    command.arg("--allow-loopback");
    let client = Client::run_by(command, &scene.listener.url(), None);
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    stream.run(1, ping("127.0.0.2", |_| ())).await;
    stream.run(2, ping("listener", |_| ())).await;
    assert_eq!(stream.failure(1).await, None);
    assert_eq!(stream.failure(2).await, None);
    assert!(scene.strays().iter().any(|address| address.contains("127.0.0.2")), "{:?}", scene.strays());
    assert_eq!(scene.probes(), 2);
    client.interrupt().await;
    sound(&client.ended().await);
}
