//! A summary's main figures as columns of `tests`, for people and queries. The whole summary is stored beside them.

use std::time::Duration;

use cnc_model::dns::DnsSummary;
use cnc_model::http::HttpSummary;
use cnc_model::mtu::MtuSummary;
use cnc_model::ping::PingSummary;
use cnc_model::score::BufferbloatGrade;
use cnc_model::stats::RttSummary;
use cnc_model::throughput::ThroughputSummary;
use cnc_model::trace::TraceSummary;
use cnc_model::{BitRate, Summary};

use super::words;

/// The columns; those that a kind of test has no figure for stay `NULL`.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) host: Option<String>,
    pub(super) address: Option<String>,
    pub(super) method: Option<String>,
    pub(super) engine: Option<String>,
    pub(super) shed: Option<i64>,
    pub(super) sent: Option<i64>,
    pub(super) received: Option<i64>,
    pub(super) loss_ratio: Option<f64>,
    pub(super) late: Option<i64>,
    pub(super) duplicates: Option<i64>,
    pub(super) reordered: Option<i64>,
    pub(super) unreachable: Option<i64>,
    pub(super) not_sent: Option<i64>,
    pub(super) rtt: Option<RttSummary>,
    pub(super) jitter_us: Option<i64>,
    pub(super) pdv_us: Option<i64>,
    pub(super) reached: Option<bool>,
    pub(super) rounds: Option<i64>,
    pub(super) hop_count: Option<i64>,
    pub(super) goodput_bps: Option<f64>,
    pub(super) steady_bps: Option<f64>,
    pub(super) bytes: Option<i64>,
    pub(super) duration_us: Option<i64>,
    pub(super) flows: Option<i64>,
    pub(super) confidence: Option<&'static str>,
    pub(super) stopped_by: Option<&'static str>,
    pub(super) sender_bytes: Option<i64>,
    pub(super) idle_rtt_us: Option<i64>,
    pub(super) loaded_rtt_us: Option<i64>,
    pub(super) added_rtt_us: Option<i64>,
    pub(super) bufferbloat_grade: Option<&'static str>,
    pub(super) rpm: Option<f64>,
    pub(super) contended: Option<bool>,
    pub(super) listener_cpu: Option<f64>,
    pub(super) listener_tests: Option<i64>,
    pub(super) uplink_share: Option<f64>,
    pub(super) waited_us: Option<i64>,
    pub(super) tcp_retransmitted_bytes: Option<i64>,
    pub(super) tcp_min_rtt_us: Option<i64>,
    pub(super) tcp_rtt_us: Option<i64>,
    pub(super) tcp_busy_us: Option<i64>,
    pub(super) tcp_rwnd_limited_us: Option<i64>,
    pub(super) tcp_sndbuf_limited_us: Option<i64>,
    pub(super) path_mtu_bytes: Option<i64>,
    pub(super) black_hole: Option<bool>,
    pub(super) http_status: Option<i64>,
    pub(super) dns_us: Option<i64>,
    pub(super) tcp_us: Option<i64>,
    pub(super) tls_us: Option<i64>,
    pub(super) first_byte_us: Option<i64>,
}

