//! One test's result in a sentence, for the overview and for its section. It names figures; it judges and blames
//! nothing, for that is the diagnosis's.

use cnc_model::ping::PingSummary;
use cnc_model::session::TestRecord;
use cnc_model::summary::Summary;
use cnc_model::system::SystemInfo;
use cnc_model::throughput::{Confidence, Direction, ThroughputSummary};
use cnc_model::trace::{HopSummary, TraceSummary};
use cnc_model::{Outcome, Reason, Test};

use super::reach;
use super::words::{NOT_MEASURED, capitalised, counted, destination, memory, ms, percent, rate, span, stopped};

/// How a test stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It ran to its end.
    Completed,
    /// It could not be measured, or not to its end.
    Failed,
    /// The client's policy forbade it.
    Refused,
    /// Someone stopped it.
    Stopped,
    /// It had begun and not ended when the report was made.
    Running,
    /// It never began.
    NotRun,
}

impl Standing {
    /// Gives how a test stands.
    pub(crate) fn of(test: &TestRecord) -> Self {
        match &test.outcome {
            Some(Outcome::Completed) => Self::Completed,
            Some(Outcome::Failed(failure)) if failure.reason == Reason::RefusedByPolicy => Self::Refused,
            Some(Outcome::Failed(_)) => Self::Failed,
            Some(Outcome::Cancelled) => Self::Stopped,
            None if test.started.is_some() => Self::Running,
            None => Self::NotRun,
        }
    }

    /// Gives the word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::NotRun => "not run",
        }
    }
}

/// Says in a sentence or two what came of a test.
pub(crate) fn sentence(test: &TestRecord, summary: Option<&Summary>) -> String {
    let measured = summary.map(|summary| figures(&test.what, summary));
    let so_far = |told: String| match &measured {
        Some(figures) => format!("{told} Until then: {figures}"),
        None => told,
    };
    match &test.outcome {
        Some(Outcome::Completed) => match measured {
            // A system's name is written as its makers do.
            Some(figures) if matches!(summary, Some(Summary::System(_))) => figures,
            Some(figures) => capitalised(&figures),
            None => format!("Completed, but its figures have not arrived: {NOT_MEASURED}."),
        },
        Some(Outcome::Failed(failure)) if failure.reason == Reason::RefusedByPolicy => {
            format!("Refused by the client’s own policy: {}", stopped(&failure.message))
        }
        Some(Outcome::Failed(failure)) => so_far(format!("Failed: {}", stopped(&failure.message))),
        Some(Outcome::Cancelled) => so_far("Stopped before its end.".into()),
        None if test.started.is_some() => so_far("Still running when this report was made.".into()),
        None => format!("Not run: {NOT_MEASURED}."),
    }
}

fn figures(test: &Test, summary: &Summary) -> String {
    match summary {
        Summary::Ping(ping) => ping_figures(&aim(test), ping),
        Summary::Trace(trace) => trace_figures(&aim(test), trace),
        Summary::Throughput(load) => throughput_figures(load),
        Summary::System(system) => system_figures(system),
        Summary::Mtu(mtu) => reach::mtu_sentence(&aim(test), mtu),
        Summary::Dns(dns) => reach::dns_sentence(dns),
        Summary::Http(http) => reach::http_sentence(http),
    }
}

/// Says of a test that the client ran by itself that it did, and when.
pub(crate) fn own_run(test: &TestRecord) -> Option<String> {
    let when = super::words::moment(test.issued);
    test.id.is_own().then(|| format!("Run by the device on its own while the listener was out of reach, at {when}."))
}

/// Names what a test is aimed at.
pub(crate) fn aim(test: &Test) -> String {
    match test {
        Test::System => "this computer".into(),
        Test::Ping(ping) => destination(&ping.destination),
        Test::Trace(trace) => destination(&trace.destination),
        Test::Download(load) | Test::Upload(load) => match &load.peer {
            cnc_model::test::ThroughputPeer::Listener => "the listener".into(),
            cnc_model::test::ThroughputPeer::Url(url) => url.clone(),
        },
        Test::Mtu(mtu) => destination(&mtu.destination),
        Test::Dns(dns) => dns.name.to_string(),
        Test::Http(http) => http.url.clone(),
    }
}

