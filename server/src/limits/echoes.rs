//! How many UDP echoes each source is given. Pure: `now` is an argument.

use std::collections::HashMap;
use std::time::Duration;

use super::Source;

/// The echoes a second that one source is given for ever, in packets of the usual 1,500 bytes: twenty clients of one
/// office, each as fast as its policy lets it.
pub const ECHOES_A_SECOND: u32 = 2_000;
/// The echoes that may be wanted at once: what those clients send in a second.
pub const ECHOES_AT_ONCE: u32 = 2_000;
/// What counts as one echo, in bytes of payload.
const PACKET_BYTES: usize = 1_472;
/// Sources remembered in each of two generations, some 3 MB in all. When one is full the older one is forgotten: only
/// datagrams with a session's token come this far.
const REMEMBERED: usize = 32_768;

/// Who was given how many.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    recent: HashMap<Source, Left>,
    older: HashMap<Source, Left>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    echoes: f64,
    at: Duration,
}

impl Echoes {
    /// Takes a datagram of so many bytes, tells whether it may be given back. One that may not costs nothing.
    pub(super) fn take(&mut self, source: Source, bytes: usize, now: Duration) -> bool {
        let full = Left { echoes: ECHOES_AT_ONCE.into(), at: now };
        let known = self.older.remove(&source).or_else(|| self.recent.get(&source).copied()).unwrap_or(full);
        let gained = now.saturating_sub(known.at).as_secs_f64() * f64::from(ECHOES_A_SECOND);
        let echoes = (known.echoes + gained).min(full.echoes);
        let cost = f64::from(u32::try_from(bytes.div_ceil(PACKET_BYTES).max(1)).unwrap_or(u32::MAX));
        let is_given = cost <= echoes;
        self.keep(source, Left { echoes: if is_given { echoes - cost } else { echoes }, at: now });
        is_given
    }

    fn keep(&mut self, source: Source, left: Left) {
        if self.recent.len() >= REMEMBERED && !self.recent.contains_key(&source) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(source, left);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(n: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn so_many_at_once_and_then_no_more_than_the_rate() {
        let mut echoes = Echoes::default();
        let mut given = |bytes, at| (0..5_000).filter(|_| echoes.take(source(1), bytes, at)).count();
        assert_eq!(given(56, Duration::ZERO), 2_000);
        assert_eq!(given(56, Duration::from_millis(10)), 20);
        assert_eq!(given(1_472, Duration::from_millis(20)), 20);
        assert_eq!(given(1_473, Duration::from_millis(30)), 10, "two packets each");
        assert_eq!(given(65_507, Duration::from_mins(1)), 44);
        assert!(echoes.take(source(2), 56, Duration::from_mins(1)), "others are not held up");
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let mut echoes = Echoes::default();
        for n in 0..5 * u32::try_from(REMEMBERED).expect("small") {
            assert!(echoes.take(source(n), 56, Duration::ZERO));
            assert!(echoes.recent.len() + echoes.older.len() <= 2 * REMEMBERED);
        }
    }
}
