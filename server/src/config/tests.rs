//! The settings file: what it may hold, and that each mistake is told with its line.

use std::time::Duration;

use cnc_model::test::{Multipath, PingProtocol, ThroughputPeer, TraceProtocol};
use cnc_model::{Family, Test};
use proptest::prelude::*;

use super::*;

const WHOLE: &str = r#"
operator = "Example Networks"
listen = "[::]:7443"
data = "/var/lib/cnc"
admin_token = "/run/secrets/admin"
behind_tls_proxy = true
trusted_proxies = ["10.0.0.0/8", "::1"]
http = "0.0.0.0:80"
metrics = "127.0.0.1:9464"
walk_in = false
public_speed = true
transfers = 8
public_url = "https://check.example.com/"
destinations = ["example.com", "192.0.2.1"]

[tls]
cert = "cert.pem"
key = "key.pem"

client_ca = "agents.pem"

[limits]
streams = 100
watchers = 10

[retention]
samples = "90d"

[waits]
join = "10m"
grace = "90s"
idle = "1h"
ending = "500ms"

[plan.quick]
description = "a look"

[[plan.quick.stage]]
tests = [{ system = true }, { ping = "gateway", count = 3, interval = "200ms", timeout = "1s", payload_bytes = 8, family = "v4" }]

[[plan.quick.stage]]
tests = [
    { ping = "example.com", protocol = "tcp:443" },
    { trace = "listener", rounds = 2, interval = "50ms", protocol = "udp", strategy = "dublin", max_hops = 12, names = false },
    { download = "https://example.com/f", flows = 2, duration = "2s", max_bytes = 1_000, stops_early = false },
    { upload = "listener", flows = 3, most_flows = 5 },
]
"#;

#[test]
fn a_whole_file_is_read() {
    let config = Config::parse(WHOLE).expect("sound");
    assert_eq!(config.operator, "Example Networks");
    assert_eq!(config.listen, "[::]:7443".parse().expect("an address"));
    assert_eq!(config.address_for_users(), "https://check.example.com");
    assert_eq!(config.waits.grace, Duration::from_secs(90));
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(
        config.tls,
        Some(TlsFiles { cert: "cert.pem".into(), key: "key.pem".into(), client_ca: Some("agents.pem".into()) })
    );
    assert!(!config.walk_in && config.public_speed && config.behind_tls_proxy);
    assert_eq!(config.transfers, 8);
    assert_eq!(config.limits, Bounds { streams: 100, watchers: 10, ..Bounds::default() });
    assert_eq!(config.retention, Retention { samples: Some(Duration::from_hours(90 * 24)), sessions: None });

    let plans = config.all_plans();
    let default = plans.get(DEFAULT_PLAN).expect("always there");
    let titles: Vec<_> = default.tests().map(|(stage, test)| format!("{stage} {}", test.title())).collect();
    assert_eq!(
        titles,
        [
            "0 system information",
            "1 ping gateway",
            "1 ping resolver",
            "1 ping listener",
            "1 ping example.com",
            "1 ping 192.0.2.1",
            "1 trace listener",
            "1 trace example.com",
            "1 trace 192.0.2.1",
            "2 dns check.example.com",
            "2 http https://check.example.com/generate_204",
            "2 mtu listener",
            "3 download from listener",
            "4 upload to listener",
        ]
    );
}

#[test]
fn built_in_plans_are_sound_whatever_is_known() {
    let hosts = |names: &str| names.split_whitespace().map(|name| name.parse().expect("a name")).collect::<Vec<_>>();
    let urls = [None, Some("https://check.example.com"), Some("http://[2001:db8::1]:8080/"), Some("http://a b")];
    for url in urls.map(|url| url.map(str::to_owned)) {
        for destinations in [hosts(""), hosts("192.0.2.1 example.com"), hosts(&"example.com ".repeat(200))] {
            let config = Config { public_url: url.clone(), destinations, ..Config::default() };
            let plans = config.all_plans();
            let names: Vec<_> = plans.iter().map(|plan| plan.name.as_str()).collect();
            assert_eq!(names, ["default", "drops", "quick", "slow-download", "slow-web", "voip", "vpn"]);
            for plan in plans.iter() {
                assert!(plan.stages.len() <= plans::MAX_STAGES && !plan.description.is_empty(), "{}", plan.name);
                for stage in &plan.stages {
                    assert!(!stage.is_empty() && stage.len() <= plans::MAX_TESTS, "{}: {}", plan.name, stage.len());
                }
                for (_, test) in plan.tests() {
                    test.clone().checked().unwrap_or_else(|error| panic!("{}, {}: {error}", plan.name, test.title()));
                }
            }
        }
    }
}

#[test]
fn the_operators_plan_goes_before_a_built_in_one() {
    let config = Config::parse(WHOLE).expect("sound");
    assert_eq!(config.all_plans().get("quick").map(|plan| plan.description.as_str()), Some("a look"));
    assert_eq!(Config::default().all_plans().get("quick").map(|plan| plan.stages.len()), Some(3));
}

