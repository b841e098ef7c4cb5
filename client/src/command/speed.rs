//! `cnc speed`: how fast data comes and goes, with a bar while it does.

use std::sync::Arc;

use cnc_model::throughput::{Direction, ThroughputSummary};
use cnc_model::{Failure, Family, Outcome, Sample, Summary, TestId};
use cnc_probe::throughput::{Endpoint, SpeedTarget};
use cnc_proto::json;
use tokio_util::sync::CancellationToken;

use super::{tell_failure, unread, wrong_usage};
use crate::cli::{SpeedArgs, Way};
use crate::exit::Exit;
use crate::interrupt;
use crate::proxy;
use crate::runner::measure::{Job, Measurement, Seen, measure};
use crate::tls::{HTTP_1_1, Trust};
use crate::ui::text::clean;
use crate::ui::{Board, Ui, figures, json_line};

pub(super) async fn run(ui: &Ui, args: &SpeedArgs) -> Exit {
    let as_json = args.output.json;
    let (way, target) = match prepare(args).await {
        Ok(prepared) => prepared,
        Err(message) => return wrong_usage(ui, as_json, &message),
    };
    let (cancel, _listening) = interrupt::token();
    if !as_json {
        let by = target.proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        ui.heading(&format!("Speed against {}{by}. Ctrl-C stops.", clean(&args.url)));
    }
    let mut run = Run { ui, args, target, cancel, board: Board::new(ui), download: None, upload: None };
    let mut exit = Exit::Measured;
    for &direction in way.directions() {
        exit = run.one(direction).await;
        if exit != Exit::Measured {
            break;
        }
    }
    run.conclude();
    exit
}

/// Holds the command line against what can be measured.
async fn prepare(args: &SpeedArgs) -> Result<(Way, SpeedTarget), String> {
    args.test().map_err(|error| error.to_string())?;
    let endpoint = Endpoint::of_url(&args.url);
    let way = match (endpoint, args.direction) {
        (Endpoint::Listener, None) => Way::Both,
        (Endpoint::File, None) => Way::Download,
        (Endpoint::File, Some(Way::Upload | Way::Both)) => {
            return Err("a file can only be downloaded; an upload needs a listener's URL, which has no path".into());
        }
        (_, Some(way)) => way,
    };
    let trust = Trust::new(args.ca.as_deref()).map_err(|error| error.to_string())?;
    let target = SpeedTarget {
        url: args.url.clone(),
        endpoint,
        token: None,
        family: Family::Any,
        tls: trust.config(HTTP_1_1),
        proxy: proxy::for_url(&args.url).await?,
        // What the user types is theirs to decide.
        admit: Arc::new(|_| true),
        waiting: None,
    };
    Ok((way, target))
}

struct Run<'a> {
    ui: &'a Ui,
    args: &'a SpeedArgs,
    target: SpeedTarget,
    cancel: CancellationToken,
    board: Board,
    download: Option<ThroughputSummary>,
    upload: Option<ThroughputSummary>,
}

impl Run<'_> {
    async fn one(&mut self, direction: Direction) -> Exit {
        let as_json = self.args.output.json;
        let test = match self.args.test() {
            Ok(test) => test,
            Err(error) => return wrong_usage(self.ui, as_json, &error.to_string()),
        };
        let (id, shown) = match direction {
            Direction::Download => (TestId::FIRST, cnc_model::Test::Download(test.clone())),
            Direction::Upload => (TestId::FIRST.next(), cnc_model::Test::Upload(test.clone())),
        };
        if !as_json {
            self.board.started(id, &shown);
        }
        let board = &mut self.board;
        let job = Job::Load(direction, test, self.target.clone());
        let Measurement { outcome, summary } = measure(job, &self.cancel, |seen| match seen {
            Seen::Sample(sample) if as_json => json_line(&json::sample(sample)).map_err(unread),
            Seen::Sample(sample) => show(board, id, sample),
            Seen::Waiting(_) if as_json => Ok(()),
            Seen::Waiting(others) => wait(board, id, others),
            Seen::Name(..) | Seen::Pause => Ok(()),
        })
        .await;
        match &outcome {
            // A failure is told once, below.
            Outcome::Failed(_) => self.board.clear(),
            Outcome::Completed | Outcome::Cancelled if as_json => {}
            Outcome::Completed | Outcome::Cancelled => self.board.ended(id, &shown, &outcome, summary.as_ref()),
        }
        if let Some(Summary::Throughput(load)) = summary {
            match direction {
                Direction::Download => self.download = Some(load),
                Direction::Upload => self.upload = Some(load),
            }
        }
        match outcome {
            Outcome::Completed => Exit::Measured,
            Outcome::Cancelled => Exit::Interrupted,
            Outcome::Failed(failure) => tell_failure(self.ui, as_json, &failure),
        }
    }

    fn conclude(&self) {
        if self.args.output.json {
            if self.download.is_some() || self.upload.is_some() {
                // A closed output is noticed by whoever closed it.
                json_line(&json::speed_summary(self.download.as_ref(), self.upload.as_ref())).ok();
            }
            return;
        }
        for load in self.download.iter().chain(&self.upload) {
            self.ui.gap();
            self.ui.indented(&figures::throughput(load));
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what sees samples may fail; a screen does not")]
fn wait(board: &mut Board, id: TestId, others: u32) -> Result<(), Failure> {
    board.waiting(id, others);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "what sees samples may fail; a screen does not")]
fn show(board: &mut Board, id: TestId, sample: &Sample) -> Result<(), Failure> {
    board.sample(id, sample);
    Ok(())
}
