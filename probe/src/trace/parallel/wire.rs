//! What carries a trace's probes: one of three ways, chosen by the test and by what the machine permits.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use cnc_model::Ttl;
use cnc_model::test::{TraceProtocol, TraceTest};

use super::apart::{Apart, Carrier};
use super::course::Kind;
use super::echo::Echoes;
use super::udp::Datagrams;
use crate::kernel::{Moment, Sent, Wall};
use crate::{Engine, ProbeError};

/// Where UDP probes go when no port is given: the first traceroute's.
const UDP_PORT: u16 = 33_434;

/// How often a send is tried that fails with the error of an earlier probe.
pub(super) const SENDS: u32 = 4;

/// The most messages and as many notes taken from a socket at one time. What is left is taken next.
pub(super) const MOST_AT_ONCE: u32 = 256;

/// What came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival {
    /// An answer to a probe.
    Answer(Answer),
    /// An answer that does not say to which probe. Those without an answer are to be sent again: from now on each can
    /// be told apart.
    Unreadable,
}

/// An answer to a probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) number: u16,
    pub(super) kind: Kind,
    pub(super) from: IpAddr,
    /// When it arrived, by the kernel's stamp.
    pub(super) stamp: Option<Wall>,
    /// Just after its receipt.
    pub(super) after: Moment,
}

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
    pub(super) const fn engine(&self) -> Engine {
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