/// Whole microseconds, held at the column's range.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A count as a column holds it, held at the column's range.
pub(super) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Figures {
    pub(super) fn of(summary: Option<&Summary>) -> Self {
        let Some(summary) = summary else { return Self::default() };
        let mut figures = match summary {
            Summary::Ping(ping) => Self::of_ping(ping),
            Summary::Trace(trace) => Self::of_trace(trace),
            Summary::Throughput(throughput) => Self::of_throughput(throughput),
            Summary::System(_) => Self::default(),
            Summary::Mtu(mtu) => Self::of_mtu(mtu),
            Summary::Dns(dns) => Self::of_dns(dns),
            Summary::Http(http) => Self::of_http(http),
        };
        if let Some(measured) = summary.measured() {
            figures.host = Some(measured.host.clone());
            figures.address = measured.address.map(|address| address.to_string());
            figures.method = Some(measured.method.clone());
            figures.engine = Some(measured.engine.clone());
            figures.shed = Some(count(measured.shed));
        }
        figures
    }

    fn of_ping(ping: &PingSummary) -> Self {
        Self {
            sent: Some(count(ping.sent)),
            received: Some(count(ping.received)),
            loss_ratio: ping.loss_ratio,
            late: Some(count(ping.late)),
            duplicates: Some(count(ping.duplicates)),
            reordered: Some(count(ping.reordered)),
            unreachable: Some(count(ping.unreachable)),
            not_sent: Some(count(ping.not_sent)),
            rtt: ping.rtt,
            jitter_us: ping.jitter.map(micros),
            pdv_us: ping.pdv.map(micros),
            ..Self::default()
        }
    }

    /// The path's last hop stands for the destination: its probes, loss and RTT are the columns'.
    fn of_trace(trace: &TraceSummary) -> Self {
        let last = trace.hops.last().filter(|_| trace.reached);
        Self {
            sent: last.map(|hop| count(hop.sent)),
            received: last.map(|hop| count(hop.received)),
            loss_ratio: last.and_then(|hop| hop.loss_ratio),
            rtt: last.and_then(|hop| hop.rtt),
            reached: Some(trace.reached),
            rounds: Some(count(trace.rounds)),
            hop_count: Some(count(trace.hops.len() as u64)),
            ..Self::default()
        }
    }

    fn of_mtu(mtu: &MtuSummary) -> Self {
        Self {
            path_mtu_bytes: mtu.path_mtu_bytes.map(i64::from),
            black_hole: Some(mtu.black_hole),
            reached: Some(mtu.path_mtu_bytes.is_some()),
            ..Self::default()
        }
    }

    /// The first resolver that answered stands for the columns; all of them are in the whole summary.
    fn of_dns(dns: &DnsSummary) -> Self {
        let rtt = dns.resolvers.iter().find_map(|resolver| resolver.rtt);
        Self { dns_us: rtt.map(micros), reached: Some(dns.answered()), ..Self::default() }
    }

    fn of_http(http: &HttpSummary) -> Self {
        Self {
            http_status: http.status.map(i64::from),
            dns_us: http.dns.map(micros),
            tcp_us: http.tcp.map(micros),
            tls_us: http.tls.map(micros),
            first_byte_us: http.first_byte.map(micros),
            duration_us: http.total.map(micros),
            bytes: Some(count(http.bytes)),
            reached: Some(http.status.is_some()),
            ..Self::default()
        }
    }

    fn of_throughput(throughput: &ThroughputSummary) -> Self {
        let listener = throughput.listener.as_ref();
        let tcp = listener.and_then(|listener| listener.tcp);
        Self {
            contended: listener.and_then(|listener| listener.contended),
            listener_cpu: listener.and_then(|listener| listener.cpu_load),
            listener_tests: listener.map(|listener| i64::from(listener.tests)),
            uplink_share: listener.and_then(|listener| listener.uplink_share),
            waited_us: listener.map(|listener| micros(listener.waited)),
            tcp_retransmitted_bytes: tcp.map(|tcp| count(tcp.retransmitted_bytes)),
            tcp_min_rtt_us: tcp.and_then(|tcp| tcp.min_rtt).map(micros),
            tcp_rtt_us: tcp.and_then(|tcp| tcp.rtt).map(micros),
            tcp_busy_us: tcp.map(|tcp| micros(tcp.busy)),
            tcp_rwnd_limited_us: tcp.map(|tcp| micros(tcp.rwnd_limited)),
            tcp_sndbuf_limited_us: tcp.map(|tcp| micros(tcp.sndbuf_limited)),
            goodput_bps: Some(throughput.goodput.bps()),
            steady_bps: throughput.steady.map(BitRate::bps),
            bytes: Some(count(throughput.bytes)),
            duration_us: Some(micros(throughput.duration)),
            flows: Some(i64::from(throughput.flows)),
            confidence: Some(words::confidence(throughput.confidence)),
            stopped_by: Some(words::stopped_by(throughput.stopped_by)),
            sender_bytes: throughput.sender_bytes.map(count),
            idle_rtt_us: throughput.idle_rtt.map(micros),
            loaded_rtt_us: throughput.loaded_rtt.map(micros),
            added_rtt_us: throughput.added_rtt.map(micros),
            bufferbloat_grade: throughput.bufferbloat().map(BufferbloatGrade::word),
            rpm: throughput.responsiveness.map(|found| found.rpm.per_minute()),
            ..Self::default()
        }
    }
}
