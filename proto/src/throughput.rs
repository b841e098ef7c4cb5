//! Downloads and uploads: samples and figures.

use cnc_model::responsiveness::{Responsiveness, Rpm};
use cnc_model::throughput::{
    Confidence, Direction, Phase, StoppedBy, TcpInfo, ThroughputSample, ThroughputSummary, Witness,
};

use crate::invalid::required;
use crate::scalar::{bit_rate, count, duration, narrow, ratio, us};
use crate::{Invalid, v1};

impl From<ThroughputSample> for v1::ThroughputSample {
    fn from(sample: ThroughputSample) -> Self {
        let ThroughputSample { direction, at, interval, flow_count, bytes, phase, rtt } = sample;
        let phase = match phase {
            Phase::Ramp => v1::Phase::Ramp,
            Phase::Steady => v1::Phase::Steady,
        };
        Self {
            direction: v1::Direction::from(direction).into(),
            at_us: us(at),
            interval_us: us(interval),
            flow_count: flow_count.into(),
            bytes,
            phase: phase.into(),
            rtt_us: rtt.map(us),
        }
    }
}

impl TryFrom<v1::ThroughputSample> for ThroughputSample {
    type Error = Invalid;

    fn try_from(wire: v1::ThroughputSample) -> Result<Self, Invalid> {
        let v1::ThroughputSample { direction: way, at_us, interval_us, flow_count, bytes, phase, rtt_us } = wire;
        Ok(Self {
            direction: direction("ThroughputSample.direction", way)?,
            at: duration("ThroughputSample.at_us", at_us)?,
            interval: duration("ThroughputSample.interval_us", interval_us)?,
            flow_count: narrow("ThroughputSample.flow_count", flow_count)?,
            bytes: count("ThroughputSample.bytes", bytes)?,
            phase: match v1::Phase::try_from(phase).unwrap_or_default() {
                v1::Phase::Unspecified | v1::Phase::Ramp => Phase::Ramp,
                v1::Phase::Steady => Phase::Steady,
            },
            rtt: rtt_us.map(|us| duration("ThroughputSample.rtt_us", us)).transpose()?,
        })
    }
}

impl From<Direction> for v1::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Download => Self::Download,
            Direction::Upload => Self::Upload,
        }
    }
}

fn direction(field: &'static str, wire: i32) -> Result<Direction, Invalid> {
    match v1::Direction::try_from(wire).unwrap_or_default() {
        v1::Direction::Download => Ok(Direction::Download),
        v1::Direction::Upload => Ok(Direction::Upload),
        v1::Direction::Unspecified => Err(Invalid::Unknown { field }),
    }
}

impl From<ThroughputSummary> for v1::ThroughputSummary {
    fn from(summary: ThroughputSummary) -> Self {
        let ThroughputSummary {
            measured,
            direction,
            goodput,
            steady,
            bytes,
            duration,
            flows,
            confidence,
            stopped_by,
            sender_bytes,
            idle_rtt,
            loaded_rtt,
            added_rtt,
            responsiveness,
            listener,
        } = summary;
        Self {
            measured: Some(measured.into()),
            direction: v1::Direction::from(direction).into(),
            goodput_bps: goodput.bps(),
            steady_bps: steady.map(cnc_model::BitRate::bps),
            bytes,
            duration_us: us(duration),
            flows: flows.into(),
            confidence: v1::Confidence::from(confidence).into(),
            stopped_by: v1::StoppedBy::from(stopped_by).into(),
            sender_bytes,
            idle_rtt_us: idle_rtt.map(us),
            loaded_rtt_us: loaded_rtt.map(us),
            added_rtt_us: added_rtt.map(us),
            responsiveness: responsiveness.map(Into::into),
            listener: listener.map(Into::into),
        }
    }
}

impl TryFrom<v1::ThroughputSummary> for ThroughputSummary {
    type Error = Invalid;

