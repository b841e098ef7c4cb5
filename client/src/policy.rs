//! The client's own policy: what a listener may make this machine do, whatever it says. Pure; `now` is an argument.
//!
//! It binds instructions, never what the user types on their own command line. A test is held against it twice: its
//! parameters before it begins ([`Policy::admit`]), and the address that its name turned out to have, right before
//! that address is used ([`Addresses::check`]).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::{Failure, Reason, Test, TestId};
use thiserror::Error;
use tokio::time::Instant;

use self::address::{Class, class};
use self::rate::{Envelope, Rates};

mod address;
mod rate;

/// The longest that a listener may make bytes flow in one test.
pub const MAX_LOAD: Duration = Duration::from_mins(1);
/// The most bytes of one throughput test.
pub const MAX_TEST_BYTES: u64 = 1_000_000_000;
/// The most bytes of all throughput tests of a session.
pub const MAX_SESSION_BYTES: u64 = 3_000_000_000;
/// On metered links byte limits are this many times lower.
pub const METERED_DIVISOR: u64 = 10;
/// The most bytes a second that one ping sends: 1 Mbit/s. Large probes at the full rate would be a load.
pub const MAX_PING_BYTES_PER_SECOND: u64 = 125_000;

/// What the user allowed beyond the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// Private addresses of this network.
    pub lan: bool,
    /// This machine itself.
    pub loopback: bool,
}

/// What the policy knows of where the client stands.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The address at which the stream reaches the listener.
    pub listener: Option<IpAddr>,
    /// Default gateways.
    pub gateways: Vec<IpAddr>,
    /// Configured DNS servers.
    pub resolvers: Vec<IpAddr>,
    /// This machine's own addresses.
    pub own: Vec<IpAddr>,
    /// Whether bytes cost money here.
    pub metered: bool,
}

/// Which addresses may be measured.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    allowed: Allowed,
    surroundings: Surroundings,
}

/// The policy with its accounts for one session.
#[derive(Debug)]
pub struct Policy {
    addresses: Addresses,
    agreed: Vec<String>,
    rates: Rates,
    running: HashMap<TestId, Reserved>,
    /// Bytes that throughput tests have moved or may still move.
    moved_bytes: u64,
}

/// What a running test holds of the policy's accounts.
#[derive(Debug, Clone, Copy)]
struct Reserved {
    envelope: Envelope,
    bytes: u64,
}

/// What becomes of a test that wants to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may begin, as given here: its byte limit may be lower than asked.
    Admit(Test),
    /// Other tests use up the allowed rate: ask again at this time, or when one of them has ended.
    Wait(Option<Instant>),
    /// It must not run.
    Refuse(Refusal),
}

/// Why something is refused, in words for the user and the support person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Too many probes a second.
    #[error("it asks for {asked} probes a second, and this client sends at most {max}")]
    Rate {
        /// Probes a second, rounded up.
        asked: u64,
        /// The most.
        max: u64,
    },
    /// Too many probes at one time.
    #[error("it sends {asked} probes at once, and this client sends at most {max}")]
    Burst {
        /// Probes at once.
        asked: u64,
        /// The most.
        max: u64,
    },
    /// A ping that would be a load.
    #[error("its probes make {asked} bytes a second, and this client sends at most {MAX_PING_BYTES_PER_SECOND}")]
    PingBytes {
        /// Bytes a second.
        asked: u64,
    },
    /// Bytes would flow for too long.
    #[error("it asks for {} s of load, and this client allows at most {} s", .asked.as_secs(), MAX_LOAD.as_secs())]
    LoadTime {
        /// The asked time.
        asked: Duration,
    },
    /// Too many bytes for one test.
    #[error("it may move {} MB, and this client allows at most {} MB a test", .asked / 1_000_000, MAX_TEST_BYTES / 1_000_000)]
    LoadBytes {
        /// The asked bytes.
        asked: u64,
    },
    /// The session's bytes are used up.
    #[error("this session's speed tests have used up the {} MB that this client allows", .max / 1_000_000)]
    SessionBytes {
        /// The most bytes of a session.
        max: u64,
    },
    /// A speed test against somebody who was not agreed to.
    #[error("a speed test against {peer} was not part of what the user agreed to")]
    Peer {
        /// The asked peer, its host and port.
        peer: String,
    },
    /// An address of the user's own network.
    #[error("{address} is an address of a private network")]
    Private {
        /// The address.
        address: IpAddr,
    },
    /// This machine itself.
    #[error("{address} is this computer itself")]
    Loopback {
        /// The address.
        address: IpAddr,
    },
    /// An address that is no single host.
    #[error("{address} is not the address of a single host")]
    NoHost {
        /// The address.
        address: IpAddr,
    },
}

