//! `cnc trace`: the path as a table that grows in place on a terminal.

use std::time::Duration;

use cnc_model::summary::Measured;
use cnc_model::test::{TraceProtocol, TraceTest};
use cnc_model::trace::TraceFold;
use cnc_model::{Failure, Outcome, Sample, Summary};
use cnc_probe::Engine;
use cnc_proto::json;

use super::ping::named;
use super::{tell_failure, unread, wrong_usage};
use crate::cli::TraceArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::runner::aim::{Landmarks, Target, aim};
use crate::runner::measure::{Job, Measurement, Seen, measure};
use crate::ui::text::count;
use crate::ui::{Live, Ui, figures, json_line, path_table};

pub(super) async fn run(ui: &Ui, args: &TraceArgs) -> Exit {
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
    let mut table = Table { live: Live::new(ui), fold: TraceFold::default() };
    let job = Job::Trace(test.clone(), target);
    let Measurement { outcome, summary } = measure(job, &cancel, |seen| match seen {
        Seen::Sample(sample) if as_json => json_line(&json::sample(sample)).map_err(unread),
        Seen::Name(..) | Seen::Pause | Seen::Waiting(_) if as_json => Ok(()),
        seen @ (Seen::Sample(_) | Seen::Name(..) | Seen::Pause | Seen::Waiting(_)) => table.show(seen),
    })
    .await;
    if let Some(summary) = &summary {
        conclude(ui, as_json, table.live, &test, summary);
    }
    match (outcome, summary) {
        (Outcome::Failed(failure), _) => tell_failure(ui, as_json, &failure),
        (Outcome::Cancelled, _) => Exit::Interrupted,
        (Outcome::Completed, Some(Summary::Trace(trace))) if trace.reached => Exit::Measured,
        (Outcome::Completed, _) => Exit::NoAnswer,
    }
}

fn announcement(test: &TraceTest, target: &Target) -> String {
    let means = match test.protocol {
        TraceProtocol::Icmp => "ICMP".to_owned(),
        TraceProtocol::Udp(None) => "UDP".to_owned(),
        TraceProtocol::Udp(Some(port)) => format!("UDP to port {port}"),
        TraceProtocol::Tcp(port) => format!("TCP to port {port}"),
    };
    let rounds = count(test.rounds.into(), "round");
    format!("Path to {} by {means}, {rounds}, at most {} hops. Ctrl-C stops.", named(target), test.max_hops)
}

/// The table while it grows.
struct Table {
    live: Live,
    fold: TraceFold,
}

impl Table {
    #[expect(clippy::unnecessary_wraps, reason = "what sees samples may fail; a screen does not")]
    fn show(&mut self, seen: Seen<'_>) -> Result<(), Failure> {
        match seen {
            Seen::Sample(Sample::Hop(sample)) => self.fold.observe(sample),
            Seen::Sample(Sample::Ping(_) | Sample::Throughput(_)) | Seen::Waiting(_) => {}
            Seen::Name(address, name) => self.fold.name(address, name.to_owned()),
            Seen::Pause => self.live.draw(|| path_table(&self.fold.summary(Measured::default()))),
        }
        Ok(())
    }
}

/// Between answers to one source, routers and hosts often let this much time pass.
const USUAL_LIMIT: Duration = Duration::from_secs(1);

fn conclude(ui: &Ui, as_json: bool, live: Live, test: &TraceTest, summary: &Summary) {
    let Summary::Trace(trace) = summary else { return };
    if as_json {
        // A closed output is noticed by whoever closed it.
        json_line(&json::summary(summary)).ok();
        return;
    }
    live.finish(&path_table(trace));
    ui.gap();
    ui.line(&figures::arrival(trace));
    if test.protocol == TraceProtocol::Icmp && trace.measured.engine == Engine::UdpErrorQueue.name() {
        ui.aside("ICMP is not permitted to you here, so the path was found by UDP.");
    }
    let is_lossy = trace.hops.iter().any(|hop| hop.loss_ratio.is_some_and(|loss| loss > 0.0) && hop.received > 0);
    if is_lossy && test.rounds > 1 && test.interval < USUAL_LIMIT {
        ui.aside("Many routers answer once a second at the most: loss may be their limit. Try again with -i 1s.");
    }
    if trace
        .hops
        .iter()
        .any(|hop| !hop.loss_persists && hop.loss_ratio.is_some_and(|loss| loss > 0.0) && hop.received > 0)
    {
        ui.aside("Loss in brackets is not passed on to later hops: that router only limits its own answers.");
    }
}
