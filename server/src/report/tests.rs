//! The report as a whole: what its text says, that hostile text stays text, and how large it can become.

pub(crate) mod made_up;

use std::collections::BTreeMap;
use std::time::Duration;

use cnc_model::session::{Absence, EndReason, SessionState};
use cnc_model::test::PingTest;
use cnc_model::{Failure, Outcome, Reason, Sample, Test};

use super::Report;
use made_up::{BEGAN, MadeUp, host};

fn page(made: &MadeUp) -> String {
    let made_at = BEGAN.after(Duration::from_mins(5));
    Report { record: &made.record, samples: &made.samples, operator: "Example Helpdesk", made: made_at }
        .html()
        .replace(concat!("by cnc ", env!("CARGO_PKG_VERSION")), "by cnc VERSION")
}

/// Gives a page's text: a line for each piece, pictures by their words.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        push_line(&mut out, before);
        let (tag, after) = after.split_once('>').expect("a tag ends");
        if let Some((_, alt)) = tag.split_once("aria-label=\"").filter(|_| tag.contains("role=\"img\"")) {
            push_line(&mut out, &format!("[picture: {}]", alt.trim_end_matches('"')));
        }
        let skip = ["style", "svg"].into_iter().find(|name| tag.starts_with(name));
        rest = skip.map_or(after, |name| after.split_once(&format!("</{name}>")).expect("it is closed").1);
    }
    out
}

fn push_line(out: &mut String, text: &str) {
    let text = text.replace('\u{a0}', " ");
    if !text.trim().is_empty() {
        out.push_str(text.trim());
        out.push('\n');
    }
}

#[test]
fn a_session_with_one_of_everything() {
    let html = page(&made_up::session());
    insta::assert_snapshot!(text(&html));
    // For looking at it: CNC_REPORT_SAMPLE=/some/where.html
    if let Some(path) = std::env::var_os("CNC_REPORT_SAMPLE") {
        let mut made = made_up::session();
        made_up::long(&mut made, 10_000);
        std::fs::write(path, page(&made)).expect("a place to write");
    }
}

#[test]
fn a_client_that_was_away_is_told_of() {
    let mut made = made_up::session();
    let at = |s: u64| BEGAN.after(Duration::from_secs(s));
    // The first test runs from 72 s to 82 s, the second from 84 s to 94 s; the session ends at 265 s.
    made.record.absences = vec![
        Absence { from: at(60), until: Some(at(65)) },
        Absence { from: at(80), until: Some(at(90)) },
        Absence { from: at(250), until: None },
    ];
    let told = text(&page(&made));
    let after = |what: &str| told.split_once(what).unwrap_or_else(|| panic!("{what:?} is not in {told}")).1.to_owned();
    assert!(after("Client away\n").starts_with("3 times, for 30.0 s in all\n"), "{told}");
    let list = after("When the client was away\n");
    let lines: Vec<_> = list.lines().skip(1).take(6).collect();
    let [first, none, second, two, third, _] = lines[..] else { panic!("six lines: {lines:?}") };
    assert!(first.contains(" UTC (5.0 s)"), "{first}");
    assert_eq!(none, "no test was under way");
    assert!(second.ends_with("(10.0 s)") && two.starts_with("during: System information, "), "{second}: {two}");
    assert!(third.ends_with("until the session’s end (15.0 s)"), "{third}");

    made.record.absences = vec![Absence { from: at(60), until: Some(at(90_000)) }];
    let told = text(&page(&made));
    assert!(told.contains("Client away\nonce, for 1 day 0 h\n"), "{told}");
    assert!(
        told.contains(" November 2026, ") && told.contains("(1 day 0 h)"),
        "the day is told where it is another: {told}"
    );

    made.record.absences = (0..500).map(|s| Absence { from: at(s), until: Some(at(s + 1)) }).collect();
    let told = text(&page(&made));
    assert!(told.contains("And 480 times more.\n"), "{told}");
    assert!(!text(&page(&made_up::session())).contains("away"), "who never was away is not told of");
}

#[test]
fn an_empty_session_measured_nothing() {
    let mut made = MadeUp::empty("");
    let overview = &mut made.record.overview;
    (overview.joined, overview.public_address, overview.client_version) = (None, None, None);
    overview.state = SessionState::Ended(EndReason::NeverJoined);
    made.record.consented = None;
    insta::assert_snapshot!(text(&page(&made)));
}

