//! The tables of figures, one for each kind of test. What was not measured says so.

use std::time::Duration;

use cnc_model::Sample;
use cnc_model::ping::{Clock, PingOutcome, PingSample, PingSummary};
use cnc_model::responsiveness::Responsiveness;
use cnc_model::stats::RttSummary;
use cnc_model::throughput::{Confidence, StoppedBy, ThroughputSummary};
use cnc_model::trace::{HopOutcome, HopSummary, TraceSummary};
use maud::{Markup, html};

use super::picture::trace::loss;
use super::witness;
use super::words::{NOT_MEASURED, count, counted, data, ms, percent, rate, span};

/// Writes a table of names and values; figures that are not there are greyed.
pub(crate) fn table(caption: &str, rows: &[(&str, String)]) -> Markup {
    html! {
        table class="pairs" {
            caption { (caption) }
            tbody {
                @for (name, value) in rows {
                    tr {
                        th scope="row" { (name) }
                        td class=[value.starts_with(NOT_MEASURED).then_some("absent")] { (value) }
                    }
                }
            }
        }
    }
}

fn or_not(time: Option<Duration>) -> String {
    time.map_or_else(|| NOT_MEASURED.into(), ms)
}

/// Writes a ping's figures.
pub(crate) fn ping(ping: &PingSummary) -> Markup {
    let unanswered = ping.sent.saturating_sub(ping.received);
    let lost = ping.loss_ratio.map_or_else(
        || NOT_MEASURED.into(),
        |ratio| format!("{} ({} of {})", percent(ratio), count(unanswered), count(ping.sent)),
    );
    let mut probes = vec![("Sent", count(ping.sent)), ("Answered in time", count(ping.received)), ("Lost", lost)];
    let extras = [
        ("Answered late", ping.late, " of the lost"),
        ("Unreachable", ping.unreachable, " of the lost"),
        ("Answered twice", ping.duplicates, ""),
        ("Out of order", ping.reordered, ""),
        ("Could not be sent", ping.not_sent, ""),
    ];
    probes
        .extend(extras.into_iter().filter(|(_, n, _)| *n > 0).map(|(name, n, of)| (name, format!("{}{of}", count(n)))));
    let rtt = |pick: fn(&RttSummary) -> Duration| or_not(ping.rtt.as_ref().map(pick));
    probes.push(("Jitter", or_not(ping.jitter)));
    probes.push(("Delay variation", or_not(ping.pdv)));
    let times = [
        ("Least", rtt(|r| r.min)),
        ("Median", rtt(|r| r.median)),
        ("Mean", rtt(|r| r.mean)),
        ("95th percentile", rtt(|r| r.p95)),
        ("99th percentile", rtt(|r| r.p99)),
        ("Greatest", rtt(|r| r.max)),
    ];
    html! { div class="tables" { (table("Probes", &probes)) (table("Round-trip time", &times)) } }
}

/// Says what a ping's picture was drawn from, and by whose clock.
pub(crate) fn drawn_from(samples: &[PingSample]) -> String {
    let mut clocks = samples.iter().filter_map(|sample| match sample.outcome {
        PingOutcome::Reply(reply) => Some(reply.clock),
        PingOutcome::Lost | PingOutcome::Late(_) | PingOutcome::Unreachable { .. } | PingOutcome::NotSent => None,
    });
    let clock = match (clocks.next(), clocks.any(|c| c == Clock::User)) {
        (None, _) => "",
        (Some(Clock::Kernel), false) => " Times are the kernel’s.",
        (Some(Clock::Kernel | Clock::User), _) => " Times are the program’s, with its scheduling delays in them.",
    };
    let thinned = if samples.len() > 600 {
        " Drawn as the least and the greatest of each column; no loss is left out."
    } else {
        ""
    };
    format!("{}.{clock}{thinned}", counted(samples.len() as u64, "sample", "samples"))
}

/// Explains the star, where a star is shown.
pub(crate) fn path_note(trace: &TraceSummary) -> &'static str {
    let starred = trace.hops.iter().any(|hop| hop.received > 0 && hop.received < hop.sent && !hop.loss_persists);
    if starred {
        "The dot is the median, the bar reaches from the least to the 95th percentile. * Greyed: the hops behind it \
         do not show this loss, so it is that router’s own limit on its answers, not loss on the path."
    } else {
        "The dot is the median, the bar reaches from the least to the 95th percentile."
    }
}

/// Writes a path's figures, one row for each hop.
pub(crate) fn trace(trace: &TraceSummary, samples: &[Sample]) -> Markup {
    let last = trace.hops.len().saturating_sub(1);
    html! {
        div class="scroll" role="region" aria-label="Path, hop by hop" tabindex="0" {
            table class="grid path" {
                caption { "Path, hop by hop, over " (counted(trace.rounds, "round", "rounds")) }
                thead {
                    tr {
                        th scope="col" { "Hop" }
                        th scope="col" { "Answered by" }
                        th scope="col" class="n" { "Loss" }
                        th scope="col" class="n" { "Median" }
                        th scope="col" class="n" { "Least" }
                        th scope="col" class="n" { "95th pct." }
                        th scope="col" class="n" { "Greatest" }
                    }
                }
                tbody {
                    @for (i, hop) in trace.hops.iter().enumerate() { (hop_row(hop, i == last && !trace.reached)) }
                }
            }
        }
        @if let Some(words) = refused_at(trace, samples) { p class="note" { (words) } }
    }
}

