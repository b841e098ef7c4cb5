//! Tests with their parameters. What comes in has been held against every bound of [`Test::checked`].

use std::num::NonZeroU16;

use cnc_model::destination::InvalidHostName;
use cnc_model::ping::Pacing;
use cnc_model::test::{
    DnsTest, HttpTest, MtuTest, Multipath, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceProtocol,
    TraceTest,
};
use cnc_model::{Destination, Family, Test, TestKind};

use crate::invalid::{known, required};
use crate::scalar::{count, duration, narrow, ttl, us};
use crate::{Invalid, v1};

impl From<Test> for v1::Test {
    fn from(test: Test) -> Self {
        use v1::test::Test as Wire;
        let wire = match test {
            Test::System => Wire::System(v1::SystemTest {}),
            Test::Ping(ping) => Wire::Ping(ping.into()),
            Test::Trace(trace) => Wire::Trace(trace.into()),
            Test::Download(load) => Wire::Download(load.into()),
            Test::Upload(load) => Wire::Upload(load.into()),
            Test::Mtu(mtu) => Wire::Mtu(mtu.into()),
            Test::Dns(dns) => Wire::Dns(dns.into()),
            Test::Http(http) => Wire::Http(http.into()),
        };
        Self { test: Some(wire) }
    }
}

impl TryFrom<v1::Test> for Test {
    type Error = Invalid;

    fn try_from(wire: v1::Test) -> Result<Self, Invalid> {
        use v1::test::Test as Wire;
        let v1::Test { test } = wire;
        let test = match known("Test.test", test)? {
            Wire::System(v1::SystemTest {}) => Self::System,
            Wire::Ping(ping) => Self::Ping(ping.try_into()?),
            Wire::Trace(trace) => Self::Trace(trace.try_into()?),
            Wire::Download(load) => Self::Download(load.try_into()?),
            Wire::Upload(load) => Self::Upload(load.try_into()?),
            Wire::Mtu(mtu) => Self::Mtu(mtu.try_into()?),
            Wire::Dns(dns) => Self::Dns(dns.try_into()?),
            Wire::Http(http) => Self::Http(http.try_into()?),
        };
        test.checked().map_err(|source| Invalid::malformed("Test", source.to_string()))
    }
}

impl From<TestKind> for v1::TestKind {
    fn from(kind: TestKind) -> Self {
        match kind {
            TestKind::System => Self::System,
            TestKind::Ping => Self::Ping,
            TestKind::Trace => Self::Trace,
            TestKind::Download => Self::Download,
            TestKind::Upload => Self::Upload,
            TestKind::Mtu => Self::Mtu,
            TestKind::Dns => Self::Dns,
            TestKind::Http => Self::Http,
        }
    }
}

/// Reads a kind; `None` for one that this version does not know.
pub(crate) fn kind(wire: i32) -> Option<TestKind> {
    Some(match v1::TestKind::try_from(wire).unwrap_or_default() {
        v1::TestKind::Unspecified => return None,
        v1::TestKind::System => TestKind::System,
        v1::TestKind::Ping => TestKind::Ping,
        v1::TestKind::Trace => TestKind::Trace,
        v1::TestKind::Download => TestKind::Download,
        v1::TestKind::Upload => TestKind::Upload,
        v1::TestKind::Mtu => TestKind::Mtu,
        v1::TestKind::Dns => TestKind::Dns,
        v1::TestKind::Http => TestKind::Http,
    })
}

impl From<PingTest> for v1::PingTest {
    fn from(ping: PingTest) -> Self {
        use v1::ping_test::Protocol as Wire;
        let PingTest { destination, family, protocol, count, interval, pacing, timeout, payload_bytes } = ping;
        let protocol = match protocol {
            PingProtocol::Icmp => Wire::Icmp(v1::IcmpProbe {}),
            PingProtocol::Tcp(port) => Wire::Tcp(tcp(port)),
            PingProtocol::Udp(port) => Wire::Udp(udp(Some(port))),
        };
        Self {
            destination: Some(destination.into()),
            family: v1::Family::from(family).into(),
            protocol: Some(protocol),
            count,
            interval_us: us(interval),
            timeout_us: us(timeout),
            payload_bytes: payload_bytes.into(),
            pacing: v1::Pacing::from(pacing).into(),
        }
    }
}

impl From<Pacing> for v1::Pacing {
    fn from(pacing: Pacing) -> Self {
        match pacing {
            Pacing::Fixed => Self::Fixed,
            Pacing::Poisson => Self::Poisson,
        }
    }
}

impl TryFrom<v1::PingTest> for PingTest {
    type Error = Invalid;

