//! The search for the largest size that arrives. Sends nothing itself.

use std::net::IpAddr;
use std::time::Duration;

use cnc_model::mtu::{MIN_V4_BYTES, MIN_V6_BYTES};

use super::PathMtu;
use crate::ProbeError;

/// The longest packet that IP knows without jumbograms.
const MAX_BYTES: u32 = 65_535;
/// How long the first packet's answer may take.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Sizes that links have: of IPv6's least, tunnels, VPNs, `PPPoE`, Ethernet and its long frames. They are tried before
/// those in between, for each size too long that nobody tells of costs the whole wait.
const COMMON: [u32; 14] =
    [1_280, 1_300, 1_350, 1_400, 1_420, 1_440, 1_450, 1_454, 1_460, 1_472, 1_480, 1_492, 1_500, 9_000];
/// The most "too big" answers that are followed: a path that narrows more often does not exist.
const MAX_NARROWINGS: u32 = 32;

/// What became of one packet, after all its tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrived, and an answer came after this time.
    Arrived(Duration),
    /// A router cannot pass it on, and says what it could.
    TooBig { next: u32, from: IpAddr },
    /// The interface here cannot send it, and takes this much.
    TooLong(u32),
    /// Nothing came, or nothing that tells of its size.
    Silent,
}

/// How much is done before a size counts as silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// It is tried again, for packets get lost.
    Quick,
    /// It is tried until nothing else can have held the answer back: the result rests on it.
    Sure,
}

/// Sends one packet of a size and waits for its fate.
pub(super) trait Prober {
    async fn probe(&mut self, bytes: u32, wait: Duration, care: Care) -> Result<Fate, ProbeError>;
}

/// Finds the largest size that arrives, and puts what is known so far into `found` as it goes.
pub(super) async fn search<P: Prober>(prober: &mut P, is_v4: bool, found: &mut PathMtu) -> Result<(), ProbeError> {
    let min = if is_v4 { MIN_V4_BYTES } else { MIN_V6_BYTES };
    // The least size that is known not to arrive, and how that is known; and the least of which somebody told.
    let (mut fails, mut how) = (MAX_BYTES + 1, Known::Told);
    if let Fate::TooLong(mtu) = prober.probe(MAX_BYTES, Duration::ZERO, Care::Quick).await? {
        found.interface_bytes = Some(mtu);
        fails = mtu.saturating_add(1);
    }
    let mut told = (fails, how);
    found.probes += 1;
    let Fate::Arrived(rtt) = prober.probe(min, FIRST_WAIT, Care::Sure).await? else { return Ok(()) };
    let wait = (rtt * 2 + Duration::from_millis(100)).min(FIRST_WAIT);
    let mut arrives = min;
    let mut narrowings = 0;
    // Silence is taken for granted until the end, and the least size that was silent is made sure of then: if that
    // does not arrive, nothing larger does.
    let (mut care, mut is_sure) = (Care::Quick, false);
    loop {
        found.path_bytes = Some(arrives);
        let next = following(arrives, fails, how);
        let (size, care_now) = match (arrives < next, how) {
            (true, _) => (next, care),
            (false, Known::Unsaid) if !is_sure => (fails, Care::Sure),
            (false, _) => break,
        };
        found.probes += 1;
        match prober.probe(size, wait, care_now).await? {
            Fate::Arrived(_) => {
                arrives = size;
                if size >= fails {
                    ((fails, how), care) = (told, Care::Sure);
                }
            }
            Fate::TooBig { next: takes, from } if narrowings < MAX_NARROWINGS => {
                narrowings += 1;
                found.limited_by = Some(from);
                // What the router could pass on is the largest that can arrive.
                let sensible = (arrives..size).contains(&takes);
                told = if sensible { (takes + 1, Known::Told) } else { (size, Known::Said) };
                (fails, how) = told;
            }
            Fate::TooBig { .. } | Fate::Silent => {
                (fails, how) = (size, Known::Unsaid);
                is_sure = care_now == Care::Sure;
            }
            Fate::TooLong(mtu) => (fails, how) = (size.min(mtu.saturating_add(1)), Known::Said),
        }
    }
    found.black_hole = how == Known::Unsaid;
    Ok(())
}

/// How it is known that a size does not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Somebody told what is too long, and what is not.
    Told,
    /// Somebody said so, without a size.
    Said,
    /// Nothing came.
    Unsaid,
}

/// Chooses the next size between one that arrives and one that does not: the largest below where somebody told it,
/// else the middle one of those that links have, and where there is none of them left, the middle.
fn following(arrives: u32, fails: u32, how: Known) -> u32 {
    let largest = fails - 1;
    if how == Known::Told || largest <= arrives {
        return largest;
    }
    let between: Vec<_> = COMMON.into_iter().filter(|size| (arrives + 1..fails).contains(size)).collect();
    match between.get(between.len() / 2) {
        Some(common) => *common,
        None if COMMON.contains(&arrives) => arrives + 1,
        None => arrives + (fails - arrives) / 2,
    }
}

#[cfg(test)]
mod tests;