impl Refusal {
    /// Says what would help, where something would.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Private { .. } => Some("the user can allow it by starting cnc with --allow-lan"),
            Self::Loopback { .. } => Some("the user can allow it by starting cnc with --allow-loopback"),
            Self::Rate { .. } | Self::PingBytes { .. } => Some("ask for a longer interval"),
            Self::Burst { .. } => Some("ask for fewer hops"),
            Self::LoadTime { .. } | Self::LoadBytes { .. } => Some("ask for less"),
            Self::Peer { .. } => Some("put it in the plan, so that the user sees it before agreeing"),
            Self::SessionBytes { .. } => Some("a new session begins anew"),
            Self::NoHost { .. } => None,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let failure = Self::new(Reason::RefusedByPolicy, format!("refused by this client: {refusal}"));
        match refusal.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl Addresses {
    /// Holds the address that a name turned out to have against the rules.
    ///
    /// # Errors
    /// Says why this address must not be measured.
    pub fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        let Surroundings { listener, gateways, resolvers, own, metered: _ } = &self.surroundings;
        let address = address.to_canonical();
        let always = listener.iter().chain(gateways).chain(resolvers);
        if always.into_iter().any(|known| known.to_canonical() == address) {
            return Ok(());
        }
        let class = if own.contains(&address) { Class::Loopback } else { class(address) };
        match class {
            Class::Public => Ok(()),
            Class::Private if self.allowed.lan => Ok(()),
            Class::Loopback if self.allowed.loopback => Ok(()),
            Class::Private => Err(Refusal::Private { address }),
            Class::Loopback => Err(Refusal::Loopback { address }),
            Class::NoHost => Err(Refusal::NoHost { address }),
        }
    }
}

impl Policy {
    /// Begins a session's accounts.
    #[must_use]
    pub fn new(allowed: Allowed, surroundings: Surroundings, now: Instant) -> Self {
        let (rates, running) = (Rates::new(now), HashMap::new());
        let addresses = Addresses { allowed, surroundings };
        Self { addresses, agreed: Vec::new(), rates, running, moved_bytes: 0 }
    }

    /// Takes in what the user agreed to: speed tests against these tests' peers may run from here on.
    pub fn agree(&mut self, planned: &[Test]) {
        self.agreed.extend(planned.iter().filter_map(|test| match test {
            Test::Download(load) | Test::Upload(load) => authority(&load.peer),
            Test::System | Test::Ping(_) | Test::Trace(_) | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => None,
        }));
    }

    /// Takes in where the client stands now: a reconnected stream may reach the listener elsewhere.
    pub fn surround(&mut self, surroundings: Surroundings) {
        self.addresses.surroundings = surroundings;
    }

    /// Holds a test that wants to begin against the rules, and reserves what it needs when it may.
    pub fn admit(&mut self, id: TestId, test: &Test, now: Instant) -> Verdict {
        match test {
            Test::System => Verdict::Admit(Test::System),
            Test::Ping(ping) => match check_ping(ping) {
                Ok(envelope) => self.reserve_rate(id, test, envelope, now),
                Err(refusal) => Verdict::Refuse(refusal),
            },
            Test::Trace(trace) => match check_trace(trace) {
                Ok(envelope) => self.reserve_rate(id, test, envelope, now),
                Err(refusal) => Verdict::Refuse(refusal),
            },
            Test::Mtu(_) => self.reserve_rate(id, test, MTU, now),
            Test::Dns(_) => self.reserve_rate(id, test, DNS, now),
            Test::Http(_) => self.reserve_rate(id, test, HTTP, now),
            Test::Download(load) => self.reserve_bytes(id, load).map_or_else(Verdict::Refuse, |max_bytes| {
                Verdict::Admit(Test::Download(ThroughputTest { max_bytes, ..load.clone() }))
            }),
            Test::Upload(load) => self.reserve_bytes(id, load).map_or_else(Verdict::Refuse, |max_bytes| {
                Verdict::Admit(Test::Upload(ThroughputTest { max_bytes, ..load.clone() }))
            }),
        }
    }

