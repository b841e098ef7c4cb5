//! What the listener tells of a load that it served: its own sockets' figures, and how busy it was itself.

use std::time::Duration;

/// What the listener saw of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Witness {
    /// What its kernel knows of the test's connections; `None` where it does not tell, or where a proxy is in between.
    pub tcp: Option<TcpInfo>,
    /// The share of its processors' time that was used in the test's busiest stretch, 0 to 1.
    pub cpu_load: Option<f64>,
    /// The most throughput tests that ran at one time, this one included.
    pub tests: u32,
    /// The most that all tests together took of its configured uplink: 1 is all of it. `None` where none is configured.
    pub uplink_share: Option<f64>,
    /// Whether other tests took more than their share meanwhile, so that the figures may be theirs as much as the
    /// line's; `None` where others ran and it cannot be told.
    pub contended: Option<bool>,
    /// How long the test waited until others were done.
    pub waited: Duration,
}

/// What a kernel knows of a test's connections at its own end (Linux's `TCP_INFO`), in the words of ndt7. Amounts and
/// times are sums over the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpInfo {
    /// Bytes sent, those sent again included (`BytesSent`).
    pub sent_bytes: u64,
    /// Bytes sent again (`BytesRetrans`).
    pub retransmitted_bytes: u64,
    /// The least round trip of all (`MinRTT`).
    pub min_rtt: Option<Duration>,
    /// The mean of the connections' smoothed round trips at the end (`RTT`).
    pub rtt: Option<Duration>,
    /// Time in which there was something to send (`BusyTime`).
    pub busy: Duration,
    /// The part of it in which the receiver's window held it up (`RWndLimited`).
    pub rwnd_limited: Duration,
    /// The part of it in which the sender's own buffer held it up (`SndBufLimited`).
    pub sndbuf_limited: Duration,
}

/// Less time with something to send than this tells nothing of what held it up.
const ENOUGH: Duration = Duration::from_millis(500);

impl TcpInfo {
    /// Gives the share of the busy time in which the receiver's device was the limit, 0 to 1; `None` where these
    /// connections sent too little to tell.
    #[must_use]
    pub fn receiver_share(&self) -> Option<f64> {
        (self.busy >= ENOUGH).then(|| (self.rwnd_limited.as_secs_f64() / self.busy.as_secs_f64()).min(1.0))
    }

    /// Gives the share of what was sent that was sent again, 0 to 1; `None` where nothing was sent.
    #[must_use]
    pub fn retransmitted_share(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are more than any test moves")]
        (self.sent_bytes > 0).then(|| (self.retransmitted_bytes as f64 / self.sent_bytes as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_where_enough_was_sent() {
        let ms = Duration::from_millis;
        let cases = [(0, 0, None), (400, 400, None), (1_000, 250, Some(0.25)), (1_000, 1_001, Some(1.0))];
        for (busy, limited, expected) in cases {
            let info = TcpInfo { busy: ms(busy), rwnd_limited: ms(limited), ..TcpInfo::default() };
            assert_eq!(info.receiver_share(), expected, "{busy} {limited}");
        }
        assert_eq!(TcpInfo::default().retransmitted_share(), None);
        let info = TcpInfo { sent_bytes: 200, retransmitted_bytes: 2, ..TcpInfo::default() };
        assert_eq!(info.retransmitted_share(), Some(0.01));
    }
}
