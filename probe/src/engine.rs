//! The names of the means by which a figure came about. They are stored with every result.

use std::fmt;

/// By which means something was measured; which one, the machine's permissions decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// ICMP echo by Linux's raw socket, stamped by the kernel.
    IcmpRaw,
    /// ICMP echo by a datagram socket, stamped by the kernel on Linux, and by this program on macOS.
    IcmpDatagram,
    /// ICMP echo by Windows' own function for it, stamped by this program.
    IcmpApi,
    /// TCP handshakes by the system's own connect.
    TcpConnect,
    /// UDP datagrams to an echo port.
    UdpEcho,
    /// UDP probes of one flow by a socket whose error queue tells who answered; they need no privilege.
    UdpErrorQueue,
    /// ICMP probes by trippy-core.
    TraceIcmp,
    /// UDP probes by trippy-core, each a flow of its own.
    TraceUdpClassic,
    /// UDP probes by trippy-core, all of one flow.
    TraceUdpParis,
    /// UDP probes by trippy-core, one flow a round.
    TraceUdpDublin,
    /// TCP probes by trippy-core, each a flow of its own: it knows no other strategy for TCP.
    TraceTcp,
    /// DNS questions over UDP, and over TCP where an answer is cut; the system's own resolver beside them.
    Dns,
    /// HTTP/1.1 bodies by hyper over plain TCP.
    Http,
    /// HTTP/1.1 bodies by hyper over TLS by rustls.
    Https,
    /// As [`Self::Http`], with a proxy in the way.
    HttpByProxy,
    /// As [`Self::Https`], with a proxy in the way.
    HttpsByProxy,
}

impl Engine {
    /// Gives the name under which results are stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IcmpRaw => "icmp raw",
            Self::IcmpDatagram => "icmp datagram",
            Self::IcmpApi => "icmp api",
            Self::TcpConnect => "tcp connect",
            Self::UdpEcho => "udp echo",
            Self::UdpErrorQueue => "udp error queue",
            Self::TraceIcmp => "trippy-core icmp",
            Self::TraceUdpClassic => "trippy-core udp classic",
            Self::TraceUdpParis => "trippy-core udp paris",
            Self::TraceUdpDublin => "trippy-core udp dublin",
            Self::TraceTcp => "trippy-core tcp classic",
            Self::Dns => "dns udp",
            Self::Http => "hyper http/1.1",
            Self::Https => "hyper http/1.1 over rustls",
            Self::HttpByProxy => "hyper http/1.1 through a proxy",
            Self::HttpsByProxy => "hyper http/1.1 over rustls through a proxy",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