#[test]
fn a_session_of_failed_tests_says_why_and_shows_no_figures() {
    let mut made = MadeUp::empty("only failures");
    let failure = Failure::new(Reason::NoPermission, "this system does not let cnc open an ICMP socket")
        .with_hint("run it as an administrator");
    let ping = || Test::Ping(PingTest::to(host("example.com")));
    made.add(ping(), Some(Outcome::Failed(failure)), None, vec![]);
    made.add(ping(), Some(Outcome::Failed(Failure::new(Reason::Abandoned, "the client went away"))), None, vec![]);
    made.add(ping(), Some(Outcome::Cancelled), None, vec![]);
    let text = text(&page(&made));
    for expected in [
        "Failed: this system does not let cnc open an ICMP socket.",
        "run it as an administrator.",
        "Failed: the client went away.",
        "Stopped before its end.",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for figure in ["0 %", "0 ms", "0 bit/s", "under 0.001"] {
        assert!(!text.contains(figure), "{figure}\n{text}");
    }
}

#[test]
fn measurements_that_found_nothing_say_so() {
    let made = made_up::silence();
    let html = page(&made);
    insta::assert_snapshot!(text(&html));
    if let Some(path) = std::env::var_os("CNC_REPORT_SILENCE") {
        std::fs::write(path, html).expect("a place to write");
    }
}

#[test]
fn hostile_text_stays_text() {
    const EVIL: &str = "</title></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u{0}";
    let mut made = made_up::session();
    made.record.overview.label = EVIL.into();
    made.record.overview.plan = EVIL.into();
    made.record.overview.client_version = Some(EVIL.into());
    for test in &mut made.record.tests {
        test.issued_by = EVIL.into();
        if let Some(Outcome::Failed(failure)) = &mut test.outcome {
            failure.message = EVIL.into();
            failure.hint = Some(EVIL.into());
        }
        match &mut test.summary {
            Some(cnc_model::Summary::Trace(trace)) => {
                for address in trace.hops.iter_mut().flat_map(|hop| &mut hop.addresses) {
                    address.name = Some(EVIL.into());
                }
                trace.measured.engine = EVIL.into();
            }
            Some(cnc_model::Summary::System(system)) => {
                system.os_name = Some(EVIL.into());
                system.interfaces[0].name = EVIL.into();
                system.cpu.model = Some(EVIL.into());
            }
            Some(cnc_model::Summary::Http(http)) => {
                for text in [&mut http.issuer, &mut http.tls_version, &mut http.location, &mut http.error] {
                    *text = Some(EVIL.into());
                }
            }
            Some(
                cnc_model::Summary::Ping(_)
                | cnc_model::Summary::Throughput(_)
                | cnc_model::Summary::Mtu(_)
                | cnc_model::Summary::Dns(_),
            )
            | None => {}
        }
    }
    let samples = BTreeMap::clone(&made.samples);
    let html = Report { record: &made.record, samples: &samples, operator: EVIL, made: BEGAN }.html();
    assert!(html.contains("&lt;script&gt;"));
    for markup in ["<script", "<img", "onerror=alert(2)>"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert_eq!(html.matches("</style>").count(), 1);
    assert_eq!(html.matches("</title>").count(), 1);
}

#[test]
fn the_page_loads_and_runs_nothing() {
    let html = page(&made_up::session());
    for outside in ["<script", "<link", "<iframe", "src=", "url(", "@import", "javascript:", "style=\""] {
        assert!(!html.contains(outside), "{outside}");
    }
    for (i, _) in html.match_indices("http") {
        let here = &html[i..(i + 40).min(html.len())];
        let known = ["http://www.w3.org/2000/svg", "http-equiv=", "https://check.example.org", "http/1"];
        assert!(known.iter().any(|known| here.starts_with(known)), "{here}");
    }
}

#[test]
fn a_hundred_thousand_samples_make_no_large_page() {
    let mut made = MadeUp::empty("long");
    made_up::long(&mut made, 100_000);
    let html = page(&made);
    assert!(html.len() < 200_000, "{} bytes", html.len());
    assert!(text(&html).contains("100,000 samples"));
}

#[test]
fn figures_of_a_client_that_sent_none_come_from_its_samples() {
    let mut made = MadeUp::empty("gone");
    made_up::lossy(&mut made, 100);
    made.record.tests[0].summary = None;
    made.record.tests[0].outcome =
        Some(Outcome::Failed(Failure::new(Reason::Abandoned, "the client went away before the test ended")));
    let text = text(&page(&made));
    assert!(text.contains("11.0 % of 100 probes lost."), "{text}");
    assert!(text.contains("computed from the samples that arrived"), "{text}");
}

#[test]
fn samples_of_another_kind_harm_nothing() {
    let mut made = made_up::session();
    let pings: Vec<Sample> = made.samples.values().nth(1).cloned().unwrap_or_default();
    for samples in made.samples.values_mut() {
        samples.clone_from(&pings);
    }
    assert!(page(&made).contains("</html>"));
}
