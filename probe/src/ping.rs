//! Pings: probes at a fixed pace, each with one fate told as a sample. What a probe is, `icmp`, `tcp` and `udp` say.
//!
//! Probes overlap when the timeout exceeds the interval. The pace never waits for answers and never catches up in a
//! burst: deadlines that passed while the machine slept are skipped.

mod icmp;
mod tcp;
mod udp;

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use cnc_model::Sample;
use cnc_model::ping::{PingOutcome, PingReply, PingSample};
use cnc_model::test::{PingProtocol, PingTest};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Engine, ProbeError, Sink, route};

/// How long a reply is still waited for after its probe was told as lost. With the longest timeout and the shortest
/// interval, that many probes still have sequence numbers of their own.
pub const LATE_WAIT: Duration = Duration::from_secs(5);

/// Pings an address as the test says and sends a sample of every probe's fate, in the order in which fates are
/// known: a reply, the timeout, an ICMP error, or that it could not be sent; later maybe a late reply. Once
/// cancelled it returns at once and tells nothing of the probes still under way.
///
/// # Errors
/// Fails before the first probe when the system has no route or no permission.
pub async fn ping(
    address: IpAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let prober = Prober::open(address, test)?;
    let mut run = Run { sink, waiting: JoinSet::new(), lost: JoinSet::new() };
    let began = Instant::now();
    let mut pace = interval_at(began, test.interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let patience = prober.patience(test.timeout);
    let mut seq = 0;
    while seq < test.count || !run.waiting.is_empty() {
        // Liveness: every waiting probe ends by its timeout; cancelled by the caller.
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            _ = pace.tick(), if seq < test.count => {
                if run.waiting.len() + run.lost.len() < prober.most_under_way() {
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
    Ok(prober.engine())
}

/// A probe's name and time of sending.
#[derive(Debug, Clone, Copy)]
struct Probe {
    seq: u32,
    at: Duration,
}

/// What came back for a probe.
#[derive(Debug)]
enum Answer {
    Reply(PingReply),
    Unreachable { from: Option<IpAddr> },
    NotSent,
    Silence,
}

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A probe under way.
struct Flight {
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
    async fn start<F>(exchange: impl FnOnce(Instant) -> F) -> Self
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

/// Sends probes of one kind.
enum Prober {
    Icmp(icmp::Prober),
    Tcp(tcp::Prober),
    Udp(udp::Prober),
}

impl Prober {
    fn open(address: IpAddr, test: &PingTest) -> Result<Self, ProbeError> {
        let target = |port| route::with_scope(address, port);
        route::check(target(0))?;
        Ok(match test.protocol {
            PingProtocol::Icmp => Self::Icmp(icmp::Prober::open(target(0), test.payload_bytes, test.timeout)?),
            PingProtocol::Tcp(port) => Self::Tcp(tcp::Prober { target: target(port.get()) }),
            PingProtocol::Udp(port) => {
                Self::Udp(udp::Prober { target: target(port.get()), payload_bytes: test.payload_bytes.into() })
            }
        })
    }

    fn engine(&self) -> Engine {
        match self {
            Self::Icmp(icmp) => icmp.engine(),
            Self::Tcp(_) => Engine::TcpConnect,
            Self::Udp(_) => Engine::UdpEcho,
        }
    }

    /// The time after which a probe counts as lost.
    fn patience(&self, timeout: Duration) -> Duration {
        match self {
            Self::Icmp(_) | Self::Udp(_) => timeout,
            Self::Tcp(_) => timeout.min(tcp::FIRST_RETRANSMISSION),
        }
    }

    /// The most probes not done with; one more counts as not sent.
    const fn most_under_way(&self) -> usize {
        match self {
            Self::Icmp(_) => icmp::MOST_UNDER_WAY,
            Self::Tcp(_) | Self::Udp(_) => MOST_SOCKETS,
        }
    }

    async fn send(&self, seq: u32) -> Flight {
        match self {
            Self::Icmp(icmp) => icmp.send(seq).await,
            Self::Tcp(tcp) => tcp.send().await,
            Self::Udp(udp) => udp.send(seq).await,
        }
    }
}

/// The most sockets that TCP and UDP probes hold at once: half of what systems commonly allow a program. A probe
/// beyond it counts as not sent.
const MOST_SOCKETS: usize = 512;

#[cfg(test)]
mod tests;
