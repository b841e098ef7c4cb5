//! What the user is shown before anything is sent beyond hello: who asks, what is collected, how much, and where it
//! goes. Pure.

use std::net::IpAddr;

use cnc_model::message::Welcome;
use cnc_model::{Test, Timestamp};

use crate::config::ListenerUrl;
use crate::policy::Allowed;
use crate::ui::figures::intention;
use crate::ui::text::{bytes, clean, count, moment};

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What the listener said.
    pub welcome: &'a Welcome,
    /// Where it is.
    pub listener: &'a ListenerUrl,
    /// At which address it is; `None` where only a proxy knows.
    pub address: Option<IpAddr>,
    /// What the user allowed beyond the rules.
    pub allowed: Allowed,
    /// What was measured while the listener was out of reach: when each run began, and how many tests it had.
    pub brought: &'a [(Timestamp, u32)],
}

/// A part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its heading.
    pub heading: String,
    /// Its lines.
    pub lines: Vec<String>,
}

/// The question that lets tests run.
pub const AGREE: &str = "Do you agree? [y/N]";

/// Makes the page.
#[must_use]
pub fn page(request: &Request<'_>) -> Vec<Part> {
    let part = |heading: String, lines| Part { heading, lines };
    let operator = match clean(&request.welcome.operator) {
        name if name.trim().is_empty() => "The operator of this listener".into(),
        name => capitalized(&name),
    };
    vec![
        part(format!("{operator} asks to measure the network from this computer."), Vec::new()),
        part("What will be collected".into(), collected(&request.welcome.planned, request.brought)),
        part("How much data".into(), vec![volume(&request.welcome.planned)]),
        part("Where it goes".into(), destination(request)),
        part("What stays out".into(), kept_out(request.allowed)),
    ]
}

/// Says that the name of this computer is asked for, with the name.
#[must_use]
pub fn names_question(name: &str) -> String {
    format!("Send this computer's name ({}) too? [y/N]", clean(name))
}

/// Reads an answer: only a clear yes is one.
#[must_use]
pub fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes" | "j" | "ja" | "s" | "si" | "sí" | "o" | "oui")
}

fn collected(planned: &[Test], brought: &[(Timestamp, u32)]) -> Vec<String> {
    let mut lines: Vec<String> = planned.iter().map(|test| format!("- {}", intention(test))).collect();
    if lines.is_empty() {
        lines.push("- nothing yet: the support person will choose".into());
    }
    lines.extend(brought.iter().map(|(began, tests)| {
        let tests = count(u64::from(*tests), "test");
        format!(
            "- what this program measured on its own while the listener was out of reach: {tests}, {}",
            moment(*began)
        )
    }));
    lines.push("- further measurements of these kinds while you are in touch; each is shown when it runs".into());
    lines
}

fn volume(planned: &[Test]) -> String {
    let at_most = planned.iter().filter_map(Test::bytes_at_most).fold(0_u64, u64::saturating_add);
    match at_most {
        0 => "a few kB".into(),
        few if few < 1_000_000 => format!("about {}", bytes(few)),
        much => format!("at most {}; speed tests move as much as your line can carry in their time", bytes(much)),
    }
}

fn destination(request: &Request<'_>) -> Vec<String> {
    let way = match (request.listener.tls(), request.address.is_some_and(|address| address.is_loopback())) {
        (true, _) => "encrypted",
        (false, true) => "which is this computer itself",
        (false, false) => "NOT encrypted",
    };
    let seen = request.welcome.public_address;
    vec![
        match request.address {
            Some(address) => format!("to {} ({address}), {way}", request.listener),
            None => format!("to {} (through a proxy), {way}", request.listener),
        },
        format!("your computer is seen there as {seen}"),
    ]
}

/// Begins a sentence with a name, whatever its case.
fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn kept_out(allowed: Allowed) -> Vec<String> {
    let lan = if allowed.lan {
        "you allow measurements of other devices in your own network (--allow-lan)"
    } else {
        "other devices in your own network are not measured, except your router and your DNS server"
    };
    let mut lines =
        vec!["no files, no passwords, no pages that you visit, no MAC addresses, no Wi-Fi names".into(), lan.into()];
    if allowed.loopback {
        lines.push("you allow measurements of this computer itself (--allow-loopback)".into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest, TraceTest};
    use cnc_model::{Destination, Sequence, SessionId, Timestamp};

    use super::*;

    fn shown(operator: &str, planned: Vec<Test>, url: &str, brought: &[(Timestamp, u32)]) -> String {
        let welcome = Welcome {
            session: SessionId::new(Timestamp::from_unix_us(0), 0),
            code: None,
            operator: operator.into(),
            public_address: IpAddr::from([203, 0, 113, 7]),
            acknowledged: Sequence::NONE,
            consented: false,
            planned,
            speed_token: String::new(),
            echo_token: None,
            certificate_issuer: None,
            own_tests: 0,
        };
        let listener = url.parse().expect("valid");
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let request = Request { welcome: &welcome, listener: &listener, address, allowed: Allowed::default(), brought };
        let text = |part: Part| std::iter::once(part.heading).chain(part.lines).collect::<Vec<_>>().join("\n");
        page(&request).into_iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_user_reads_who_what_how_much_and_where() {
        let planned = vec![
            Test::System,
            Test::Ping(PingTest::to(Destination::Gateway)),
            Test::Trace(TraceTest::to("example.com".parse().expect("valid"))),
            Test::Download(ThroughputTest::against(ThroughputPeer::Listener)),
            Test::Upload(ThroughputTest::against(ThroughputPeer::Url("https://mirror.example/x".into()))),
        ];
        insta::assert_snapshot!(shown("Example IT", planned, "https://check.example.com", &[]));
    }

    #[test]
    fn what_is_brought_along_is_told() {
        let runs = [(Timestamp::from_unix_us(1_800_000_000_000_000), 3), (Timestamp::from_unix_us(0), 1)];
        let text = shown("Example IT", Vec::new(), "https://check.example.com", &runs);
        for line in ["out of reach: 3 tests, 2027-01-15 08:00 UTC", "out of reach: 1 test, 1970-01-01 00:00 UTC"] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_hostile_operator_cannot_draw_on_the_page() {
        let text = shown("\u{1b}[2JBank\u{202e}", Vec::new(), "http://check.example.com:8080", &[]);
        assert!(text.starts_with("[2JBank asks"), "{text}");
        assert!(text.contains("NOT encrypted") && text.contains("http://check.example.com:8080"), "{text}");
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (answer, yes) in [("y", true), ("YES", true), ("ja", true), ("", false), ("n", false), ("yep?", false)] {
            assert_eq!(is_yes(answer), yes, "{answer}");
        }
    }
}
