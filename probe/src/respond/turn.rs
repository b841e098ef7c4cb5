//! What a listener says to a test that asks for its turn, a line of JSON each time, until the test is over.

use std::time::Duration;

use cnc_model::throughput::{TcpInfo, Witness};
use serde::{Deserialize, Serialize};

use super::millis;

/// One line. What a listener of another version does not say is not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnLine {
    /// Whether the test may begin; until then others measure.
    pub go: bool,
    /// Whether all of the test's connections have ended: nothing changes any more.
    pub done: bool,
    /// Throughput tests that run now, or at most ran beside this one, this one included.
    pub tests: u32,
    /// How long the test has waited, in milliseconds.
    pub waited_ms: f64,
    /// See [`Witness::cpu_load`].
    pub cpu_load: Option<f64>,
    /// See [`Witness::uplink_share`].
    pub uplink_share: Option<f64>,
    /// See [`Witness::contended`].
    pub contended: Option<bool>,
    /// See [`Witness::tcp`].
    pub tcp: Option<TcpLine>,
}

/// See [`TcpInfo`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpLine {
    sent_bytes: u64,
    retrans_bytes: u64,
    min_rtt_ms: Option<f64>,
    rtt_ms: Option<f64>,
    busy_ms: f64,
    rwnd_limited_ms: f64,
    sndbuf_limited_ms: f64,
}

impl TurnLine {
    /// Takes what was said as what was seen. A share that is none is not measured.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness {
            tcp: self.tcp.map(Into::into),
            cpu_load: self.cpu_load.filter(|share| (0.0..=1.0).contains(share)),
            tests: self.tests.max(1),
            uplink_share: self.uplink_share.filter(|share| (0.0..1e6).contains(share)),
            contended: self.contended,
            waited: time(self.waited_ms),
        }
    }
}

impl From<TcpInfo> for TcpLine {
    fn from(info: TcpInfo) -> Self {
        let TcpInfo { sent_bytes, retransmitted_bytes, min_rtt, rtt, busy, rwnd_limited, sndbuf_limited } = info;
        Self {
            sent_bytes,
            retrans_bytes: retransmitted_bytes,
            min_rtt_ms: min_rtt.map(millis),
            rtt_ms: rtt.map(millis),
            busy_ms: millis(busy),
            rwnd_limited_ms: millis(rwnd_limited),
            sndbuf_limited_ms: millis(sndbuf_limited),
        }
    }
}

impl From<TcpLine> for TcpInfo {
    fn from(line: TcpLine) -> Self {
        let TcpLine { sent_bytes, retrans_bytes, min_rtt_ms, rtt_ms, busy_ms, rwnd_limited_ms, sndbuf_limited_ms } =
            line;
        Self {
            sent_bytes,
            retransmitted_bytes: retrans_bytes,
            min_rtt: min_rtt_ms.map(time),
            rtt: rtt_ms.map(time),
            busy: time(busy_ms),
            rwnd_limited: time(rwnd_limited_ms),
            sndbuf_limited: time(sndbuf_limited_ms),
        }
    }
}

/// Reads milliseconds; what is no time is none at all.
fn time(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_reads_back() {
        let ms = Duration::from_millis;
        let info = TcpInfo {
            sent_bytes: 1_000,
            retransmitted_bytes: 10,
            min_rtt: Some(ms(20)),
            rtt: None,
            busy: ms(4_000),
            rwnd_limited: ms(400),
            sndbuf_limited: ms(4),
        };
        let line =
            TurnLine { go: true, tests: 2, contended: Some(true), tcp: Some(info.into()), ..TurnLine::default() };
        let text = serde_json::to_string(&line).expect("numbers");
        let back: TurnLine = serde_json::from_str(&text).expect("a line");
        let Witness { tcp, tests, contended, .. } = back.witness();
        assert_eq!((tcp, tests, contended), (Some(info), 2, Some(true)));
    }

    #[test]
    fn nonsense_is_not_measured() {
        let odd = r#"{"go":true,"cpu_load":7.0,"uplink_share":-1.0,"waited_ms":-5.0,"tcp":{"busy_ms":-1},"more":[1]}"#;
        let witness = serde_json::from_str::<TurnLine>(odd).expect("a line").witness();
        assert_eq!((witness.cpu_load, witness.uplink_share, witness.waited), (None, None, Duration::ZERO));
        assert_eq!((witness.tests, witness.tcp), (1, Some(TcpInfo::default())));
    }
}
