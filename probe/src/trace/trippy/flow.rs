//! How a trace's probes are told apart from each other, from late answers to earlier rounds and from other traces'.

use std::num::NonZeroU16;
use std::sync::Arc;

use cnc_model::test::{Multipath, TraceProtocol, TraceTest};
use trippy_core::{MultipathStrategy, PortDirection, Protocol};

use crate::identifier::{Identifier, ROUND_NUMBERS, Window};
use crate::{Engine, ProbeError};

/// Where UDP probes go when no port is given: the first traceroute's.
const UDP_PORT: u16 = 33_434;
/// The first number of a round whose identifier or port is its own.
const FIRST_NUMBER: u16 = 33_434;
/// So many rounds of one identifier follow each other with numbers of their own.
const ROUNDS_APART: u16 = 60;

/// What is the same in all rounds of a trace.
pub(super) struct Flow {
    protocol: TraceProtocol,
    strategy: Multipath,
    constant: Arc<Identifier>,
}

/// How the probes of one round are told apart, in trippy-core's words.
pub(super) struct RoundFlow {
    pub(super) protocol: Protocol,
    pub(super) strategy: MultipathStrategy,
    pub(super) ports: PortDirection,
    pub(super) identifier: u16,
    pub(super) first_number: u16,
    /// Keeps others from using these numbers until the round's thread has ended.
    _held: Held,
}

enum Held {
    Identifier { _identifier: Arc<Identifier> },
    Window { _window: Window },
}

impl Flow {
    pub(super) fn of(test: &TraceTest) -> Result<Self, ProbeError> {
        let constant = Arc::new(Identifier::take()?);
        Ok(Self { protocol: test.protocol, strategy: test.strategy, constant })
    }

    /// Names the engine. trippy-core knows one strategy for ICMP and TCP each, whatever was asked for.
    pub(super) const fn engine(&self) -> Engine {
        match (self.protocol, self.strategy) {
            (TraceProtocol::Icmp, _) => Engine::TraceIcmp,
            (TraceProtocol::Udp(_), Multipath::Classic) => Engine::TraceUdpClassic,
            (TraceProtocol::Udp(_), Multipath::Paris) => Engine::TraceUdpParis,
            (TraceProtocol::Udp(_), Multipath::Dublin) => Engine::TraceUdpDublin,
            (TraceProtocol::Tcp(_), _) => Engine::TraceTcp,
        }
    }

    /// Gives the numbers of the `round`-th round.
    pub(super) fn round(&self, round: u32) -> Result<RoundFlow, ProbeError> {
        match (self.protocol, self.strategy) {
            (TraceProtocol::Icmp, _) => Ok(self.constant(round, Protocol::Icmp, PortDirection::None)),
            (TraceProtocol::Udp(port), Multipath::Paris) => {
                let ports = PortDirection::new_fixed_both(self.constant.get(), udp_port(port));
                Ok(self.constant(round, Protocol::Udp, ports))
            }
            (TraceProtocol::Udp(port), Multipath::Dublin) => {
                let ports = |source| PortDirection::new_fixed_both(source, udp_port(port));
                Self::of_its_own(MultipathStrategy::Dublin, ports)
            }
            (TraceProtocol::Udp(None), Multipath::Classic) => {
                Self::of_its_own(MultipathStrategy::Classic, PortDirection::new_fixed_src)
            }
            (TraceProtocol::Udp(Some(port)), Multipath::Classic) => Self::in_a_window(Protocol::Udp, port),
            (TraceProtocol::Tcp(port), _) => Self::in_a_window(Protocol::Tcp, port),
        }
    }

    /// One identifier for all rounds, which differ by number.
    fn constant(&self, round: u32, protocol: Protocol, ports: PortDirection) -> RoundFlow {
        let turn = u16::try_from(round % u32::from(ROUNDS_APART)).unwrap_or(0);
        RoundFlow {
            protocol,
            strategy: match protocol {
                Protocol::Udp => MultipathStrategy::Paris,
                Protocol::Icmp | Protocol::Tcp => MultipathStrategy::Classic,
            },
            ports,
            identifier: self.constant.get(),
            first_number: FIRST_NUMBER + turn * ROUND_NUMBERS,
            _held: Held::Identifier { _identifier: Arc::clone(&self.constant) },
        }
    }

    /// UDP with a source port that is this round's alone.
    fn of_its_own(
        strategy: MultipathStrategy,
        ports: impl FnOnce(u16) -> PortDirection,
    ) -> Result<RoundFlow, ProbeError> {
        let identifier = Identifier::take()?;
        Ok(RoundFlow {
            protocol: Protocol::Udp,
            strategy,
            ports: ports(identifier.get()),
            identifier: identifier.get(),
            first_number: FIRST_NUMBER,
            _held: Held::Identifier { _identifier: Arc::new(identifier) },
        })
    }

    /// Probes to one port, told apart by source ports that are this round's alone.
    fn in_a_window(protocol: Protocol, port: NonZeroU16) -> Result<RoundFlow, ProbeError> {
        let window = Window::take()?;
        Ok(RoundFlow {
            protocol,
            strategy: MultipathStrategy::Classic,
            ports: PortDirection::new_fixed_dest(port.get()),
            identifier: 0,
            first_number: window.first(),
            _held: Held::Window { _window: window },
        })
    }
}

fn udp_port(port: Option<NonZeroU16>) -> u16 {
    port.map_or(UDP_PORT, NonZeroU16::get)
}
