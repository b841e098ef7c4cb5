//! What a scenario file may say, and how each mistake is told.

use super::*;

const TWO_HOSTS: &str = "description = \"d\"\n[hosts.client]\n[hosts.server]\n";

fn with(rest: &str) -> String {
    format!("{TWO_HOSTS}{rest}")
}

#[track_caller]
fn check_mistake(text: &str, expected_line: usize, expected: &str) {
    match Scenario::parse(text) {
        Err(ScenarioError::Mistake { line, message }) => {
            assert!(message.contains(expected), "{expected:?} is not in {message:?}");
            assert_eq!(line, expected_line, "{message}");
        }
        other => panic!("{text}\n{other:?}"),
    }
}

#[test]
fn mistakes_are_told_with_line_and_remedy() {
    let link = "[[links]]\nbetween = [\"client\", \"server\"]\n";
    let table = [
        ("", 1, "missing field `description`"),
        ("description = 3", 1, "invalid type: integer `3`, expected a string"),
        ("description = \"d\"", 1, "there is no [hosts.client]"),
        ("description = \"d\"\n[hosts.client]", 1, "there is no [hosts.server]"),
        ("description = \"d\"\n[hosts", 2, "unclosed table"),
        (&with("[routers.client]"), 4, "`client` is a host and a router"),
        (&with("[routers.R1]"), 4, "use a-z, 0-9 and -"),
        (&with("[routers.r1]\nsilet = true"), 5, "unknown field `silet`, expected one of `silent`, `black_hole`"),
        (&with("[hosts.x]\nsilent = true"), 5, "unknown field `silent`, expected `mute` or `sysctl`"),
        (&with(&format!("{link}dely = \"20ms\"")), 6, "unknown field `dely`"),
        (&with(&format!("{link}back.dely = \"20ms\"")), 6, "unknown field `dely`"),
        (&with(&format!("{link}delay = \"20\"")), 6, "`20` is no time: write it like \"20ms\""),
        (&with(&format!("{link}delay = 20")), 6, "invalid type: integer `20`"),
        (&with(&format!("{link}rate = \"20mb\"")), 6, "`20mb` is no rate: write it like \"20mbit\""),
        (&with(&format!("{link}queue = \"50ms\"")), 6, "a queue needs a rate"),
        (&with(&format!("{link}rate = \"1mbit\"\nqueue = \"1ms\"")), 7, "a queue of 125 bytes is too small"),
        (&with(&format!("{link}loss = \"every 1st\"")), 6, "`every 1st` is no loss: write \"2%\""),
        (&with(&format!("{link}v4 = [\"10.0.0.1\", \"10.0.1.2\"]")), 6, "two different ones of one /24"),
        (&with(&format!("{link}v4 = [\"10.0.0.0\", \"10.0.0.2\"]")), 6, "cannot be a machine's"),
        (&with(&format!("{link}v6 = [\"fd00::1\", \"fd00:1::2\"]")), 6, "two different ones of one /64"),
        (&with(&format!("{link}v4 = [\"10.0.0\", \"10.0.0.2\"]")), 6, "invalid IPv4 address syntax"),
        (&with(&format!("{link}{link}")), 6, "client and server are linked already"),
        (
            &with("[[links]]\nbetween = [\"client\", \"r1\"]"),
            5,
            "no host or router is called `r1`; there are: client, server",
        ),
        (&with("[[links]]\nbetween = [\"client\", \"client\"]"), 5, "two different ends"),
        (&with("[[links]]\nbetween = [\"client\"]"), 5, "invalid length 1"),
        (&with(""), 1, "`server` cannot be reached from the client"),
        (&with(&format!("{link}[hosts.x]\n[[links]]\nbetween = [\"server\", \"x\"]")), 1, "`x` cannot be reached"),
        (&with(&format!("{link}mtu = 1000")), 6, "an MTU is from 1280"),
        (&with(&format!("{link}police = \"20mbit\"")), 5, "only routers police"),
        (&with("[routers.r1]\nredirect = { web = 8080 }"), 5, "ports are led to ports"),
        (&with("[routers.r1]\nsysctl = { \"kernel.x\" = 1 }"), 5, "only those under `net.`"),
        (&with("[routers.r1]\nsysctl = { \"net.../x\" = 1 }"), 5, "only those under `net.`"),
        (&with("[routers.r1]\nsysctl = { \"net.x\" = true }"), 5, "a string or a whole number"),
    ];
    for (text, line, expected) in table {
        check_mistake(text, line, expected);
    }
}

#[test]
fn an_unknown_name_is_told_with_those_there_are() {
    let error = Scenario::named("path8").unwrap_err().to_string();
    assert!(error.contains("`path8`") && error.contains("path7, plain"), "{error}");
}

#[test]
fn every_file_is_embedded_and_no_other() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.map(|file| file.strip_suffix(".toml").unwrap().to_owned()).collect();
    files.sort();
    assert_eq!(files, Scenario::names().collect::<Vec<_>>());
}

#[test]
fn a_link_says_all_that_can_be_said() {
    let scenario = Scenario::parse(&with(
        r#"
        [[links]]
        between = ["client", "server"]
        v4 = ["192.0.2.1", "192.0.2.2"]
        v6 = ["2001:db8::1", "2001:db8::2"]
        rate = "20mbit"
        queue = "100ms"
        delay = "20ms"
        jitter = "5ms"
        loss = "2%"
        seed = 7
        [links.back]
        rate = "1mbit"
        queue = "30kb"
        delay = "1ms"
        jitter = "0ms"
        loss = "every 10th"
        "#,
    ))
    .unwrap();
    let link = &scenario.links[0];
    assert_eq!((link.ends, link.v4[1]), ([0, 1], Ipv4Addr::new(192, 0, 2, 2)));
    let millis = Duration::from_millis;
    let forward = Direction {
        police: None,
        shaping: Some(Shaping { rate: "20mbit".parse().unwrap(), queue_bytes: 250_000 }),
        delay: millis(20),
        jitter: millis(5),
        loss: Some(Loss::Random(20_000)),
        seed: 7,
    };
    let back = Direction {
        police: None,
        shaping: Some(Shaping { rate: "1mbit".parse().unwrap(), queue_bytes: 30_000 }),
        delay: millis(1),
        jitter: Duration::ZERO,
        loss: Some(Loss::Every(10)),
        seed: 7,
    };
    assert_eq!(link.directions, [forward, back]);
    assert_eq!(forward.shaping.map(|shaping| shaping.longest_wait()), Some(millis(100)));
}
