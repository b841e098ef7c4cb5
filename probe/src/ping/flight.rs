//! Probes that each have a socket or a thread of their own: TCP, UDP, and ICMP by Windows' own function.
//!
//! They differ in how a probe is sent and in what answers, so that is a trait: three kinds, one pace.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use cnc_model::Sample;
use cnc_model::ping::{PingOutcome, PingReply, PingSample};
use cnc_model::test::PingTest;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::LATE_WAIT;
use super::pace::Ticks;
use crate::{Engine, Sink};

/// The most sockets or threads that probes hold at once: half of what systems commonly allow a program. A probe
/// beyond it counts as not sent.
const MOST_SOCKETS: usize = 512;

/// Sends probes of one kind.
pub(super) trait Prober {
    /// Names it.
    fn engine(&self) -> Engine;

    /// Sends the `seq`-th probe.
    async fn send(&self, seq: u32) -> Flight;

    /// The time after which a probe counts as lost.
    fn patience(&self, timeout: Duration) -> Duration {
        timeout
    }
}

/// Sends probes at the test's pace and tells each one's fate.
pub(super) async fn ping_by(prober: impl Prober, test: &PingTest, sink: &Sink, cancel: &CancellationToken) -> Engine {
    let mut run = Run { sink, waiting: JoinSet::new(), lost: JoinSet::new() };
    let began = Instant::now();
    let mut pace = Ticks::of(test, began);
    let patience = prober.patience(test.timeout);
    let mut seq = 0;
    while seq < test.count || !run.waiting.is_empty() {
        // Liveness: every waiting probe ends by its timeout; cancelled by the caller.
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            () = pace.tick(), if seq < test.count => {
                if run.waiting.len() + run.lost.len() < MOST_SOCKETS {
                    let flight = prober.send(seq).await;
                    let at = flight.sent.saturating_duration_since(began);
                    run.waiting.spawn(flight.watch(Probe { seq, at }, patience));
                } else {
                    run.tell(Probe { seq, at: began.elapsed() }, PingOutcome::NotSent);
                }
                seq += 1;
            }
            Some(Ok(fate)) = run.waiting.join_next() => run.take(fate),
            Some(Ok((probe, answer))) = run.lost.join_next() => run.take_late(probe, answer.as_ref()),
        }
    }
    prober.engine()
}

/// A probe's name and time of sending.
#[derive(Debug, Clone, Copy)]
struct Probe {
    seq: u32,
    at: Duration,
}

/// What came back for a probe.
#[derive(Debug)]
pub(super) enum Answer {
    Reply(PingReply),
    Unreachable { from: Option<IpAddr> },
    NotSent,
    Silence,
}

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A probe under way.
pub(super) struct Flight {
    /// Just before it was sent.
    sent: Instant,
    answer: Answering,
}

/// A probe's fate, and what may still come when that was loss.
struct Fate {
    probe: Probe,
    outcome: PingOutcome,
    late: Option<Answering>,
}

impl Flight {
    /// Starts a probe: polls its exchange once, which sends, so that sending happens now and not when a task is
    /// first scheduled.
    pub(super) async fn start<F>(exchange: impl FnOnce(Instant) -> F) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let sent = Instant::now();
        let mut exchange = Box::pin(exchange(sent));
        match poll_fn(|cx| Poll::Ready(exchange.as_mut().poll(cx))).await {
            Poll::Ready(answer) => Self { sent, answer: Box::pin(std::future::ready(answer)) },
            Poll::Pending => Self { sent, answer: exchange },
        }
    }

    async fn watch(mut self, probe: Probe, patience: Duration) -> Fate {
        let left = patience.saturating_sub(self.sent.elapsed());
        let outcome = match timeout(left, &mut self.answer).await {
            Ok(Answer::Reply(reply)) if reply.rtt <= patience => PingOutcome::Reply(reply),
            Ok(Answer::Reply(reply)) => {
                // It came before the timer was looked at, yet after the timeout.
                let late: Answering = Box::pin(std::future::ready(Answer::Reply(reply)));
                return Fate { probe, outcome: PingOutcome::Lost, late: Some(late) };
            }
            Ok(Answer::Unreachable { from }) => PingOutcome::Unreachable { from },
            Ok(Answer::NotSent) => PingOutcome::NotSent,
            Ok(Answer::Silence) => {
                tokio::time::sleep_until(self.sent + patience).await;
                PingOutcome::Lost
            }
            Err(_) => return Fate { probe, outcome: PingOutcome::Lost, late: Some(self.answer) },
        };
        Fate { probe, outcome, late: None }
    }
}

/// The probes of a ping that are not done with.
struct Run<'a> {
    sink: &'a Sink,
    waiting: JoinSet<Fate>,
    lost: JoinSet<(Probe, Option<Answer>)>,
}

impl Run<'_> {
    fn tell(&self, Probe { seq, at }: Probe, outcome: PingOutcome) {
        self.sink.send(Sample::Ping(PingSample { seq, at, outcome }));
    }

    fn take(&mut self, Fate { probe, outcome, late }: Fate) {
        self.tell(probe, outcome);
        if let Some(answer) = late {
            self.lost.spawn(async move { (probe, timeout(LATE_WAIT, answer).await.ok()) });
        }
    }

    fn take_late(&self, probe: Probe, answer: Option<&Answer>) {
        if let Some(&Answer::Reply(reply)) = answer {
            self.tell(probe, PingOutcome::Late(reply));
        }
    }
}
