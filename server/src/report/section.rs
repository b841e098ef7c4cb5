//! One test's part of the page: heading, how it stands, the result in a sentence, its picture, its figures, and how
//! it was measured.

use cnc_model::session::TestRecord;
use cnc_model::summary::{Measured, Summary};
use cnc_model::system::SystemInfo;
use cnc_model::{Outcome, Sample};
use maud::{Markup, PreEscaped, html};

use super::partial::Shown;
use super::picture::{self, Picture};
use super::sentence::{Standing, aim, heading, own_run, sentence};
use super::words::{NOT_MEASURED, counted, data, period, ping_protocol, setting, stopped, time_of_day, trace_protocol};
use super::{figures, machine, reach};

/// Writes the section of one test. `described` is the machine that the page has described already.
pub(crate) fn section(shown: &Shown<'_>, described: Option<&SystemInfo>) -> Markup {
    let (test, summary) = (shown.test, shown.summary());
    let standing = Standing::of(test);
    html! {
        section class="test" id={ "test-" (test.id) } aria-labelledby={ "test-" (test.id) "-title" } {
            h3 id={ "test-" (test.id) "-title" } {
                @if !test.id.is_own() { span class="number" { (test.id) "." } " " }
                (heading(&test.what)) " " (badge(standing))
            }
            p class="result" { (sentence(test, summary)) }
            (hint(test))
            @if let Some(own) = own_run(test) { p class="note" { (own) } }
            @if shown.computed.is_some() {
                p class="note" { "The client sent no figures of its own: these are computed from the samples that arrived." }
            }
            (body(shown, described))
            (how(test, summary))
        }
    }
}

/// Writes how a test stands, as a small mark beside its name.
pub(crate) fn badge(standing: Standing) -> Markup {
    let class = match standing {
        Standing::Completed => "badge",
        Standing::Failed | Standing::Refused => "badge trouble",
        Standing::Stopped | Standing::Running | Standing::NotRun => "badge open",
    };
    html! { span class=(class) { (standing.word()) } }
}

fn hint(test: &TestRecord) -> Markup {
    let hint = match &test.outcome {
        Some(Outcome::Failed(failure)) => failure.hint.as_deref(),
        Some(Outcome::Completed | Outcome::Cancelled) | None => None,
    };
    html! {
        @if let Some(hint) = hint {
            p class="hint" { strong { "What would help: " } (stopped(hint)) }
        }
    }
}

fn body(shown: &Shown<'_>, described: Option<&SystemInfo>) -> Markup {
    let (test, samples) = (shown.test, shown.samples);
    match shown.summary() {
        Some(Summary::Ping(ping)) => {
            let samples: Vec<_> = samples.iter().filter_map(as_ping).collect();
            html! {
                (figure(picture::ping::picture(&samples, Some(ping)).as_ref(), &figures::drawn_from(&samples)))
                (figures::ping(ping))
            }
        }
        Some(Summary::Trace(trace)) => html! {
            (figure(picture::trace::picture(trace, &aim(&test.what)).as_ref(), figures::path_note(trace)))
            (figures::trace(trace, samples))
        },
        Some(Summary::Throughput(load)) => {
            let samples: Vec<_> = samples.iter().filter_map(as_throughput).collect();
            html! {
                (figure(picture::throughput::picture(&samples, Some(load)).as_ref(), "Counted where the bytes arrived."))
                (figures::throughput(load))
            }
        }
        Some(Summary::System(system)) if described.is_some_and(|shown| std::ptr::eq(shown, system)) => html! {
            p { a href="#computer" { "See the client’s computer, above." } }
        },
        Some(Summary::System(system)) => machine::machine(system),
        Some(Summary::Mtu(mtu)) => reach::mtu(mtu),
        Some(Summary::Dns(dns)) => reach::dns(dns),
        Some(Summary::Http(http)) => reach::http(http),
        None => html! {},
    }
}

fn as_ping(sample: &Sample) -> Option<cnc_model::ping::PingSample> {
    match sample {
        Sample::Ping(ping) => Some(*ping),
        Sample::Hop(_) | Sample::Throughput(_) => None,
    }
}

fn as_throughput(sample: &Sample) -> Option<cnc_model::throughput::ThroughputSample> {
    match sample {
        Sample::Throughput(load) => Some(*load),
        Sample::Ping(_) | Sample::Hop(_) => None,
    }
}

/// Sets a picture with its words; both forms are the same picture, and only one is ever shown.
fn figure(picture: Option<&Picture>, caption: &str) -> Markup {
    html! {
        @if let Some(picture) = picture {
            figure {
                div role="img" aria-label=(picture.alt) {
                    div class="wide" { (PreEscaped(&picture.wide)) }
                    div class="narrow" { (PreEscaped(&picture.narrow)) }
                }
                @if !caption.is_empty() { figcaption { (caption) } }
            }
        } @else {
            p class="note" { "No picture: no samples were stored." }
        }
    }
}

/// Says how a test was measured, when and at whose asking.
fn how(test: &TestRecord, summary: Option<&Summary>) -> Markup {
    let mut parts = Vec::new();
    if let Some(measured) = summary.and_then(Summary::measured) {
        parts.extend(method(measured));
    }
    parts.extend(parameters(test));
    match (test.started, test.ended) {
        (Some(from), Some(to)) => parts.push(period(from, to)),
        (Some(from), None) => parts.push(format!("began at {} UTC", time_of_day(from))),
        (None, _) => {}
    }
    if !test.id.is_own() {
        parts.push(format!("asked for by {}", test.issued_by));
    }
    let shed = summary.and_then(Summary::measured).map_or(0, |measured| measured.shed);
    html! {
        p class="how" { (parts.join(" · ")) }
        @if shed > 0 {
            p class="note" {
                (counted(shed, "sample was", "samples were")) " dropped while measuring because nobody took them in time."
            }
        }
    }
}

fn method(measured: &Measured) -> Vec<String> {
    let Measured { host: _, address, method, engine, shed: _ } = measured;
    let address = address.map_or_else(|| format!("address {NOT_MEASURED}"), |address| format!("address {address}"));
    let by = if engine.is_empty() { format!("method {method}") } else { format!("method {method} by {engine}") };
    vec![address, by]
}

fn parameters(test: &TestRecord) -> Vec<String> {
    use cnc_model::Test;
    match &test.what {
        Test::System | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => vec![],
        Test::Ping(ping) => vec![
            ping_protocol(ping.protocol),
            format!("{}, one every {}", counted(u64::from(ping.count), "probe", "probes"), setting(ping.interval)),
            format!("lost after {}", setting(ping.timeout)),
        ],
        Test::Trace(trace) => {
            vec![trace_protocol(trace.protocol), counted(u64::from(trace.rounds), "round", "rounds")]
        }
        Test::Download(load) | Test::Upload(load) => {
            vec![format!("at most {} and {}", setting(load.duration), data(load.max_bytes))]
        }
    }
}
