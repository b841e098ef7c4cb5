//! From what was typed to the test that is meant.

use std::num::NonZeroU16;

use cnc_model::ping::Pacing;
use cnc_model::test::{InvalidTest, Multipath, PingProtocol, PingTest, ThroughputPeer, ThroughputTest};
use cnc_model::test::{TraceProtocol, TraceTest};
use cnc_model::{Destination, Test};

use super::{PingArgs, Protocol, SpeedArgs, Strategy, TraceArgs};

/// The port that TCP traces go to where none is given: the one that is open most often.
const DEFAULT_TCP_PORT: NonZeroU16 = NonZeroU16::new(443).expect("443 is not 0");

impl PingArgs {
    /// Gives the test that was asked for.
    ///
    /// # Errors
    /// Names the first value that is out of bounds.
    pub fn test(&self) -> Result<PingTest, InvalidTest> {
        let protocol = match (self.tcp, self.udp) {
            (Some(port), _) => PingProtocol::Tcp(port),
            (None, Some(port)) => PingProtocol::Udp(port),
            (None, None) => PingProtocol::Icmp,
        };
        let test = PingTest {
            destination: Destination::Host(self.host.clone()),
            family: self.family.into(),
            protocol,
            count: self.count,
            interval: self.interval,
            pacing: if self.poisson { Pacing::Poisson } else { Pacing::Fixed },
            timeout: self.timeout,
            payload_bytes: self.size,
        };
        Test::Ping(test.clone()).checked()?;
        Ok(test)
    }
}

impl TraceArgs {
    /// Gives the test that was asked for.
    ///
    /// # Errors
    /// Names the first value that is out of bounds.
    pub fn test(&self) -> Result<TraceTest, InvalidTest> {
        let protocol = match self.protocol {
            Protocol::Icmp => TraceProtocol::Icmp,
            Protocol::Udp => TraceProtocol::Udp(self.port),
            Protocol::Tcp => TraceProtocol::Tcp(self.port.unwrap_or(DEFAULT_TCP_PORT)),
        };
        let test = TraceTest {
            destination: Destination::Host(self.host.clone()),
            family: self.family.into(),
            protocol,
            strategy: self.strategy.into(),
            rounds: self.rounds,
            interval: self.interval,
            max_hops: self.max_hops,
            names: !self.numeric,
        };
        Test::Trace(test.clone()).checked()?;
        Ok(test)
    }
}

impl SpeedArgs {
    /// Gives the test that was asked for, the same for each direction.
    ///
    /// # Errors
    /// Names the first value that is out of bounds.
    pub fn test(&self) -> Result<ThroughputTest, InvalidTest> {
        let default = ThroughputTest::against(ThroughputPeer::Url(self.url.clone()));
        let test = ThroughputTest {
            flows: self.flows.unwrap_or(default.flows),
            most_flows: self.flows.unwrap_or(default.most_flows),
            duration: self.time,
            max_bytes: self.max_bytes,
            stops_early: !self.full,
            ..default
        };
        Test::Download(test.clone()).checked()?;
        Ok(test)
    }
}

impl From<Strategy> for Multipath {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Classic => Self::Classic,
            Strategy::Paris => Self::Paris,
            Strategy::Dublin => Self::Dublin,
        }
    }
}