    /// Gives the rules for addresses as they stand, for the moment when a name has been resolved.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Gives back what an admitted test held; `bytes` are those that it really moved, for a throughput test.
    pub fn ended(&mut self, id: TestId, bytes: u64, now: Instant) {
        if let Some(reserved) = self.running.remove(&id) {
            self.rates.release(reserved.envelope, now);
            self.moved_bytes = self.moved_bytes.saturating_sub(reserved.bytes).saturating_add(bytes);
        }
    }

    fn reserve_rate(&mut self, id: TestId, test: &Test, envelope: Envelope, now: Instant) -> Verdict {
        match self.rates.reserve(envelope, now) {
            Ok(()) => {
                self.running.insert(id, Reserved { envelope, bytes: 0 });
                Verdict::Admit(test.clone())
            }
            Err(later) => Verdict::Wait(later),
        }
    }

    /// Gives the bytes that the test may move.
    fn reserve_bytes(&mut self, id: TestId, load: &ThroughputTest) -> Result<u64, Refusal> {
        if let Some(peer) = authority(&load.peer).filter(|peer| !self.agreed.contains(peer)) {
            return Err(Refusal::Peer { peer });
        }
        if load.duration > MAX_LOAD {
            return Err(Refusal::LoadTime { asked: load.duration });
        }
        if load.max_bytes > MAX_TEST_BYTES {
            return Err(Refusal::LoadBytes { asked: load.max_bytes });
        }
        let divisor = if self.addresses.surroundings.metered { METERED_DIVISOR } else { 1 };
        let max = MAX_SESSION_BYTES / divisor;
        let left = max.saturating_sub(self.moved_bytes);
        if left == 0 {
            return Err(Refusal::SessionBytes { max });
        }
        let bytes = load.max_bytes.min(MAX_TEST_BYTES / divisor).min(left);
        self.moved_bytes += bytes;
        self.running.insert(id, Reserved { envelope: Envelope::NONE, bytes });
        Ok(bytes)
    }
}

/// A search for the path's MTU sends one packet at a time, a few dozen at the most.
const MTU: Envelope = Envelope::burst(32);
/// Questions to DNS servers: three kinds to each of as many servers as are asked, each sent twice at the most.
const DNS: Envelope = Envelope::burst(48);
/// One request, each phase of a packet or two.
const HTTP: Envelope = Envelope::burst(8);

fn check_ping(ping: &PingTest) -> Result<Envelope, Refusal> {
    /// Headers of IPv6 and ICMP, the larger case.
    const HEADERS: u64 = 48;
    // Random gaps may all be the shortest for a while.
    let gap = ping.pacing.shortest_gap(ping.interval);
    let envelope = Envelope::of(1, gap, u64::from(ping.count));
    envelope.check()?;
    let each = u64::from(ping.payload_bytes) + HEADERS;
    let asked = u128::from(each) * 1_000_000 / gap.as_micros().max(1);
    let asked = u64::try_from(asked).unwrap_or(u64::MAX);
    let in_all = each * u64::from(ping.count);
    if asked.min(in_all) > MAX_PING_BYTES_PER_SECOND { Err(Refusal::PingBytes { asked }) } else { Ok(envelope) }
}

fn check_trace(trace: &TraceTest) -> Result<Envelope, Refusal> {
    let hops = u64::from(trace.max_hops.get());
    let envelope = Envelope::of(hops, trace.interval, hops * u64::from(trace.rounds));
    envelope.check().map(|()| envelope)
}

/// Gives the host and port of a URL in lower case; `None` for the listener, who needs no agreement.
fn authority(peer: &ThroughputPeer) -> Option<String> {
    let ThroughputPeer::Url(url) = peer else { return None };
    let Ok(uri) = url.parse::<http::Uri>() else { return Some(url.clone()) };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    Some(format!("{}:{port}", uri.host().unwrap_or_default().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
