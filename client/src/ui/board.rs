//! The tests of a session while they run: a bar for each on a terminal, and a line when one has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::throughput::ThroughputSample;
use cnc_model::trace::{HopOutcome, HopSample};
use cnc_model::{Outcome, Sample, Summary, Test, TestId};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text::{clean, count, ms, rate};
use super::{Frames, Ui, figures, harmless};

/// How often the screen is drawn at the most.
const FRAMES_PER_SECOND: u8 = 15;

/// The board.
#[derive(Debug)]
pub struct Board {
    ui: Ui,
    bars: MultiProgress,
    running: BTreeMap<TestId, Running>,
    /// Of which tests it was said that they wait, where there are no bars.
    waits: BTreeSet<TestId>,
}

#[derive(Debug)]
struct Running {
    bar: ProgressBar,
    hops: u8,
}

impl Board {
    /// Makes an empty board.
    #[must_use]
    pub fn new(ui: &Ui) -> Self {
        let target = if ui.is_lively() {
            ProgressDrawTarget::term_like_with_hz(Box::new(Frames::new(&ui.printer)), FRAMES_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            ui: ui.clone(),
            bars: MultiProgress::with_draw_target(target),
            running: BTreeMap::new(),
            waits: BTreeSet::new(),
        }
    }

    /// Shows that a test begins.
    ///
    /// # Panics
    /// Never: the bars' template is well-formed.
    pub fn started(&mut self, id: TestId, test: &Test) {
        if !self.ui.is_lively() {
            self.note(&format!("Running: {}", clean(&test.title())));
            return;
        }
        let length = match test {
            Test::System | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => 1,
            Test::Ping(ping) => ping.count.into(),
            Test::Trace(trace) => trace.rounds.into(),
            Test::Download(load) | Test::Upload(load) => millis(load.duration),
        };
        let style = ProgressStyle::with_template("  {prefix:34!} [{bar:20}] {wide_msg}")
            .expect("the template is well-formed")
            .progress_chars("=> ");
        let bar = self.bars.add(ProgressBar::new(length).with_style(style));
        bar.set_prefix(clean(&test.title()));
        bar.tick();
        self.running.insert(id, Running { bar, hops: 0 });
    }

    /// Shows what a running test observed.
    pub fn sample(&mut self, id: TestId, sample: &Sample) {
        let Some(running) = self.running.get_mut(&id) else { return };
        match sample {
            Sample::Ping(PingSample { seq, outcome, .. }) => {
                running.bar.set_position(u64::from(*seq) + 1);
                running.bar.set_message(fate(outcome));
            }
            Sample::Hop(HopSample { round, ttl, outcome, .. }) => {
                if !matches!(outcome, HopOutcome::Silent) {
                    running.hops = running.hops.max(ttl.get());
                }
                running.bar.set_position(u64::from(*round) + 1);
                running.bar.set_message(count(running.hops.into(), "hop"));
            }
            Sample::Throughput(sample @ ThroughputSample { at, .. }) => {
                running.bar.set_position(millis(*at));
                running.bar.set_message(rate(sample.goodput()));
            }
        }
    }

    /// Shows that a test waits for its turn.
    pub fn waiting(&mut self, id: TestId, others: u32) {
        match self.running.get(&id) {
            Some(running) => running.bar.set_message("waiting: others are measuring"),
            None if self.waits.insert(id) => {
                self.note(&format!("Waiting: others are measuring ({}).", count(others.into(), "test")));
            }
            None => {}
        }
    }

    /// Shows how a test ended.
    pub fn ended(&mut self, id: TestId, test: &Test, outcome: &Outcome, summary: Option<&Summary>) {
        if let Some(Running { bar, .. }) = self.running.remove(&id) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.note(&format!("{}: {}", clean(&test.title()), figures::ending(outcome, summary)));
    }

    /// Shows a line above the bars.
    pub fn note(&self, text: &str) {
        self.bars.suspend(|| self.ui.line(&format!("  {}", harmless(text))));
    }

    /// Takes all bars away.
    pub fn clear(&mut self) {
        self.running.clear();
        // A bar that stays on a broken screen harms nobody.
        self.bars.clear().ok();
    }
}

/// Gives a probe's fate in a few words.
#[must_use]
pub fn fate(outcome: &PingOutcome) -> String {
    match outcome {
        PingOutcome::Reply(reply) => ms(reply.rtt),
        PingOutcome::Lost => "no answer".into(),
        PingOutcome::Late(reply) => format!("answered too late, after {}", ms(reply.rtt)),
        PingOutcome::Unreachable { from: Some(from) } => format!("unreachable, says {from}"),
        PingOutcome::Unreachable { from: None } => "unreachable".into(),
        PingOutcome::NotSent => "could not be sent".into(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