#[test]
fn tests_of_a_plan_keep_their_parameters() {
    let config = Config::parse(WHOLE).expect("sound");
    let [plan] = &config.plans[..] else { panic!("one plan: {:?}", config.plans) };
    let [first, second] = &plan.stages[..] else { panic!("two stages: {plan:?}") };
    let [Test::System, Test::Ping(ping)] = &first[..] else { panic!("two tests: {first:?}") };
    assert_eq!((ping.count, ping.interval, ping.timeout), (3, Duration::from_millis(200), Duration::from_secs(1)));
    assert_eq!((ping.payload_bytes, ping.family), (8, Family::V4));
    let [Test::Ping(tcp), Test::Trace(trace), Test::Download(down), Test::Upload(up)] = &second[..] else {
        panic!("four tests: {second:?}")
    };
    assert_eq!(tcp.protocol, PingProtocol::Tcp(443.try_into().expect("a port")));
    assert_eq!((trace.rounds, trace.protocol, trace.strategy), (2, TraceProtocol::Udp(None), Multipath::Dublin));
    assert_eq!((trace.max_hops.get(), trace.names), (12, false));
    assert_eq!((down.most_flows, up.flows, up.most_flows), (2, 3, 5));
    assert_eq!((down.flows, down.max_bytes, down.stops_early, up.stops_early), (2, 1_000, false, true));
    assert_eq!((down.peer.to_string().as_str(), up.peer.clone()), ("https://example.com/f", ThroughputPeer::Listener));
}

#[test]
fn the_example_is_sound_and_names_every_key() {
    let example = include_str!("../../listener.example.toml");
    assert_eq!(Config::parse(example).expect("sound").limits, Bounds::default());
    let uncommented: String =
        example.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n").collect();
    Config::parse(&uncommented).expect("sound with everything set");
    let known = mistakes("none = 1")[0]
        .split_once(": ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map(|(_, keys)| keys.to_owned());
    for key in known.expect("a list").trim_end_matches(" are").split(", ") {
        assert!(uncommented.contains(&format!("{key} = ")) || uncommented.contains(&format!("[{key}")), "{key}");
    }
}

/// Gives a file's mistakes as they are shown.
fn mistakes(text: &str) -> Vec<String> {
    Config::parse(text).expect_err("mistakes").iter().map(ToString::to_string).collect()
}

#[test]
fn each_mistake_has_its_line_and_what_is_allowed() {
    let cases = [
        (
            "listen = 7443",
            "line 1: listen must be an address and port like \"0.0.0.0:7443\" or \"[::]:7443\", not 7443",
        ),
        ("\n\nwalk_in = \"yes\"", "line 3: walk_in must be true or false, not \"yes\""),
        (
            "[retention]\nsamples = \"1d\"",
            "line 1: retention: samples must be kept for 8 days at the least: late items come for 7",
        ),
        ("transfers = -1", "line 1: transfers must be a whole number from 0 to 65535, not -1"),
        ("public_url = \"x\"", "line 1: public_url must be http://… or https://…, not \"x\""),
        (
            "trusted_proxies = \"::1\"",
            "line 1: trusted_proxies must be a list of networks like \"10.0.0.0/8\", not \"::1\"",
        ),
        (
            "destinations = [\"a b\"]",
            "line 1: destinations must hold host names or addresses like \"example.com\", not \"a b\"",
        ),
        (
            "[waits]\nidle = \"long\"",
            "line 2: waits.idle must be a time like \"200ms\", \"10s\" or \"30m\", not \"long\"",
        ),
        ("[waits]\npause = \"1s\"", "line 2: pause is not known in waits: join, grace, idle, ending are"),
        ("[tls]\ncert = \"c\"", "line 1: tls: needs both cert and key, each a PEM file"),
        ("tls = true", "line 1: tls must be a table, not true"),
    ];
    for (text, message) in cases {
        assert_eq!(mistakes(text), [message], "{text}");
    }
    assert!(mistakes("operatr = \"x\"")[0].starts_with("line 1: operatr is not known here: operator, "));
}

#[test]
fn each_mistake_of_a_plan_is_told() {
    let stage = |tests: &str| format!("[[plan.p.stage]]\ntests = [{tests}]");
    let cases = [
        (
            "[plan.p]".to_owned(),
            "line 1: plan.p: needs a list of stages: one [[plan.NAME.stage]] for each, with tests = […]",
        ),
        (
            stage(""),
            "line 2: stage.tests must be a list of tests like { ping = \"example.com\", count = 20 }, 1 to 64 of them",
        ),
        (
            stage("{ }"),
            "line 2: test: needs exactly one of system = true, ping, trace, download, upload, mtu, dns and http",
        ),
        (
            stage("{ ping = \"a\", trace = \"a\" }"),
            "line 2: test: needs exactly one of system = true, ping, trace, download, upload, mtu, dns and http",
        ),
        (
            stage("{ ping = \"a b\" }"),
            "line 2: test.ping must be \"gateway\", \"resolver\", \"listener\", a host name or an address, not \"a b\"",
        ),
        (stage("{ ping = \"a\", count = 0 }"), "line 2: count must be 1 to 100000, not 0"),
        (
            stage("{ ping = \"a\", protocol = \"tcp\" }"),
            "line 2: test.protocol must be \"icmp\", \"tcp:PORT\" or \"udp:PORT\", not \"tcp\"",
        ),
        (
            stage("{ trace = \"a\", strategy = \"x\" }"),
            "line 2: test.strategy must be \"classic\", \"paris\" or \"dublin\", not \"x\"",
        ),
        (stage("{ download = \"ftp://x\" }"), "line 2: the URL must be http://… or https://…, not ftp://x"),
    ];
    for (text, message) in cases {
        assert_eq!(mistakes(&text), [message], "{text}");
    }
    let unknown = mistakes(&stage("{ ping = \"a\", cout = 3 }"));
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].starts_with("line 2: cout is not known in test: "), "{unknown:?}");
}

