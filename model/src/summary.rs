//! A test's figures, one variant for each kind of method.

use std::net::IpAddr;

use crate::dns::DnsSummary;
use crate::http::HttpSummary;
use crate::mtu::MtuSummary;
use crate::ping::PingSummary;
use crate::system::SystemInfo;
use crate::throughput::ThroughputSummary;
use crate::trace::TraceSummary;

/// A test's figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Summary {
    /// Of a ping.
    Ping(PingSummary),
    /// Of a trace.
    Trace(TraceSummary),
    /// Of a download or upload.
    Throughput(ThroughputSummary),
    /// The machine's description.
    System(SystemInfo),
    /// Of a search for the path's MTU.
    Mtu(MtuSummary),
    /// Of questions to resolvers.
    Dns(DnsSummary),
    /// Of an HTTP request.
    Http(HttpSummary),
}

/// What was measured, and by which means: figures of different methods are never compared silently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// The destination as it was named.
    pub host: String,
    /// The address that was measured, once the name was resolved.
    pub address: Option<IpAddr>,
    /// The method's name and version, like `ping/1`.
    pub method: String,
    /// The engine that this machine permitted, like `icmp raw`.
    pub engine: String,
    /// Samples that the measuring loop dropped because nobody took them in time; zero in any healthy run.
    pub shed: u64,
}

impl Summary {
    /// Gives what was measured and how; `None` for a description.
    #[must_use]
    pub const fn measured(&self) -> Option<&Measured> {
        match self {
            Self::Ping(ping) => Some(&ping.measured),
            Self::Trace(trace) => Some(&trace.measured),
            Self::Throughput(throughput) => Some(&throughput.measured),
            Self::System(_) => None,
            Self::Mtu(mtu) => Some(&mtu.measured),
            Self::Dns(dns) => Some(&dns.measured),
            Self::Http(http) => Some(&http.measured),
        }
    }
}