fn hop_row(hop: &HopSummary, open_end: bool) -> Markup {
    let time = |pick: fn(&RttSummary) -> Duration| hop.rtt.as_ref().map(pick).map_or_else(|| "–".into(), ms);
    let lost = hop.received > 0 && hop.received < hop.sent;
    let greyed = hop.received == 0 || (lost && !hop.loss_persists);
    html! {
        tr {
            th scope="row" { (hop.ttl) }
            td class="who" {
                @if hop.addresses.is_empty() {
                    span class="absent" {
                        @if open_end { "no answer from here on" } @else { "no answer: unknown" }
                    }
                }
                @for at in &hop.addresses {
                    div {
                        @if let Some(name) = &at.name { (name) " " span class="address" { (at.address) } }
                        @else { (at.address) }
                    }
                }
            }
            td class={ "n" @if greyed { " absent" } } {
                (loss(hop))
                @if lost { span class="of" { " " (count(hop.sent - hop.received)) "\u{a0}of\u{a0}" (count(hop.sent)) } }
            }
            td class={ "n" @if hop.rtt.is_none() { " absent" } } { (time(|r| r.median)) }
            td class={ "n" @if hop.rtt.is_none() { " absent" } } { (time(|r| r.min)) }
            td class={ "n" @if hop.rtt.is_none() { " absent" } } { (time(|r| r.p95)) }
            td class={ "n" @if hop.rtt.is_none() { " absent" } } { (time(|r| r.max)) }
        }
    }
}

/// Says who called the destination unreachable, where someone did.
fn refused_at(trace: &TraceSummary, samples: &[Sample]) -> Option<String> {
    let by = samples.iter().find_map(|sample| match sample {
        Sample::Hop(hop) => match hop.outcome {
            HopOutcome::Unreachable(reply) => Some((hop.ttl, reply.address)),
            HopOutcome::Hop(_) | HopOutcome::Silent | HopOutcome::Destination(_) => None,
        },
        Sample::Ping(_) | Sample::Throughput(_) => None,
    });
    let (ttl, address) = by.filter(|_| !trace.reached)?;
    Some(format!("{address}, at hop {ttl}, answered that the destination cannot be reached: the path ends there."))
}

/// Words how much a load leaves to everything else.
fn responsiveness(load: &ThroughputSummary) -> String {
    let told = |Responsiveness { rpm, .. }| format!("{rpm} (RPM): {}", rpm.word());
    load.responsiveness.map_or_else(|| NOT_MEASURED.into(), told)
}

/// Writes what that is made of.
fn probes(found: &Responsiveness) -> Markup {
    let Responsiveness { rpm: _, began, tcp, tls, http_new, http_loaded, new_probes, loaded_probes } = *found;
    let mut times = vec![("New: TCP", ms(tcp))];
    times.extend(tls.map(|tls| ("New: TLS", ms(tls))));
    times.push(("New: request", ms(http_new)));
    times.push(("Loaded: request", ms(http_loaded)));
    let asked = [
        ("Asked from", format!("{} on", span(began))),
        ("Answered on new", count(new_probes)),
        ("Answered on loaded", count(loaded_probes)),
    ];
    html! {
        div class="tables" {
            (table("Round trips on a full line, by connection", &times))
            (table("How they were asked for", &asked))
        }
    }
}

/// Writes a download's or upload's figures.
pub(crate) fn throughput(load: &ThroughputSummary) -> Markup {
    let steady = load.steady.map_or_else(|| format!("{NOT_MEASURED}: the rate never settled"), rate);
    let confidence = match load.confidence {
        Confidence::Low => "low: the rate never settled",
        Confidence::Medium => "medium: settled, but briefly or with spikes",
        Confidence::High => "high: settled and stayed",
    };
    let stopped = match load.stopped_by {
        StoppedBy::Duration => "its time was over",
        StoppedBy::Bytes => "it had moved as much as it may",
        StoppedBy::End => "the sender had no more",
        StoppedBy::Cancelled => "it was stopped",
        StoppedBy::Broken => "the connections broke off",
        StoppedBy::Stable => "its rate had stayed the same for three seconds",
    };
    let timed = !load.duration.is_zero();
    let rates = [
        ("Steady state", steady),
        ("Whole-run mean", if timed { rate(load.goodput) } else { NOT_MEASURED.into() }),
        ("Confidence", confidence.into()),
        ("Idle round trip", or_not(load.idle_rtt)),
        ("Loaded round trip", or_not(load.loaded_rtt)),
        ("Added by the load", or_not(load.added_rtt)),
        ("Round trips a minute", responsiveness(load)),
        ("Bufferbloat", load.bufferbloat().map_or_else(|| NOT_MEASURED.into(), |grade| format!("grade {grade}"))),
    ];
    let amounts = [
        ("Bytes that arrived", data(load.bytes)),
        ("Bytes sent", load.sender_bytes.map_or_else(|| NOT_MEASURED.into(), data)),
        ("Duration", span(load.duration)),
        ("Connections", count(load.flows)),
        ("Ended because", stopped.into()),
    ];
    html! {
        div class="tables" { (table("Rate", &rates)) (table("Amount", &amounts)) }
        @if let Some(found) = &load.responsiveness { (probes(found)) }
        (witness::witness(load))
        @if load.ends_disagree() == Some(true) {
            p class="note" { "The two ends’ counts differ by more than 5 %: take these figures with care." }
        }
    }
}
