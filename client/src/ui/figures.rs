//! A test's figures in plain words. They describe and blame nobody. Pure.

use std::time::Duration;

use cnc_model::ping::PingSummary;
use cnc_model::responsiveness::Responsiveness;
use cnc_model::stats::RttSummary;
use cnc_model::throughput::{Confidence, Direction, StoppedBy, ThroughputSummary, Witness};
use cnc_model::trace::TraceSummary;
use cnc_model::{Failure, Outcome, Summary, Test};

use super::text::{bytes, clean, count, ms, percent, rate, span};
use super::{machine, path};

mod reach;
mod scores;

pub use scores::scores;

/// Says what a test is going to do, for the list of what the user agrees to.
#[must_use]
pub fn intention(test: &Test) -> String {
    use cnc_model::Destination;
    let whom = |destination: &Destination| match destination {
        Destination::Host(host) => clean(host.as_str()),
        Destination::Gateway => "your router".into(),
        Destination::Resolver => "your DNS server".into(),
        Destination::Listener => "the support server".into(),
    };
    match test {
        Test::System => "this computer: operating system, processor, memory, network interfaces and addresses".into(),
        Test::Ping(ping) => {
            format!("how long answers from {} take: {}", whom(&ping.destination), count(ping.count.into(), "probe"))
        }
        Test::Trace(trace) => format!("the path to {}: each router on the way", whom(&trace.destination)),
        Test::Download(load) => format!("how fast data comes from {}: {}", peer(load), at_most(load)),
        Test::Upload(load) => format!("how fast data goes to {}: {}", peer(load), at_most(load)),
        Test::Mtu(mtu) => format!("how large a packet to {} may be", whom(&mtu.destination)),
        Test::Dns(dns) => match &dns.server {
            None => format!("what your DNS servers answer when asked for {}", clean(dns.name.as_str())),
            Some(server) => format!("what {} answers when asked for {}", whom(server), clean(dns.name.as_str())),
        },
        Test::Http(http) => format!("how long a page of {} takes: one request", clean(&http.url)),
    }
}

fn peer(load: &cnc_model::test::ThroughputTest) -> String {
    match &load.peer {
        cnc_model::test::ThroughputPeer::Listener => "the support server".into(),
        cnc_model::test::ThroughputPeer::Url(url) => clean(url),
    }
}

fn at_most(load: &cnc_model::test::ThroughputTest) -> String {
    format!("for {}, at most {}", span(load.duration), bytes(load.max_bytes))
}

/// Says in one line how a test ended.
#[must_use]
pub fn ending(outcome: &Outcome, summary: Option<&Summary>) -> String {
    match (outcome, summary) {
        (Outcome::Failed(failure), _) => format!("failed: {}", clean(&failure.message)),
        (Outcome::Cancelled, None) => "stopped".into(),
        (Outcome::Cancelled, Some(summary)) => format!("stopped early: {}", gist(summary)),
        (Outcome::Completed, None) => "done".into(),
        (Outcome::Completed, Some(summary)) => gist(summary),
    }
}

/// Gives a summary's most important figures in one line.
fn gist(summary: &Summary) -> String {
    match summary {
        Summary::Ping(ping) => match (&ping.rtt, ping.loss_ratio) {
            (Some(rtt), Some(0.0)) => format!("{} typical, nothing lost", ms(rtt.median)),
            (Some(rtt), Some(loss)) => format!("{} typical, {} lost", ms(rtt.median), percent(loss)),
            (None, Some(_)) if ping.unreachable > 0 => "unreachable, as a router or the host itself says".into(),
            (None, Some(_)) => "no answer".into(),
            (_, None) => "nothing was sent".into(),
        },
        Summary::Trace(trace) => {
            let hops = count(trace.hops.len() as u64, "hop");
            if trace.reached { format!("reached, {hops}") } else { format!("not reached, {hops} seen") }
        }
        Summary::Throughput(load) => rate(load.steady.unwrap_or(load.goodput)),
        Summary::System(info) => machine::gist(info),
        Summary::Mtu(mtu) => reach::mtu_gist(mtu),
        Summary::Dns(dns) => reach::dns_gist(dns),
        Summary::Http(http) => reach::http_gist(http),
    }
}

/// Gives all figures of a summary, a line each.
#[must_use]
pub fn lines(summary: &Summary) -> Vec<String> {
    match summary {
        Summary::Ping(ping) => self::ping(ping),
        Summary::Trace(trace) => self::trace(trace),
        Summary::Throughput(load) => throughput(load),
        Summary::System(info) => machine::lines(info),
        Summary::Mtu(mtu) => reach::mtu(mtu),
        Summary::Dns(dns) => reach::dns(dns),
        Summary::Http(http) => reach::http(http),
    }
}

