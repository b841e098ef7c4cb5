//! Pings: samples and figures. The samples are on the hot path: nothing is allocated but the address's bytes.

use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample, PingSummary};

use crate::invalid::{known, required};
use crate::scalar::{address, count, duration, octets, ratio, ttl, us};
use crate::{Invalid, v1};

impl From<PingSample> for v1::PingSample {
    fn from(sample: PingSample) -> Self {
        use v1::ping_sample::Outcome as Wire;
        let PingSample { seq, at, outcome } = sample;
        let outcome = match outcome {
            PingOutcome::Reply(reply) => Wire::Reply(reply.into()),
            PingOutcome::Lost => Wire::Lost(v1::PingLost {}),
            PingOutcome::Late(reply) => Wire::Late(reply.into()),
            PingOutcome::Unreachable { from } => Wire::Unreachable(v1::PingUnreachable { from: from.map(octets) }),
            PingOutcome::NotSent => Wire::NotSent(v1::PingNotSent {}),
        };
        Self { seq, at_us: us(at), outcome: Some(outcome) }
    }
}

impl TryFrom<v1::PingSample> for PingSample {
    type Error = Invalid;

    fn try_from(wire: v1::PingSample) -> Result<Self, Invalid> {
        use v1::ping_sample::Outcome as Wire;
        let v1::PingSample { seq, at_us, outcome } = wire;
        let outcome = match known("PingSample.outcome", outcome)? {
            Wire::Reply(reply) => PingOutcome::Reply(reply.try_into()?),
            Wire::Lost(v1::PingLost {}) => PingOutcome::Lost,
            Wire::Late(reply) => PingOutcome::Late(reply.try_into()?),
            Wire::Unreachable(v1::PingUnreachable { from }) => {
                PingOutcome::Unreachable { from: from.map(|from| address("PingUnreachable.from", &from)).transpose()? }
            }
            Wire::NotSent(v1::PingNotSent {}) => PingOutcome::NotSent,
        };
        Ok(Self { seq, at: duration("PingSample.at_us", at_us)?, outcome })
    }
}

impl From<PingReply> for v1::PingReply {
    fn from(reply: PingReply) -> Self {
        let PingReply { rtt, from, ttl, clock } = reply;
        let clock = match clock {
            Clock::Kernel => v1::Clock::Kernel,
            Clock::User => v1::Clock::User,
        };
        Self { rtt_us: us(rtt), from: octets(from), ttl: ttl.map(|ttl| ttl.get().into()), clock: clock.into() }
    }
}

impl TryFrom<v1::PingReply> for PingReply {
    type Error = Invalid;

    fn try_from(wire: v1::PingReply) -> Result<Self, Invalid> {
        let v1::PingReply { rtt_us, from, ttl: remaining, clock } = wire;
        Ok(Self {
            rtt: duration("PingReply.rtt_us", rtt_us)?,
            from: address("PingReply.from", &from)?,
            ttl: remaining.map(|remaining| ttl("PingReply.ttl", remaining)).transpose()?,
            clock: match v1::Clock::try_from(clock).unwrap_or_default() {
                v1::Clock::Kernel => Clock::Kernel,
                v1::Clock::Unspecified | v1::Clock::User => Clock::User,
            },
        })
    }
}

impl From<PingSummary> for v1::PingSummary {
    fn from(summary: PingSummary) -> Self {
        let PingSummary {
            measured,
            sent,
            received,
            loss_ratio,
            late,
            duplicates,
            reordered,
            unreachable,
            not_sent,
            rtt,
            jitter,
            pdv,
        } = summary;
        Self {
            measured: Some(measured.into()),
            sent,
            received,
            loss_ratio,
            late,
            duplicates,
            reordered,
            unreachable,
            not_sent,
            rtt: rtt.map(Into::into),
            jitter_us: jitter.map(us),
            pdv_us: pdv.map(us),
        }
    }
}

impl TryFrom<v1::PingSummary> for PingSummary {
    type Error = Invalid;

    fn try_from(wire: v1::PingSummary) -> Result<Self, Invalid> {
        let v1::PingSummary {
            measured,
            sent,
            received,
            loss_ratio,
            late,
            duplicates,
            reordered,
            unreachable,
            not_sent,
            rtt,
            jitter_us,
            pdv_us,
        } = wire;
        Ok(Self {
            measured: required("PingSummary.measured", measured)?.try_into()?,
            sent: count("PingSummary.sent", sent)?,
            received: count("PingSummary.received", received)?,
            loss_ratio: loss_ratio.map(|loss| ratio("PingSummary.loss_ratio", loss)).transpose()?,
            late: count("PingSummary.late", late)?,
            duplicates: count("PingSummary.duplicates", duplicates)?,
            reordered: count("PingSummary.reordered", reordered)?,
            unreachable: count("PingSummary.unreachable", unreachable)?,
            not_sent: count("PingSummary.not_sent", not_sent)?,
            rtt: rtt.map(TryInto::try_into).transpose()?,
            jitter: jitter_us.map(|us| duration("PingSummary.jitter_us", us)).transpose()?,
            pdv: pdv_us.map(|us| duration("PingSummary.pdv_us", us)).transpose()?,
        })
    }
}
