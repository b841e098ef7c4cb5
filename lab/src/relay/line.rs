//! One direction of a delayed wire: which frames are lost, and when each of the others goes on.
//! Pure; times are nanoseconds of whatever clock the caller has.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::scenario::{Direction, Loss};

/// Frames on their way at once: 1 s of full frames at 780 Mbit/s, or 100 MB. One more is dropped and counted.
const MOST_HELD: usize = 65_536;

const MILLION: u64 = 1_000_000;

/// What a direction did so far; written by the relay, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// IP packets that could have been lost, the lost ones included.
    pub(crate) packets: AtomicU64,
    pub(crate) lost: AtomicU64,
    /// Dropped because [`MOST_HELD`] were on their way.
    pub(crate) overflowed: AtomicU64,
    /// Dropped because the other port took no more.
    pub(crate) refused: AtomicU64,
    /// Dropped by the kernel because the relay did not take them in fast enough.
    pub(crate) missed: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Frames in flight, in the order they came.
pub(crate) struct Line {
    delay: u64,
    jitter: u64,
    loss: Option<Loss>,
    random: SplitMix,
    seen: PerProtocol,
    held: VecDeque<(u64, Vec<u8>)>,
    last_release: u64,
    counters: Arc<Counters>,
}

impl Line {
    pub(crate) fn new(direction: &Direction, counters: Arc<Counters>) -> Self {
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            delay: nanos(direction.delay),
            jitter: nanos(direction.jitter),
            loss: direction.loss,
            random: SplitMix(direction.seed),
            seen: PerProtocol::default(),
            held: VecDeque::new(),
            last_release: 0,
            counters,
        }
    }

    /// Takes a frame that arrived at `arrived`, or loses it.
    pub(crate) fn take(&mut self, frame: &[u8], arrived: u64) {
        if let Some(protocol) = losable(frame) {
            Counters::count(&self.counters.packets);
            if self.loses(protocol) {
                Counters::count(&self.counters.lost);
                return;
            }
        }
        if self.held.len() >= MOST_HELD {
            Counters::count(&self.counters.overflowed);
            return;
        }
        let jitter = if self.jitter == 0 { 0 } else { self.random.below(self.jitter + 1) };
        // Never before its forerunner: jitter bends times, not order.
        self.last_release = self.last_release.max(arrived.saturating_add(self.delay).saturating_add(jitter));
        self.held.push_back((self.last_release, frame.to_vec()));
    }

    /// When the next frame is due.
    pub(crate) fn next_release(&self) -> Option<u64> {
        self.held.front().map(|(release, _)| *release)
    }

    /// Gives the next frame if it is due.
    pub(crate) fn give(&mut self, now: u64) -> Option<Vec<u8>> {
        self.held.pop_front_if(|(release, _)| *release <= now).map(|(_, frame)| frame)
    }

    fn loses(&mut self, protocol: Protocol) -> bool {
        match self.loss {
            None => false,
            Some(Loss::Random(ppm)) => self.random.below(MILLION) < u64::from(ppm),
            Some(Loss::Every(n)) => self.seen.count(protocol).is_multiple_of(u64::from(n)),
        }
    }
}

/// An IP version and protocol number, as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Protocol(usize);

/// How many packets of each protocol came by. Counted apart so that a session's TCP does not change which packets
/// of a ping beside it are lost.
struct PerProtocol([u64; 512]);

impl Default for PerProtocol {
    fn default() -> Self {
        Self([0; 512])
    }
}

impl PerProtocol {
    fn count(&mut self, Protocol(index): Protocol) -> u64 {
        self.0[index] += 1;
        self.0[index]
    }
}

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
/// Neighbour and router discovery, RFC 4861.
const DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// The protocol of a packet that may be lost. `None` for what keeps the link itself going: ARP, neighbour discovery,
/// multicast membership (the only user of IPv6's hop-by-hop header here).
fn losable(frame: &[u8]) -> Option<Protocol> {
    let kind = frame.get(12..14)?;
    if kind == IPV4 {
        return Some(Protocol(usize::from(*frame.get(23)?)));
    }
    if kind != IPV6 {
        return None;
    }
    let next = *frame.get(20)?;
    let discovery = next == ICMPV6 && DISCOVERY.contains(frame.get(54)?);
    (!discovery && next != HOP_BY_HOP).then_some(Protocol(256 + usize::from(next)))
}

/// The `SplitMix64` generator: small, seeded, and the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the product's upper half is below the bound")
    }
}

#[cfg(test)]
mod tests;
