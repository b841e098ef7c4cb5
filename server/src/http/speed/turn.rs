//! A test's turn as a body of lines: whether it may begin, then what the listener sees of it until it is over.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use cnc_model::BitRate;
use cnc_model::throughput::Direction;
use cnc_probe::respond::{CpuMeter, Run, TurnLine};
use http_body::Frame;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};

use super::TRANSFER_WITHIN;
use crate::http::Web;
use crate::turns::{Others, Ticket};

/// How often it is looked whether a test that waits may begin.
const WAITING: Duration = Duration::from_millis(500);
/// How often is told how a running test fares: seldom enough that the telling is no part of the load.
const RUNNING: Duration = Duration::from_secs(2);
/// How long a test that may begin may take to do so: whoever takes longer lets others go first.
const BEGINS_WITHIN: Duration = Duration::from_secs(15);

/// A test's turn.
pub(super) struct TurnBody {
    web: Web,
    ticket: Ticket,
    run: Run,
    direction: Direction,
    asked: Instant,
    /// Since when the test may run.
    began: Option<Instant>,
    pace: Interval,
    /// The totals at the last look: of all tests, and of this one.
    last: Option<(Instant, u64, u64)>,
    cpu: CpuMeter,
    line: TurnLine,
    /// Ends with the test's last connection.
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl TurnBody {
    pub(super) fn new(web: Web, ticket: Ticket, run: Run, direction: Direction) -> Self {
        let ended = run.all_ended();
        let mut pace = interval(WAITING);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            web,
            ticket,
            run,
            direction,
            asked: Instant::now(),
            began: None,
            pace,
            last: None,
            cpu: CpuMeter::default(),
            line: TurnLine::default(),
            ended: Box::pin(ended),
        }
    }

    /// Looks around once more.
    fn look(&mut self, now: Instant) {
        let (all, own) = match self.direction {
            Direction::Download => (self.web.runs.look_sent(), self.run.sent()),
            Direction::Upload => (self.web.runs.arrived(), self.run.arrived()),
        };
        let since = self.last.replace((now, all, own));
        let moved = since.map(|(at, all_then, own_then)| {
            let (all, own) = (all.saturating_sub(all_then), own.saturating_sub(own_then));
            (now.duration_since(at), all, all.saturating_sub(own))
        });
        let uses = moved.map(|(time, _, others)| BitRate::of(others, time));
        let are_there = self.web.services.metrics.transfers_now() > self.run.open();
        let elapsed = self.web.services.limits.now();
        self.ticket.look(elapsed, Others { uses, are_there });
        let share = moved.and_then(|(time, all, _)| self.web.turns.share_of(BitRate::of(all, time)));
        let cpu = self.cpu.look();
        if self.began.is_some() {
            self.line.cpu_load = most(self.line.cpu_load, cpu);
            self.line.uplink_share = most(self.line.uplink_share, share);
        } else if self.ticket.may_begin() {
            self.began = Some(now);
            self.pace = interval_at(now + RUNNING, RUNNING);
            self.pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        self.line.go = self.ticket.may_begin();
        self.line.tests = self.ticket.most();
        self.line.waited_ms = self.ticket.waited(elapsed).as_secs_f64() * 1e3;
        self.line.contended = self.ticket.contended();
        self.line.tcp = self.run.tcp().map(Into::into);
    }

    /// Tells whether nobody is there any more whom it concerns.
    fn is_over(&self, now: Instant) -> bool {
        let never_began =
            self.began.is_some_and(|began| now.duration_since(began) > BEGINS_WITHIN && !self.run.has_begun());
        self.line.done || never_began || now.duration_since(self.asked) > TRANSFER_WITHIN * 2
    }
}

fn most(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}

impl http_body::Body for TurnBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let now = Instant::now();
        if self.is_over(now) {
            return Poll::Ready(None);
        }
        if self.ended.as_mut().poll(cx).is_ready() {
            self.line.done = true;
        } else {
            ready!(self.pace.poll_tick(cx));
        }
        self.look(now);
        let mut line = serde_json::to_vec(&self.line).expect("numbers are valid JSON");
        line.push(b'\n');
        Poll::Ready(Some(Ok(Frame::data(line.into()))))
    }
}
