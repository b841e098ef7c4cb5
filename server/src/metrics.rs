//! The listener's own figures, counted where things happen and written out for Prometheus.

mod documents;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub use documents::DocumentGauges;

use crate::google::Kind;
use crate::limits::Over;
use crate::store::ExportStanding;

/// The counters. Each is exact; together they are of no single moment.
#[derive(Debug, Default)]
pub struct Metrics {
    connections: AtomicI64,
    connections_total: AtomicU64,
    handshakes_failed: AtomicU64,
    streams: AtomicI64,
    refused: AtomicU64,
    denied: AtomicU64,
    watchers: AtomicI64,
    transfers: AtomicI64,
    transfers_refused: AtomicU64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
    echoes: AtomicU64,
    echoes_denied: AtomicU64,
    limits_reached: [AtomicU64; Over::ALL.len()],
}

/// Something that is counted while it lasts.
#[derive(Debug)]
pub struct Lasting {
    metrics: Arc<Metrics>,
    gauge: fn(&Metrics) -> &AtomicI64,
}

impl Lasting {
    fn begin(metrics: &Arc<Metrics>, gauge: fn(&Metrics) -> &AtomicI64) -> Self {
        gauge(metrics).fetch_add(1, Ordering::Relaxed);
        Self { metrics: Arc::clone(metrics), gauge }
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        (self.gauge)(&self.metrics).fetch_sub(1, Ordering::Relaxed);
    }
}

/// What others know at the moment of writing out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Sessions that are live.
    pub sessions: usize,
    /// Those of them whose client is connected.
    pub connected: usize,
    /// Commits since the start.
    pub commits: u64,
    /// Samples stored since the start.
    pub samples: u64,
    /// Writes that failed since the start.
    pub store_failures: u64,
}

/// How the export to BigQuery stands at the moment of writing out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportGauges {
    /// What the record knows of it.
    pub standing: ExportStanding,
    /// For how many seconds it has not had everything.
    pub lag_seconds: u64,
    /// Batches and rows that have arrived since the start.
    pub arrivals: (u64, u64),
    /// Whether it does not get on.
    pub is_failing: bool,
    /// Failures since the start, of each kind.
    pub failures: Vec<(Kind, u64)>,
}

impl ExportGauges {
    /// Writes them out in Prometheus's text format.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { standing, lag_seconds, arrivals: (batches, rows), is_failing, failures } = self;
        let lines = [
            ("lag_rows", "gauge", "Items and rows that BigQuery does not have yet.", standing.lag_rows),
            ("lag_seconds", "gauge", "For how long BigQuery has not had everything.", *lag_seconds),
            ("failing", "gauge", "1 while the export waits after a failure.", u64::from(*is_failing)),
            ("batches_total", "counter", "Batches that have arrived.", *batches),
            ("rows_total", "counter", "Rows that have arrived.", *rows),
            ("rows_set_aside", "gauge", "Rows that BigQuery does not take.", standing.set_aside),
            ("removals_waiting", "gauge", "Sessions to be removed at BigQuery.", standing.removals_waiting),
            ("removals_failing", "gauge", "Those of them that were tried in vain.", standing.removals_failing),
        ];
        let mut text = String::new();
        for (name, kind, help, value) in lines {
            let name = format!("cnc_export_{name}");
            let line = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
            text.push_str(&line);
        }
        text.push_str("# HELP cnc_export_failures_total Failures of the export, by kind.\n");
        text.push_str("# TYPE cnc_export_failures_total counter\n");
        for (kind, count) in failures {
            let line = format!("cnc_export_failures_total{{kind=\"{}\"}} {count}\n", kind.word());
            text.push_str(&line);
        }
        text
    }
}

impl Metrics {
    /// Counts a connection while it lasts.
    #[must_use]
    pub fn connection(self: &Arc<Self>) -> Lasting {
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        Lasting::begin(self, |metrics| &metrics.connections)
    }

    /// Counts a client's stream while it lasts.
    #[must_use]
    pub fn stream(self: &Arc<Self>) -> Lasting {
        Lasting::begin(self, |metrics| &metrics.streams)
    }

    /// Counts a watcher while it watches.
    #[must_use]
    pub fn watcher(self: &Arc<Self>) -> Lasting {
        Lasting::begin(self, |metrics| &metrics.watchers)
    }