/// Names a test as a heading does: `Ping example.com`.
pub(crate) fn heading(test: &Test) -> String {
    let aim = aim(test);
    match test {
        Test::System => "System information".into(),
        Test::Ping(_) => format!("Ping {aim}"),
        Test::Trace(_) => format!("Path to {aim}"),
        Test::Download(_) => format!("Download from {aim}"),
        Test::Upload(_) => format!("Upload to {aim}"),
        Test::Mtu(_) => format!("Largest packet to {aim}"),
        Test::Dns(_) => format!("DNS for {aim}"),
        Test::Http(_) => format!("Request to {aim}"),
    }
}

fn ping_figures(to: &str, ping: &PingSummary) -> String {
    let Some(loss) = ping.loss_ratio else {
        return format!("{NOT_MEASURED}: no probe was sent to {to}.");
    };
    let probes = counted(ping.sent, "probe", "probes");
    match ping.rtt {
        Some(rtt) if ping.received == ping.sent => {
            format!("{} to {to} (median), none of {probes} lost.", ms(rtt.median))
        }
        Some(rtt) => format!("{} to {to} (median), {} of {probes} lost.", ms(rtt.median), percent(loss)),
        None if ping.unreachable == ping.sent => {
            format!("no reply from {to}: each of {probes} was answered as unreachable.")
        }
        None => format!("no reply from {to}: all of {probes} lost."),
    }
}

fn trace_figures(to: &str, trace: &TraceSummary) -> String {
    let answers: Vec<&HopSummary> = trace.hops.iter().filter(|hop| hop.received > 0).collect();
    let Some(last) = answers.last() else {
        return format!("no answer from {to} nor from any router before it.");
    };
    let distance = u64::from(last.ttl.get());
    let silent: Vec<_> =
        trace.hops.iter().filter(|hop| hop.received == 0 && hop.ttl < last.ttl).map(|hop| hop.ttl.get()).collect();
    let silence = match silent.as_slice() {
        [] => String::new(),
        [hop] => format!(" Hop {hop} stayed silent."),
        hops => format!(" {} on the way stayed silent.", counted(hops.len() as u64, "hop", "hops")),
    };
    let rtt = last.rtt.map_or_else(|| NOT_MEASURED.to_owned(), |rtt| ms(rtt.median));
    if trace.reached {
        format!("{} to {to}, which answered in {rtt} (median).{silence}", counted(distance, "hop", "hops"))
    } else {
        let who = last.addresses.first().map_or_else(String::new, |a| format!(" ({})", a.address));
        format!("no answer from {to}; the path is known as far as hop {distance}{who}.{silence}")
    }
}

fn throughput_figures(load: &ThroughputSummary) -> String {
    let way = match load.direction {
        Direction::Download => "down",
        Direction::Upload => "up",
    };
    if load.duration.is_zero() {
        return format!("{NOT_MEASURED}: no bytes were timed.");
    }
    let confidence = match load.confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    };
    match load.steady {
        Some(steady) => format!("{} {way}, steady, {confidence} confidence.", rate(steady)),
        None => format!(
            "{} {way} on average over {}; the rate never settled, {confidence} confidence.",
            rate(load.goodput),
            span(load.duration)
        ),
    }
}

fn system_figures(system: &SystemInfo) -> String {
    let mut parts = vec![os(system).unwrap_or_else(|| "Unknown operating system".into())];
    if let Some(cores) = system.cpu.cores {
        parts.push(counted(u64::from(cores), "core", "cores"));
    }
    if let Some(total) = system.memory.total_bytes {
        parts.push(format!("{} of memory", memory(total)));
    }
    stopped(&parts.join(", "))
}

/// Names the operating system, where it told.
pub(crate) fn os(system: &SystemInfo) -> Option<String> {
    match (&system.os_name, &system.os_version) {
        (Some(name), Some(version)) => Some(format!("{name} {version}")),
        (Some(name), None) => Some(name.clone()),
        (None, Some(version)) => Some(format!("version {version}")),
        (None, None) => None,
    }
}
