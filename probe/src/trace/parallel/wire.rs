//! What carries a trace's probes on Linux: one of three ways, chosen by the test and by what the machine permits.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use cnc_model::Ttl;
use cnc_model::test::{TraceProtocol, TraceTest};

use super::answer::Arrival;
use super::apart::{Apart, Carrier};
use super::echo::Echoes;
use super::udp::Datagrams;
use crate::kernel::Sent;
use crate::{Engine, ProbeError};

/// Where UDP probes go when no port is given: the first traceroute's.
const UDP_PORT: u16 = 33_434;

/// A way of probing.
pub(super) enum Wire {
    /// ICMP echo requests.
    Echoes(Echoes),
    /// UDP datagrams.
    Datagrams(Datagrams),
    /// TCP handshakes.
    Handshakes(Apart),
}

impl Wire {
    /// Opens what the test asks for; UDP where it asks for ICMP and the machine does not permit that.
    pub(super) fn open(address: IpAddr, test: &TraceTest) -> Result<Self, ProbeError> {
        let failed =
            |source: io::Error| ProbeError::Engine { engine: Engine::UdpErrorQueue.name(), why: source.to_string() };
        let datagrams = |port| Datagrams::open(SocketAddr::new(address, port)).map(Self::Datagrams).map_err(failed);
        match test.protocol {
            TraceProtocol::Icmp => Echoes::open(address).map(Self::Echoes).or_else(|_| datagrams(UDP_PORT)),
            TraceProtocol::Udp(port) => datagrams(port.map_or(UDP_PORT, NonZeroU16::get)),
            TraceProtocol::Tcp(port) => {
                Ok(Self::Handshakes(Apart::new(SocketAddr::new(address, port.get()), Carrier::Tcp)))
            }
        }
    }

    /// Names the engine.
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Echoes(echoes) => echoes.engine(),
            Self::Datagrams(_) => Engine::UdpErrorQueue,
            Self::Handshakes(_) => Engine::TcpConnect,
        }
    }

    /// Sends a probe.
    pub(super) fn send(&mut self, number: u16, ttl: Ttl) -> io::Result<Sent> {
        match self {
            Self::Echoes(echoes) => echoes.send(number, ttl),
            Self::Datagrams(datagrams) => datagrams.send(number, ttl),
            Self::Handshakes(handshakes) => handshakes.send(number, ttl),
        }
    }

    /// Waits until something has come, or may have.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        match self {
            Self::Echoes(echoes) => echoes.wait().await,
            Self::Datagrams(datagrams) => datagrams.wait().await,
            Self::Handshakes(handshakes) => {
                handshakes.wait().await;
                Ok(())
            }
        }
    }

    /// Takes what has come.
    pub(super) fn take(&mut self) -> Vec<Arrival> {
        match self {
            Self::Echoes(echoes) => echoes.take(),
            Self::Datagrams(datagrams) => datagrams.take(),
            Self::Handshakes(handshakes) => handshakes.take(),
        }
    }
}