    fn try_from(wire: v1::PingTest) -> Result<Self, Invalid> {
        use v1::ping_test::Protocol as Wire;
        let v1::PingTest {
            destination,
            family: version,
            protocol,
            count,
            interval_us,
            timeout_us,
            payload_bytes,
            pacing,
        } = wire;
        Ok(Self {
            destination: required("PingTest.destination", destination)?.try_into()?,
            family: family("PingTest.family", version)?,
            protocol: match known("PingTest.protocol", protocol)? {
                Wire::Icmp(v1::IcmpProbe {}) => PingProtocol::Icmp,
                Wire::Tcp(v1::TcpProbe { port }) => PingProtocol::Tcp(nonzero_port("TcpProbe.port", port)?),
                Wire::Udp(v1::UdpProbe { port }) => {
                    PingProtocol::Udp(nonzero_port("UdpProbe.port", required("UdpProbe.port", port)?)?)
                }
            },
            count,
            interval: duration("PingTest.interval_us", interval_us)?,
            timeout: duration("PingTest.timeout_us", timeout_us)?,
            payload_bytes: narrow("PingTest.payload_bytes", payload_bytes)?,
            pacing: match v1::Pacing::try_from(pacing) {
                Ok(v1::Pacing::Unspecified | v1::Pacing::Fixed) => Pacing::Fixed,
                Ok(v1::Pacing::Poisson) => Pacing::Poisson,
                Err(_) => return Err(Invalid::Unknown { field: "PingTest.pacing" }),
            },
        })
    }
}

impl From<TraceTest> for v1::TraceTest {
    fn from(trace: TraceTest) -> Self {
        use v1::trace_test::Protocol as Wire;
        let TraceTest { destination, family, protocol, strategy, rounds, interval, max_hops, names } = trace;
        let protocol = match protocol {
            TraceProtocol::Icmp => Wire::Icmp(v1::IcmpProbe {}),
            TraceProtocol::Udp(port) => Wire::Udp(udp(port)),
            TraceProtocol::Tcp(port) => Wire::Tcp(tcp(port)),
        };
        let strategy = match strategy {
            Multipath::Classic => v1::Multipath::Classic,
            Multipath::Paris => v1::Multipath::Paris,
            Multipath::Dublin => v1::Multipath::Dublin,
        };
        Self {
            destination: Some(destination.into()),
            family: v1::Family::from(family).into(),
            protocol: Some(protocol),
            strategy: strategy.into(),
            rounds,
            interval_us: us(interval),
            max_hops: max_hops.get().into(),
            names,
        }
    }
}

impl TryFrom<v1::TraceTest> for TraceTest {
    type Error = Invalid;

    fn try_from(wire: v1::TraceTest) -> Result<Self, Invalid> {
        use v1::trace_test::Protocol as Wire;
        let v1::TraceTest { destination, family: version, protocol, strategy, rounds, interval_us, max_hops, names } =
            wire;
        Ok(Self {
            destination: required("TraceTest.destination", destination)?.try_into()?,
            family: family("TraceTest.family", version)?,
            protocol: match known("TraceTest.protocol", protocol)? {
                Wire::Icmp(v1::IcmpProbe {}) => TraceProtocol::Icmp,
                Wire::Udp(v1::UdpProbe { port }) => {
                    TraceProtocol::Udp(port.map(|port| nonzero_port("UdpProbe.port", port)).transpose()?)
                }
                Wire::Tcp(v1::TcpProbe { port }) => TraceProtocol::Tcp(nonzero_port("TcpProbe.port", port)?),
            },
            strategy: match v1::Multipath::try_from(strategy) {
                Ok(v1::Multipath::Classic) => Multipath::Classic,
                Ok(v1::Multipath::Unspecified | v1::Multipath::Paris) => Multipath::Paris,
                Ok(v1::Multipath::Dublin) => Multipath::Dublin,
                Err(_) => return Err(Invalid::Unknown { field: "TraceTest.strategy" }),
            },
            rounds,
            interval: duration("TraceTest.interval_us", interval_us)?,
            max_hops: ttl("TraceTest.max_hops", max_hops)?,
            names,
        })
    }
}

impl From<ThroughputTest> for v1::ThroughputTest {
    fn from(load: ThroughputTest) -> Self {
        use v1::throughput_test::Peer as Wire;
        let ThroughputTest { peer, flows, most_flows, duration, max_bytes, stops_early } = load;
        let peer = match peer {
            ThroughputPeer::Listener => Wire::Listener(v1::ListenerPeer {}),
            ThroughputPeer::Url(url) => Wire::Url(url),
        };
        Self {
            peer: Some(peer),
            flows: flows.into(),
            most_flows: most_flows.into(),
            duration_us: us(duration),
            max_bytes,
            stops_early,
        }
    }
}

impl TryFrom<v1::ThroughputTest> for ThroughputTest {
    type Error = Invalid;

    fn try_from(wire: v1::ThroughputTest) -> Result<Self, Invalid> {
        use v1::throughput_test::Peer as Wire;
        let v1::ThroughputTest { peer, flows, most_flows, duration_us, max_bytes, stops_early } = wire;
        Ok(Self {
            peer: match known("ThroughputTest.peer", peer)? {
                Wire::Listener(v1::ListenerPeer {}) => ThroughputPeer::Listener,
                Wire::Url(address) => ThroughputPeer::Url(url("ThroughputTest.url", address)?),
            },
            flows: narrow("ThroughputTest.flows", flows)?,
            // An older peer says nothing of it.
            most_flows: narrow("ThroughputTest.most_flows", if most_flows == 0 { flows } else { most_flows })?,
            duration: duration("ThroughputTest.duration_us", duration_us)?,
            max_bytes: count("ThroughputTest.max_bytes", max_bytes)?,
            stops_early,
        })
    }
}

