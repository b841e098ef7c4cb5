//! One session's samples become pieces: by hour, destination, kind and method. Pure; the rows come from the store.

use std::collections::BTreeMap;

use cnc_model::Test;
use cnc_model::test::{PingProtocol, PingTest};
use cnc_proto::support::HistoryKind;

use super::hour_of;
use super::probes::{News, Probes};
use super::tally::{Tally, Unreadable, Values};

/// Which sums a piece belongs to, beside its session's network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PieceKey {
    /// The hour of UTC, from 1970.
    pub(crate) hour: i64,
    /// The destination as the test named it.
    pub(crate) destination: String,
    /// What was measured.
    pub(crate) kind: HistoryKind,
    /// By which method.
    pub(crate) method: String,
}

/// What history wants to know of a ping test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PingAbout {
    /// The destination as it was named.
    pub(crate) destination: String,
    /// By which probes.
    pub(crate) kind: HistoryKind,
    /// By which method.
    pub(crate) method: String,
    /// When it began, by the listener's clock.
    pub(crate) began_us: i64,
}

/// A ping's sample as far as history looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Its number in its test.
    pub(crate) number: u32,
    /// When it was sent, since the test began.
    pub(crate) at_us: i64,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A reply in time.
    Replied {
        /// After so many microseconds.
        rtt_us: u64,
    },
    /// None, or an error.
    Lost,
    /// It could not be sent.
    NotSent,
    /// A reply after the time; its probe is lost.
    Late,
}

/// Sums up a session's samples in the order of their sequences.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pings: BTreeMap<u32, PingFold>,
    loads: Vec<(u32, PieceKey, u64)>,
}

#[derive(Debug)]
struct PingFold {
    about: PingAbout,
    probes: Probes,
    hours: BTreeMap<i64, Hour>,
}

#[derive(Debug, Default)]
struct Hour {
    sent: i64,
    received: i64,
    rtts_us: Vec<u64>,
}

/// What samples came to: the pieces, and for each test what is to be remembered of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Folded {
    pub(crate) pieces: Vec<(PieceKey, Tally)>,
    pub(crate) tests: Vec<(u32, Vec<u8>)>,
}

impl Fold {
    /// Tells whether a ping test was met already.
    pub(crate) fn knows(&self, test: u32) -> bool {
        self.pings.contains_key(&test)
    }

    /// Meets a ping test, with what was remembered of it.
    pub(crate) fn meet(&mut self, test: u32, about: PingAbout, remembered: Option<&[u8]>) -> Result<(), Unreadable> {
        let probes = remembered.map(Probes::decode).transpose()?.unwrap_or_default();
        self.pings.insert(test, PingFold { about, probes, hours: BTreeMap::new() });
        Ok(())
    }

    /// Takes in a sample of a ping test that was met.
    pub(crate) fn probe(&mut self, test: u32, probe: Probe) {
        let Some(ping) = self.pings.get_mut(&test) else { return };
        let news = match probe.fate {
            Fate::Replied { .. } => ping.probes.reply(probe.number),
            Fate::Lost => ping.probes.lost(probe.number),
            Fate::NotSent => ping.probes.not_sent(probe.number),
            Fate::Late => News::default(),
        };
        if news == News::default() {
            return;
        }
        let hour = ping.hours.entry(hour_of(ping.about.began_us.saturating_add(probe.at_us))).or_default();
        hour.sent += i64::from(news.is_sent);
        hour.received += i64::from(news.is_received);
        if let Fate::Replied { rtt_us } = probe.fate {
            hour.rtts_us.push(rtt_us);
        }
    }

    /// Takes in a download's or upload's steady rate that was not counted before.
    pub(crate) fn load(&mut self, test: u32, key: PieceKey, bps: u64) {
        self.loads.push((test, key, bps));
    }

    /// Gives what it came to.
    pub(crate) fn finish(self) -> Folded {
        let mut pieces = BTreeMap::<PieceKey, Tally>::new();
        let mut tests = Vec::with_capacity(self.pings.len() + self.loads.len());
        for (test, PingFold { about, probes, hours }) in self.pings {
            tests.push((test, probes.encode()));
            let PingAbout { destination, kind, method, began_us: _ } = about;
            for (hour, Hour { sent, received, rtts_us }) in hours {
                let key = PieceKey { hour, destination: destination.clone(), kind, method: method.clone() };
                pieces.entry(key).or_default().add(&Tally { count: sent, received, values: Values::of(rtts_us) });
            }
        }
        for (test, key, bps) in self.loads {
            tests.push((test, vec![]));
            pieces.entry(key).or_default().add(&Tally { count: 1, received: 1, values: Values::of(vec![bps]) });
        }
        Folded { pieces: pieces.into_iter().collect(), tests }
    }
}

/// Gives what a test's pings are by; `None` for tests of other kinds.
pub(crate) const fn ping_kind(test: &Test) -> Option<HistoryKind> {
    match test {
        Test::Ping(PingTest { protocol, .. }) => Some(match protocol {
            PingProtocol::Icmp => HistoryKind::PingIcmp,
            PingProtocol::Tcp(_) => HistoryKind::PingTcp,
            PingProtocol::Udp(_) => HistoryKind::PingUdp,
        }),
        Test::System
        | Test::Trace(_)
        | Test::Download(_)
        | Test::Upload(_)
        | Test::Mtu(_)
        | Test::Dns(_)
        | Test::Http(_) => None,
    }
}
