//! One round of trippy-core on a thread of its own.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::trace::{HopOutcome, HopReply, HopSample};
use tokio::sync::oneshot;
use tokio::time::Instant;
use trippy_core::{Builder, IcmpPacketType, MAX_TTL, ProbeComplete, ProbeStatus, Tracer};

use super::flow::RoundFlow;
use crate::{Engine, ProbeError};

/// The longest that a round waits for the destination, and so the longest that a cancelled one goes on.
pub(super) const ROUND_WAIT: Duration = Duration::from_millis(900);
/// How long a round waits for hops after the last answer, once the destination has answered. The first round is to
/// be seen soon.
const LEAST_GRACE: Duration = Duration::from_millis(100);
/// The same for later rounds, where half the interval allows it: routers may answer later than the destination.
const MOST_GRACE: Duration = Duration::from_millis(300);
/// How long the engine waits for an answer before it sends the next probe of the round.
const BETWEEN_PROBES: Duration = Duration::from_millis(1);

/// One round.
pub(super) struct Round {
    pub(super) address: IpAddr,
    pub(super) number: u32,
    pub(super) furthest: Ttl,
    pub(super) flow: RoundFlow,
    /// The time between the starts of two rounds.
    pub(super) interval: Duration,
    /// When the trace began.
    pub(super) began: Instant,
}

impl Round {
    /// Runs the round and gives what became of its probes, in no order. The thread outlives a caller that stops
    /// waiting, by [`ROUND_WAIT`] at most; it keeps its numbers until it ends.
    pub(super) async fn run(self, engine: Engine) -> Result<Vec<HopSample>, ProbeError> {
        let failed = |why: String| ProbeError::Engine { engine: engine.name(), why };
        let (done, result) = oneshot::channel();
        let run = move || {
            // Whoever waited may be gone.
            done.send(self.trace()).ok();
        };
        std::thread::Builder::new().name("cnc-trace".into()).spawn(run).map_err(|e| failed(e.to_string()))?;
        // Liveness: the thread ends by itself; a panic of it drops its end of the channel.
        match result.await {
            Ok(samples) => samples.map_err(|e| failed(e.to_string())),
            Err(_) => Err(failed("its thread panicked".into())),
        }
    }

    fn trace(&self) -> Result<Vec<HopSample>, trippy_core::Error> {
        let samples = RefCell::new(Vec::new());
        self.tracer()?.run_with(|round| {
            samples.borrow_mut().extend(round.probes.iter().filter_map(|probe| self.sample(probe)));
        })?;
        Ok(samples.into_inner())
    }

    fn tracer(&self) -> Result<Tracer, trippy_core::Error> {
        Builder::new(self.address)
            .protocol(self.flow.protocol)
            .multipath_strategy(self.flow.strategy)
            .port_direction(self.flow.ports)
            .trace_identifier(self.flow.identifier)
            .initial_sequence(self.flow.first_number)
            .max_ttl(self.furthest.get().min(MAX_TTL))
            .max_rounds(Some(1))
            .max_samples(1)
            .max_flows(1)
            .read_timeout(BETWEEN_PROBES)
            .grace_duration(self.grace())
            .min_round_duration(Duration::ZERO)
            .max_round_duration(ROUND_WAIT)
            .tcp_connect_timeout(ROUND_WAIT)
            .build()
    }

    fn grace(&self) -> Duration {
        if self.number == 0 { LEAST_GRACE } else { (self.interval / 2).clamp(LEAST_GRACE, MOST_GRACE) }
    }

    /// Puts a probe's state into a sample; nothing for probes that were not sent, and for those whose times a clock
    /// step has spoilt.
    fn sample(&self, probe: &ProbeStatus) -> Option<HopSample> {
        let (ttl, sent, outcome) = match probe {
            ProbeStatus::Awaited(probe) => (probe.ttl, probe.sent, HopOutcome::Silent),
            ProbeStatus::Complete(complete) => (complete.ttl, complete.sent, self.outcome(complete)?),
            ProbeStatus::NotSent | ProbeStatus::Skipped | ProbeStatus::Failed(_) => return None,
        };
        let at = self.began.elapsed().saturating_sub(sent.elapsed().ok()?);
        Some(HopSample { round: self.number, ttl: Ttl::try_from(u32::from(ttl.0)).ok()?, at, outcome })
    }

    fn outcome(&self, complete: &ProbeComplete) -> Option<HopOutcome> {
        let rtt = complete.received.duration_since(complete.sent).ok().filter(|&rtt| rtt <= 2 * ROUND_WAIT)?;
        let reply = HopReply { address: complete.host, rtt };
        Some(match complete.icmp_packet_type {
            IcmpPacketType::TimeExceeded(_) => HopOutcome::Hop(reply),
            // The destination itself says so of a port: it was reached.
            IcmpPacketType::Unreachable(_) if complete.host != self.address => HopOutcome::Unreachable(reply),
            IcmpPacketType::Unreachable(_) | IcmpPacketType::EchoReply(_) | IcmpPacketType::NotApplicable => {
                HopOutcome::Destination(reply)
            }
        })
    }
}