#[test]
fn all_mistakes_are_told_in_the_order_of_lines() {
    let text = "walk_in = 1\nlisten = \"x\"\n[waits]\ngrace = 1\nnone = 2\n[plan]\np = 3\n";
    let lines: Vec<_> = Config::parse(text).expect_err("mistakes").iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 7]);
    assert!(mistakes("walk_in = \n listen =")[0].starts_with("line 1: "));
}

#[test]
fn plain_beyond_loopback_is_refused() {
    let open = Config { listen: "0.0.0.0:7443".parse().expect("an address"), ..Config::default() };
    assert!(matches!(open.clone().checked(), Err(ConfigError::PlainBeyondLoopback(_))));
    assert!(Config { behind_tls_proxy: true, ..open.clone() }.checked().is_ok());
    let tls = Some(TlsFiles { cert: "c".into(), key: "k".into(), client_ca: None });
    assert!(Config { tls, ..open }.checked().is_ok());
    assert!(Config::default().checked().is_ok());
}

proptest! {
    /// Whatever stands in the file, it is told or taken.
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(Config::parse(&text).is_ok() || Config::parse(&text).is_err());
    }

    /// A sound file with something cut out or put in.
    #[test]
    fn no_damage_makes_it_panic(at in 0..WHOLE.len(), cut in 0_usize..40, put in "[\\[\\]{}\"=a-z0-9,\n]{0,6}") {
        let damaged: String = WHOLE.chars().take(at).chain(put.chars()).chain(WHOLE.chars().skip(at + cut)).collect();
        prop_assert!(Config::parse(&damaged).is_ok() || Config::parse(&damaged).is_err());
    }
}

#[test]
fn what_is_used_of_googles_is_read() {
    use crate::google::{Credentials, Endpoints, Google};
    let text = "durability = \"bigquery\"\n[google]\nproject = \"p-1\"\ncredentials = \"/etc/key.json\"\ndataset = \"cnc\"\n\
                folder = \"https://drive.google.com/drive/folders/1Ab_c-D?usp=sharing\"\nlocation = \"EU\"\nhistory = \"bigquery\"\n[google.endpoints]\nstorage = \"http://127.0.0.1:9060/\"";
    let config = Config::parse(text).expect("sound").checked().expect("whole");
    let endpoints = Endpoints { storage: "http://127.0.0.1:9060".into(), ..Endpoints::default() };
    let expected = Google {
        project: "p-1".into(),
        credentials: Credentials::File("/etc/key.json".into()),
        dataset: Some("cnc".into()),
        folder: Some("1Ab_c-D".into()),
        location: Some("EU".into()),
        history_max_bytes: Some(10_000_000_000),
        endpoints,
    };
    assert_eq!((config.google, config.durability), (Some(expected), Durability::BigQuery));
    let wrong = Config::parse("durability = \"bigquery\"").expect("sound").checked().expect_err("no place");
    assert!(wrong.to_string().contains("[google]"), "{wrong}");
    for (text, line, part) in [
        ("[google]", "line 1", "project"),
        ("[google]\nproject = \"a b\"", "line 2", "project"),
        ("[google]\nproject = \"p\"\ndataset = \"a-b\"", "line 3", "dataset"),
        ("[google]\nproject = \"p\"\nfolder = \"a b\"", "line 3", "folder"),
        ("[google]\nproject = \"p\"\n[google.endpoints]\nbigquery = \"x\"", "line 4", "http"),
        ("durability = \"tape\"", "line 1", "local"),
        ("[google]\nproject = \"p\"\nhistory = \"tape\"", "line 3", "bigquery"),
        ("[google]\nproject = \"p\"\nhistory = \"bigquery\"", "line 1", "dataset"),
        ("[google]\nproject = \"p\"\nhistory_max_bytes = 1", "line 1", "100_000_000"),
    ] {
        let told = mistakes(text).join("\n");
        assert!(told.contains(line) && told.contains(part), "{told}");
    }
}