/// Gives a ping's figures.
#[must_use]
pub fn ping(ping: &PingSummary) -> Vec<String> {
    let PingSummary {
        measured, sent, received, loss_ratio, late, duplicates, reordered, unreachable, not_sent, ..
    } = ping;
    let loss = loss_ratio.map_or("nothing was sent".into(), |loss| format!("{} lost", percent(loss)));
    let mut lines = vec![format!("Probes      {sent} sent, {received} answered, {loss}")];
    if let Some(rtt) = &ping.rtt {
        lines.extend(round_trip(rtt));
    }
    if let (Some(jitter), Some(pdv)) = (ping.jitter, ping.pdv) {
        lines.push(format!("Jitter      {} from one answer to the next, {} between best and p95", ms(jitter), ms(pdv)));
    }
    let also: Vec<_> = [
        (*unreachable, "reported as unreachable"),
        (*late, "answered too late"),
        (*duplicates, "answered twice"),
        (*reordered, "overtaken by a later one"),
        (*not_sent, "could not be sent"),
        (measured.shed, "seen but not recorded"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if !also.is_empty() {
        lines.push(format!("Also        {}", also.join(", ")));
    }
    lines
}

fn round_trip(rtt: &RttSummary) -> [String; 2] {
    let RttSummary { min, mean, median, p90: _, p95, p99, max, stddev: _ } = *rtt;
    [
        format!("Round trip  {} typical (median), {} on average, {} to {}", ms(median), ms(mean), ms(min), ms(max)),
        format!("            95 in 100 within {}, 99 in 100 within {}", ms(p95), ms(p99)),
    ]
}

fn trace(trace: &TraceSummary) -> Vec<String> {
    let mut lines = path::table(trace);
    lines.push(arrival(trace));
    lines
}

/// Says whether a trace arrived.
#[must_use]
pub fn arrival(trace: &TraceSummary) -> String {
    let answering = trace.hops.iter().filter(|hop| hop.received > 0).count() as u64;
    let rounds = count(trace.rounds, "round");
    if trace.reached {
        format!("The destination answered, {} away. {rounds}.", count(trace.hops.len() as u64, "hop"))
    } else {
        format!("The destination did not answer; {} on the way did. {rounds}.", count(answering, "router"))
    }
}

/// Gives a download's or upload's figures.
#[must_use]
pub fn throughput(load: &ThroughputSummary) -> Vec<String> {
    let name = match load.direction {
        Direction::Download => "Download",
        Direction::Upload => "Upload",
    };
    let mut lines = vec![match load.steady {
        Some(steady) => format!("{name:<10}  {} once steady, {} over the whole time", rate(steady), rate(load.goodput)),
        None => format!("{name:<10}  {} over the whole time; it never became steady", rate(load.goodput)),
    }];
    let flows = count(load.flows.into(), "connection");
    lines.push(format!(
        "            {} in {} over {flows}; ended because {}",
        bytes(load.bytes),
        span(Duration::from_millis(u64::try_from(load.duration.as_millis()).unwrap_or(u64::MAX))),
        because(load.stopped_by)
    ));
    let sure = match load.confidence {
        Confidence::Low => "low: the rate kept changing",
        Confidence::Medium => "medium: the rate was steady only for a short time or by and large",
        Confidence::High => "high: the rate stayed steady",
    };
    lines.push(format!("            Confidence {sure}"));
    if load.ends_disagree() == Some(true) {
        lines.push("            The two ends' counts differ by more than 5 %".into());
    }
    if let Some(listener) = &load.listener {
        lines.extend(witness(load.direction, listener).map(|line| format!("            {line}")));
    }
    match (load.idle_rtt, load.loaded_rtt) {
        (Some(idle), Some(loaded)) => {
            lines.push(format!("Round trip  {} before, {} during the load", ms(idle), ms(loaded)));
        }
        (None, Some(loaded)) => lines.push(format!("Round trip  {} during the load", ms(loaded))),
        (Some(idle), None) => lines.push(format!("Round trip  {} before the load", ms(idle))),
        (None, None) => {}
    }
    if let (Some(added), Some(grade)) = (load.added_rtt, load.bufferbloat()) {
        lines.push(format!("            The load adds {}: bufferbloat grade {grade}", ms(added)));
    }
    if let Some(Responsiveness { rpm, .. }) = load.responsiveness {
        let word = rpm.word();
        lines.push(format!("            It leaves {rpm} round trips a minute to everything else (RPM): {word}"));
    }
    lines
}

/// A share of time below this is nothing that people should know of.
const WORTH_SAYING: f64 = 0.01;

/// Says what the listener saw that people should know of.
fn witness(direction: Direction, listener: &Witness) -> impl Iterator<Item = String> {
    let Witness { tcp, contended, waited, .. } = listener;
    // The listener sends in a download alone.
    let limited = tcp.and_then(|tcp| tcp.receiver_share()).filter(|_| direction == Direction::Download);
    let limited = limited.filter(|share| *share >= WORTH_SAYING);
    let waited = (waited.as_millis() > 100).then(|| format!("It waited {} for its turn", span(*waited)));
    let contended = (*contended == Some(true)).then(|| "Others measured meanwhile: take this with care".to_owned());
    let limited = limited.map(|share| format!("This device was the limit {} of the time", percent(share)));
    [waited, contended, limited].into_iter().flatten()
}

const fn because(stopped_by: StoppedBy) -> &'static str {
    match stopped_by {
        StoppedBy::Duration => "the time was over",
        StoppedBy::Bytes => "the byte limit was reached",
        StoppedBy::End => "the file was complete",
        StoppedBy::Cancelled => "it was stopped",
        StoppedBy::Broken => "the connections broke off",
        StoppedBy::Stable => "the rate stayed the same",
    }
}

/// Gives a failure's words: what happened, and what would help.
#[must_use]
pub fn failure(failure: &Failure) -> Vec<String> {
    let mut lines = vec![clean(&failure.message)];
    lines.extend(failure.hint.as_deref().map(|hint| format!("What would help: {}", clean(hint))));
    lines
}

#[cfg(test)]
mod tests;
