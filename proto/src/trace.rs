//! Traces: samples and paths.

use cnc_model::trace::{HopAddress, HopOutcome, HopReply, HopSample, HopSummary, TraceSummary};

use crate::invalid::{known, required};
use crate::scalar::{MAX_NAME_BYTES, address, bounded, count, cut, duration, octets, optional_text, ratio, ttl, us};
use crate::{Invalid, network, v1};

/// The most hops of a path: a TTL has 8 bits.
pub const MAX_HOPS: usize = 255;
/// The most addresses at one hop: routers spread over at most 64 ways, and paths split more than once. The most
/// frequent come first, so that the rarest are left out beyond it.
pub const MAX_HOP_ADDRESSES: usize = 256;

impl From<HopSample> for v1::HopSample {
    fn from(sample: HopSample) -> Self {
        use v1::hop_sample::Outcome as Wire;
        let HopSample { round, ttl, at, outcome } = sample;
        let outcome = match outcome {
            HopOutcome::Hop(reply) => Wire::Hop(reply.into()),
            HopOutcome::Silent => Wire::Silent(v1::HopSilent {}),
            HopOutcome::Destination(reply) => Wire::Destination(reply.into()),
            HopOutcome::Unreachable(reply) => Wire::Unreachable(reply.into()),
        };
        Self { round, ttl: ttl.get().into(), at_us: us(at), outcome: Some(outcome) }
    }
}

impl TryFrom<v1::HopSample> for HopSample {
    type Error = Invalid;

    fn try_from(wire: v1::HopSample) -> Result<Self, Invalid> {
        use v1::hop_sample::Outcome as Wire;
        let v1::HopSample { round, ttl: distance, at_us, outcome } = wire;
        let outcome = match known("HopSample.outcome", outcome)? {
            Wire::Hop(reply) => HopOutcome::Hop(reply.try_into()?),
            Wire::Silent(v1::HopSilent {}) => HopOutcome::Silent,
            Wire::Destination(reply) => HopOutcome::Destination(reply.try_into()?),
            Wire::Unreachable(reply) => HopOutcome::Unreachable(reply.try_into()?),
        };
        Ok(Self { round, ttl: ttl("HopSample.ttl", distance)?, at: duration("HopSample.at_us", at_us)?, outcome })
    }
}

impl From<HopReply> for v1::HopReply {
    fn from(reply: HopReply) -> Self {
        let HopReply { address, rtt } = reply;
        Self { address: octets(address), rtt_us: us(rtt) }
    }
}

impl TryFrom<v1::HopReply> for HopReply {
    type Error = Invalid;

    fn try_from(wire: v1::HopReply) -> Result<Self, Invalid> {
        let v1::HopReply { address: octets, rtt_us } = wire;
        Ok(Self { address: address("HopReply.address", &octets)?, rtt: duration("HopReply.rtt_us", rtt_us)? })
    }
}

impl From<TraceSummary> for v1::TraceSummary {
    fn from(summary: TraceSummary) -> Self {
        let TraceSummary { measured, reached, rounds, hops } = summary;
        Self {
            measured: Some(measured.into()),
            reached,
            rounds,
            hops: hops.into_iter().take(MAX_HOPS).map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::TraceSummary> for TraceSummary {
    type Error = Invalid;

    fn try_from(wire: v1::TraceSummary) -> Result<Self, Invalid> {
        let v1::TraceSummary { measured, reached, rounds, hops } = wire;
        bounded("TraceSummary.hops", &hops, MAX_HOPS)?;
        Ok(Self {
            measured: required("TraceSummary.measured", measured)?.try_into()?,
            reached,
            rounds: count("TraceSummary.rounds", rounds)?,
            hops: hops.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<HopSummary> for v1::HopSummary {
    fn from(hop: HopSummary) -> Self {
        let HopSummary { ttl, addresses, sent, received, loss_ratio, loss_persists, rtt, segment } = hop;
        Self {
            ttl: ttl.get().into(),
            addresses: addresses.into_iter().take(MAX_HOP_ADDRESSES).map(Into::into).collect(),
            sent,
            received,
            loss_ratio,
            loss_persists,
            rtt: rtt.map(Into::into),
            segment: v1::Segment::from(segment).into(),
        }
    }
}

impl TryFrom<v1::HopSummary> for HopSummary {
    type Error = Invalid;

    fn try_from(wire: v1::HopSummary) -> Result<Self, Invalid> {
        let v1::HopSummary { ttl: distance, addresses, sent, received, loss_ratio, loss_persists, rtt, segment } = wire;
        bounded("HopSummary.addresses", &addresses, MAX_HOP_ADDRESSES)?;
        Ok(Self {
            ttl: ttl("HopSummary.ttl", distance)?,
            addresses: addresses.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            sent: count("HopSummary.sent", sent)?,
            received: count("HopSummary.received", received)?,
            loss_ratio: loss_ratio.map(|loss| ratio("HopSummary.loss_ratio", loss)).transpose()?,
            loss_persists,
            rtt: rtt.map(TryInto::try_into).transpose()?,
            segment: network::segment(segment),
        })
    }
}

impl From<HopAddress> for v1::HopAddress {
    fn from(hop: HopAddress) -> Self {
        let HopAddress { address, name, network } = hop;
        let name = name.map(|name| cut(name, MAX_NAME_BYTES));
        Self { address: octets(address), name, network: network.map(Into::into) }
    }
}

impl TryFrom<v1::HopAddress> for HopAddress {
    type Error = Invalid;

    fn try_from(wire: v1::HopAddress) -> Result<Self, Invalid> {
        let v1::HopAddress { address: octets, name, network } = wire;
        Ok(Self {
            address: address("HopAddress.address", &octets)?,
            name: optional_text("HopAddress.name", name, MAX_NAME_BYTES)?,
            network: network.map(TryInto::try_into).transpose()?,
        })
    }
}