    /// Counts a throughput transfer while it runs.
    #[must_use]
    pub fn transfer(self: &Arc<Self>) -> Lasting {
        Lasting::begin(self, |metrics| &metrics.transfers)
    }

    /// Gives how many throughput transfers run now.
    #[must_use]
    pub fn transfers_now(&self) -> usize {
        usize::try_from(self.transfers.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Counts a TLS handshake that failed.
    pub fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client that was not let in.
    pub fn client_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call without the right to it.
    pub fn call_denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a transfer that found no room.
    pub fn transfer_refused(&self) {
        self.transfers_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes of downloads.
    pub fn sent(&self, bytes: u64) {
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes of uploads.
    pub fn received(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a datagram that is given back.
    pub fn echoed(&self) {
        self.echoes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a datagram without a live session's token.
    pub fn echo_denied(&self) {
        self.echoes_denied.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a bound that was reached.
    pub fn limit_reached(&self, over: Over) {
        let place = Over::ALL.iter().position(|known| known.word() == over.word());
        if let Some(counter) = place.and_then(|place| self.limits_reached.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives the bounds that were reached, with how often.
    #[must_use]
    pub fn limits(&self) -> Vec<(Over, u64)> {
        let counted = Over::ALL.into_iter().zip(&self.limits_reached);
        counted.map(|(over, times)| (over, times.load(Ordering::Relaxed))).filter(|(_, times)| *times > 0).collect()
    }

    /// Writes everything out in Prometheus's text format.
    #[must_use]
    pub fn text(&self, gauges: Gauges) -> String {
        let mut text = String::new();
        let Gauges { sessions, connected, commits, samples, store_failures } = gauges;
        let level = |gauge: &AtomicI64| gauge.load(Ordering::Relaxed).to_string();
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        let lines = [
            ("connections", "gauge", "Open connections.", level(&self.connections)),
            ("connections_total", "counter", "Connections accepted.", total(&self.connections_total)),
            ("tls_failures_total", "counter", "TLS handshakes that failed.", total(&self.handshakes_failed)),
            ("sessions", "gauge", "Sessions that have not ended.", sessions.to_string()),
            ("sessions_connected", "gauge", "Sessions whose client is connected.", connected.to_string()),
            ("streams", "gauge", "Clients' streams.", level(&self.streams)),
            ("clients_refused_total", "counter", "Clients that were not let in.", total(&self.refused)),
            ("calls_denied_total", "counter", "Staff calls without the right to them.", total(&self.denied)),
            ("watchers", "gauge", "Watchers of sessions.", level(&self.watchers)),
            ("store_commits_total", "counter", "Commits made durable.", commits.to_string()),
            ("store_samples_total", "counter", "Samples made durable.", samples.to_string()),
            ("store_failures_total", "counter", "Transactions that failed.", store_failures.to_string()),
            ("speed_transfers", "gauge", "Throughput transfers running.", level(&self.transfers)),
            ("speed_refused_total", "counter", "Transfers that found no room.", total(&self.transfers_refused)),
            ("speed_sent_bytes_total", "counter", "Payload bytes of downloads.", total(&self.sent_bytes)),
            ("speed_received_bytes_total", "counter", "Payload bytes of uploads.", total(&self.received_bytes)),
            ("udp_echoes_total", "counter", "Datagrams given back.", total(&self.echoes)),
            ("udp_denied_total", "counter", "Datagrams without a session's token.", total(&self.echoes_denied)),
        ];
        for (name, kind, help, value) in lines {
            let line = format!("# HELP cnc_{name} {help}\n# TYPE cnc_{name} {kind}\ncnc_{name} {value}\n");
            text.push_str(&line);
        }
        text.push_str("# HELP cnc_limits_reached_total Times that a bound was reached.\n");
        text.push_str("# TYPE cnc_limits_reached_total counter\n");
        for (over, counter) in Over::ALL.iter().zip(&self.limits_reached) {
            let line = format!("cnc_limits_reached_total{{limit=\"{}\"}} {}\n", over.word(), total(counter));
            text.push_str(&line);
        }
        let version = env!("CARGO_PKG_VERSION");
        writeln!(text, "# HELP cnc_build_info This build.\n# TYPE cnc_build_info gauge").expect("a String takes it");
        writeln!(text, "cnc_build_info{{version=\"{version}\"}} 1").expect("a String takes it");
        text
    }
}