impl From<MtuTest> for v1::MtuTest {
    fn from(mtu: MtuTest) -> Self {
        let MtuTest { destination, family } = mtu;
        Self { destination: Some(destination.into()), family: v1::Family::from(family).into() }
    }
}

impl TryFrom<v1::MtuTest> for MtuTest {
    type Error = Invalid;

    fn try_from(wire: v1::MtuTest) -> Result<Self, Invalid> {
        let v1::MtuTest { destination, family: version } = wire;
        Ok(Self {
            destination: required("MtuTest.destination", destination)?.try_into()?,
            family: family("MtuTest.family", version)?,
        })
    }
}

impl From<DnsTest> for v1::DnsTest {
    fn from(dns: DnsTest) -> Self {
        let DnsTest { name, server } = dns;
        Self { name: name.to_string(), server: server.map(Into::into) }
    }
}

impl TryFrom<v1::DnsTest> for DnsTest {
    type Error = Invalid;

    fn try_from(wire: v1::DnsTest) -> Result<Self, Invalid> {
        let v1::DnsTest { name, server } = wire;
        let name =
            name.parse().map_err(|source: InvalidHostName| Invalid::malformed("DnsTest.name", source.to_string()))?;
        Ok(Self { name, server: server.map(TryInto::try_into).transpose()? })
    }
}

impl From<HttpTest> for v1::HttpTest {
    fn from(http: HttpTest) -> Self {
        let HttpTest { url, family } = http;
        Self { url, family: v1::Family::from(family).into() }
    }
}

impl TryFrom<v1::HttpTest> for HttpTest {
    type Error = Invalid;

    fn try_from(wire: v1::HttpTest) -> Result<Self, Invalid> {
        let v1::HttpTest { url: address, family: version } = wire;
        Ok(Self { url: url("HttpTest.url", address)?, family: family("HttpTest.family", version)? })
    }
}

/// Takes a URL as text; [`Test::checked`] holds it against its bounds.
fn url(field: &'static str, url: String) -> Result<String, Invalid> {
    if url.contains(char::is_control) {
        return Err(Invalid::malformed(field, "control characters are no part of a URL"));
    }
    Ok(url)
}

impl From<Destination> for v1::Destination {
    fn from(destination: Destination) -> Self {
        use v1::destination::Destination as Wire;
        let wire = match destination {
            Destination::Host(name) => Wire::Host(name.to_string()),
            Destination::Gateway => Wire::Place(v1::Place::Gateway.into()),
            Destination::Resolver => Wire::Place(v1::Place::Resolver.into()),
            Destination::Listener => Wire::Place(v1::Place::Listener.into()),
        };
        Self { destination: Some(wire) }
    }
}

impl TryFrom<v1::Destination> for Destination {
    type Error = Invalid;

    fn try_from(wire: v1::Destination) -> Result<Self, Invalid> {
        use v1::destination::Destination as Wire;
        let v1::Destination { destination } = wire;
        match known("Destination.destination", destination)? {
            Wire::Host(name) => match name.parse() {
                Ok(name) => Ok(Self::Host(name)),
                Err(source) => Err(Invalid::malformed("Destination.host", source.to_string())),
            },
            Wire::Place(place) => match v1::Place::try_from(place).unwrap_or_default() {
                v1::Place::Unspecified => Err(Invalid::Unknown { field: "Destination.place" }),
                v1::Place::Gateway => Ok(Self::Gateway),
                v1::Place::Resolver => Ok(Self::Resolver),
                v1::Place::Listener => Ok(Self::Listener),
            },
        }
    }
}

impl From<Family> for v1::Family {
    fn from(family: Family) -> Self {
        match family {
            Family::Any => Self::Unspecified,
            Family::V4 => Self::V4,
            Family::V6 => Self::V6,
        }
    }
}

/// Reads a family. One that is not known is refused rather than measured with another.
fn family(field: &'static str, wire: i32) -> Result<Family, Invalid> {
    match v1::Family::try_from(wire) {
        Ok(v1::Family::Unspecified) => Ok(Family::Any),
        Ok(v1::Family::V4) => Ok(Family::V4),
        Ok(v1::Family::V6) => Ok(Family::V6),
        Err(_) => Err(Invalid::Unknown { field }),
    }
}

fn tcp(port: NonZeroU16) -> v1::TcpProbe {
    v1::TcpProbe { port: port.get().into() }
}

fn udp(port: Option<NonZeroU16>) -> v1::UdpProbe {
    v1::UdpProbe { port: port.map(|port| port.get().into()) }
}

fn nonzero_port(field: &'static str, port: u32) -> Result<NonZeroU16, Invalid> {
    let port = u16::try_from(port).ok().and_then(NonZeroU16::new);
    port.ok_or_else(|| Invalid::malformed(field, "a port is a number from 1 to 65535"))
}