    fn try_from(wire: v1::ThroughputSummary) -> Result<Self, Invalid> {
        let v1::ThroughputSummary {
            measured,
            direction: way,
            goodput_bps,
            steady_bps,
            bytes,
            duration_us,
            flows,
            confidence,
            stopped_by,
            sender_bytes,
            idle_rtt_us,
            loaded_rtt_us,
            added_rtt_us,
            responsiveness,
            listener,
        } = wire;
        Ok(Self {
            measured: required("ThroughputSummary.measured", measured)?.try_into()?,
            direction: direction("ThroughputSummary.direction", way)?,
            goodput: bit_rate("ThroughputSummary.goodput_bps", goodput_bps)?,
            steady: steady_bps.map(|bps| bit_rate("ThroughputSummary.steady_bps", bps)).transpose()?,
            bytes: count("ThroughputSummary.bytes", bytes)?,
            duration: duration("ThroughputSummary.duration_us", duration_us)?,
            flows: narrow("ThroughputSummary.flows", flows)?,
            confidence: v1::Confidence::try_from(confidence).unwrap_or_default().into(),
            stopped_by: v1::StoppedBy::try_from(stopped_by).unwrap_or_default().into(),
            sender_bytes: sender_bytes.map(|bytes| count("ThroughputSummary.sender_bytes", bytes)).transpose()?,
            idle_rtt: idle_rtt_us.map(|us| duration("ThroughputSummary.idle_rtt_us", us)).transpose()?,
            loaded_rtt: loaded_rtt_us.map(|us| duration("ThroughputSummary.loaded_rtt_us", us)).transpose()?,
            added_rtt: added_rtt_us.map(|us| duration("ThroughputSummary.added_rtt_us", us)).transpose()?,
            responsiveness: responsiveness.map(TryInto::try_into).transpose()?,
            listener: listener.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<Responsiveness> for v1::Responsiveness {
    fn from(found: Responsiveness) -> Self {
        let Responsiveness { rpm, began, tcp, tls, http_new, http_loaded, new_probes, loaded_probes } = found;
        Self {
            rpm: rpm.per_minute(),
            began_us: us(began),
            tcp_us: us(tcp),
            tls_us: tls.map(us),
            http_new_us: us(http_new),
            http_loaded_us: us(http_loaded),
            new_probes,
            loaded_probes,
        }
    }
}

impl TryFrom<v1::Responsiveness> for Responsiveness {
    type Error = Invalid;

    fn try_from(wire: v1::Responsiveness) -> Result<Self, Invalid> {
        let v1::Responsiveness {
            rpm,
            began_us,
            tcp_us,
            tls_us,
            http_new_us,
            http_loaded_us,
            new_probes,
            loaded_probes,
        } = wire;
        let no_rpm = || Invalid::malformed("Responsiveness.rpm", format!("{rpm} is no number of round trips"));
        Ok(Self {
            rpm: Rpm::from_per_minute(rpm).ok_or_else(no_rpm)?,
            began: duration("Responsiveness.began_us", began_us)?,
            tcp: duration("Responsiveness.tcp_us", tcp_us)?,
            tls: tls_us.map(|us| duration("Responsiveness.tls_us", us)).transpose()?,
            http_new: duration("Responsiveness.http_new_us", http_new_us)?,
            http_loaded: duration("Responsiveness.http_loaded_us", http_loaded_us)?,
            new_probes,
            loaded_probes,
        })
    }
}

impl From<Witness> for v1::Witness {
    fn from(witness: Witness) -> Self {
        let Witness { tcp, cpu_load, tests, uplink_share, contended, waited } = witness;
        Self { tcp: tcp.map(Into::into), cpu_load, tests, uplink_share, contended, waited_us: us(waited) }
    }
}

impl TryFrom<v1::Witness> for Witness {
    type Error = Invalid;

    fn try_from(wire: v1::Witness) -> Result<Self, Invalid> {
        let v1::Witness { tcp, cpu_load, tests, uplink_share, contended, waited_us } = wire;
        let no_share = |share| Invalid::malformed("Witness.uplink_share", format!("{share} is no share"));
        Ok(Self {
            tcp: tcp.map(TryInto::try_into).transpose()?,
            cpu_load: cpu_load.map(|load| ratio("Witness.cpu_load", load)).transpose()?,
            tests,
            uplink_share: uplink_share
                .map(|share| if share.is_finite() && share >= 0.0 { Ok(share) } else { Err(no_share(share)) })
                .transpose()?,
            contended,
            waited: duration("Witness.waited_us", waited_us)?,
        })
    }
}

impl From<TcpInfo> for v1::TcpInfo {
    fn from(info: TcpInfo) -> Self {
        let TcpInfo { sent_bytes, retransmitted_bytes, min_rtt, rtt, busy, rwnd_limited, sndbuf_limited } = info;
        Self {
            sent_bytes,
            retransmitted_bytes,
            min_rtt_us: min_rtt.map(us),
            rtt_us: rtt.map(us),
            busy_us: us(busy),
            rwnd_limited_us: us(rwnd_limited),
            sndbuf_limited_us: us(sndbuf_limited),
        }
    }
}

impl TryFrom<v1::TcpInfo> for TcpInfo {
    type Error = Invalid;

    fn try_from(wire: v1::TcpInfo) -> Result<Self, Invalid> {
        let v1::TcpInfo {
            sent_bytes,
            retransmitted_bytes,
            min_rtt_us,
            rtt_us,
            busy_us,
            rwnd_limited_us,
            sndbuf_limited_us,
        } = wire;
        Ok(Self {
            sent_bytes: count("TcpInfo.sent_bytes", sent_bytes)?,
            retransmitted_bytes: count("TcpInfo.retransmitted_bytes", retransmitted_bytes)?,
            min_rtt: min_rtt_us.map(|us| duration("TcpInfo.min_rtt_us", us)).transpose()?,
            rtt: rtt_us.map(|us| duration("TcpInfo.rtt_us", us)).transpose()?,
            busy: duration("TcpInfo.busy_us", busy_us)?,
            rwnd_limited: duration("TcpInfo.rwnd_limited_us", rwnd_limited_us)?,
            sndbuf_limited: duration("TcpInfo.sndbuf_limited_us", sndbuf_limited_us)?,
        })
    }
}

impl From<Confidence> for v1::Confidence {
    fn from(confidence: Confidence) -> Self {
        match confidence {
            Confidence::Low => Self::Low,
            Confidence::Medium => Self::Medium,
            Confidence::High => Self::High,
        }
    }
}

impl From<v1::Confidence> for Confidence {
    fn from(wire: v1::Confidence) -> Self {
        match wire {
            v1::Confidence::Unspecified | v1::Confidence::Low => Self::Low,
            v1::Confidence::Medium => Self::Medium,
            v1::Confidence::High => Self::High,
        }
    }
}

impl From<StoppedBy> for v1::StoppedBy {
    fn from(stopped_by: StoppedBy) -> Self {
        match stopped_by {
            StoppedBy::Duration => Self::Duration,
            StoppedBy::Bytes => Self::Bytes,
            StoppedBy::End => Self::End,
            StoppedBy::Cancelled => Self::Cancelled,
            StoppedBy::Broken => Self::Broken,
            StoppedBy::Stable => Self::Stable,
        }
    }
}

impl From<v1::StoppedBy> for StoppedBy {
    fn from(wire: v1::StoppedBy) -> Self {
        match wire {
            v1::StoppedBy::Duration => Self::Duration,
            v1::StoppedBy::Bytes => Self::Bytes,
            // What a newer peer adds is an orderly end like this one, for a broken one has its word.
            v1::StoppedBy::Unspecified | v1::StoppedBy::End => Self::End,
            v1::StoppedBy::Cancelled => Self::Cancelled,
            v1::StoppedBy::Broken => Self::Broken,
            v1::StoppedBy::Stable => Self::Stable,
        }
    }
}
