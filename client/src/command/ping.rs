//! `cnc ping`: round-trip time and loss, a line each probe, and the figures at the end.

use std::num::NonZeroU16;

use cnc_model::ping::{Pacing, PingOutcome, PingSample, PingSummary};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Failure, Outcome, Sample, Summary};
use cnc_proto::json;

use super::{tell_failure, unread, wrong_usage};
use crate::cli::PingArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::runner::aim::{Landmarks, Target, aim};
use crate::runner::measure::{Job, Measurement, Seen, measure};
use crate::ui::text::{clean, count, span};
use crate::ui::{Ui, figures, json_line, ping_fate};

pub(super) async fn run(ui: &Ui, args: &PingArgs) -> Exit {
    let as_json = args.output.json;
    let test = match args.test() {
        Ok(test) => test,
        Err(error) => return wrong_usage(ui, as_json, &error.to_string()),
    };
    let (cancel, _listening) = interrupt::token();
    let aimed = cancel.run_until_cancelled(aim(&test.destination, test.family, &Landmarks::default(), None)).await;
    let target = match aimed {
        Some(Ok(target)) => target,
        Some(Err(failure)) => return tell_failure(ui, as_json, &failure),
        None => return Exit::Interrupted,
    };
    if !as_json {
        ui.heading(&announcement(&test, &target));
    }
    let udp = match test.protocol {
        PingProtocol::Udp(port) => Some(port),
        PingProtocol::Icmp | PingProtocol::Tcp(_) => None,
    };
    let job = Job::Ping(test, target.clone(), None);
    let Measurement { outcome, summary } = measure(job, &cancel, |seen| show(ui, as_json, seen)).await;
    if let Some(summary) = &summary {
        conclude(ui, as_json, &target, summary);
        if let (Some(port), Summary::Ping(PingSummary { received: 0, .. }), false) = (udp, summary, as_json) {
            ui.aside(&silence(port));
        }
    }
    match (outcome, summary) {
        (Outcome::Failed(failure), _) => tell_failure(ui, as_json, &failure),
        (Outcome::Cancelled, _) => Exit::Interrupted,
        (Outcome::Completed, Some(Summary::Ping(ping))) if ping.received > 0 => Exit::Measured,
        (Outcome::Completed, _) => Exit::NoAnswer,
    }
}

/// Gives the target as people read it: a name with its address, or the address alone.
pub(super) fn named(target: &Target) -> String {
    let address = target.address.to_string();
    if target.host == address { address } else { format!("{} ({address})", clean(&target.host)) }
}

/// Says what no answer by UDP means, which is not what it means by ICMP.
fn silence(port: NonZeroU16) -> String {
    format!(
        "Nothing came back from UDP port {port}. That alone is no loss: few hosts give datagrams back, and a listener \
         does so only for tests of its own sessions (`cnc run`)."
    )
}

fn announcement(test: &PingTest, target: &Target) -> String {
    let means = match test.protocol {
        PingProtocol::Icmp => String::new(),
        PingProtocol::Tcp(port) => format!(" by TCP to port {port}"),
        PingProtocol::Udp(port) => format!(" by UDP to port {port}"),
    };
    let probes = count(test.count.into(), "probe");
    let pace = match test.pacing {
        Pacing::Fixed => "one every",
        Pacing::Poisson => "at random, about one every",
    };
    format!("Ping {}{means}: {probes}, {pace} {}. Ctrl-C stops.", named(target), span(test.interval))
}

fn show(ui: &Ui, as_json: bool, seen: Seen<'_>) -> Result<(), Failure> {
    let Seen::Sample(sample) = seen else { return Ok(()) };
    if as_json {
        return json_line(&json::sample(sample)).map_err(unread);
    }
    if let Sample::Ping(PingSample { seq, outcome, .. }) = sample {
        let further = match outcome {
            PingOutcome::Reply(reply) => reply.ttl.map(|ttl| format!("   TTL {ttl}")).unwrap_or_default(),
            PingOutcome::Lost | PingOutcome::Late(_) | PingOutcome::Unreachable { .. } | PingOutcome::NotSent => {
                String::new()
            }
        };
        ui.line(&format!("{:>5}  {:>9}{further}", u64::from(*seq) + 1, ping_fate(outcome)));
    }
    Ok(())
}

fn conclude(ui: &Ui, as_json: bool, target: &Target, summary: &Summary) {
    if as_json {
        // A closed output is noticed by whoever closed it.
        json_line(&json::summary(summary)).ok();
        return;
    }
    ui.gap();
    ui.heading(&named(target));
    ui.indented(&figures::lines(summary));
}
