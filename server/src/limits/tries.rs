//! Wrong codes and tokens by address. Pure: `now` is an argument.

use std::collections::HashMap;
use std::time::Duration;

use super::Source;

/// The wrong tries that an address has in `WINDOW`: typing errors of an office, and of 2⁴⁰ codes next to none.
pub const WRONG_TRIES: u32 = 10;
/// How long wrong tries are held against an address, from the first of them.
const WINDOW: Duration = Duration::from_mins(10);
/// Addresses remembered in each of two generations, some 3 MB in all. When one is full the older one is forgotten:
/// whoever owns so many addresses has so many tries anyway.
const REMEMBERED: usize = 32_768;

/// Who tried what was wrong, and how often.
#[derive(Debug, Default)]
pub(super) struct Tries {
    recent: HashMap<Source, Tried>,
    older: HashMap<Source, Tried>,
}

#[derive(Debug, Clone, Copy)]
struct Tried {
    since: Duration,
    wrong: u32,
}

impl Tries {
    /// Counts a try as wrong beforehand; gives the wait when there were too many.
    pub(super) fn begin(&mut self, source: Source, now: Duration) -> Result<(), Duration> {
        let known = self.older.remove(&source).or_else(|| self.recent.get(&source).copied());
        let held = known.filter(|tried| now < tried.since + WINDOW);
        let tried = match held {
            Some(tried) if tried.wrong >= WRONG_TRIES => {
                self.keep(source, tried);
                return Err((tried.since + WINDOW).saturating_sub(now));
            }
            Some(tried) => Tried { wrong: tried.wrong + 1, ..tried },
            None => Tried { since: now, wrong: 1 },
        };
        self.keep(source, tried);
        Ok(())
    }

    /// Takes the last try back.
    pub(super) fn forgive(&mut self, source: Source) {
        for generation in [&mut self.recent, &mut self.older] {
            if let Some(tried) = generation.get_mut(&source) {
                tried.wrong = tried.wrong.saturating_sub(1);
                if tried.wrong == 0 {
                    generation.remove(&source);
                }
                return;
            }
        }
    }

    fn keep(&mut self, source: Source, tried: Tried) {
        if self.recent.len() >= REMEMBERED && !self.recent.contains_key(&source) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(source, tried);
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
    fn too_many_wrong_tries_wait_until_the_window_ends() {
        let mut tries = Tries::default();
        let began = Duration::from_secs(100);
        for n in 0..WRONG_TRIES {
            assert_eq!(tries.begin(source(1), began + Duration::from_secs(n.into())), Ok(()));
        }
        let later = began + Duration::from_mins(4);
        assert_eq!(tries.begin(source(1), later), Err(Duration::from_mins(6)));
        assert_eq!(tries.begin(source(2), later), Ok(()), "others are not held up");
        assert_eq!(tries.begin(source(1), began + WINDOW), Ok(()));
    }

    #[test]
    fn right_tries_do_not_count() {
        let mut tries = Tries::default();
        for _ in 0..10 * WRONG_TRIES {
            assert_eq!(tries.begin(source(1), Duration::ZERO), Ok(()));
            tries.forgive(source(1));
        }
        assert!(tries.recent.is_empty() && tries.older.is_empty());
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let mut tries = Tries::default();
        for n in 0..5 * u32::try_from(REMEMBERED).expect("small") {
            assert_eq!(tries.begin(source(n), Duration::ZERO), Ok(()));
            assert!(tries.recent.len() + tries.older.len() <= 2 * REMEMBERED);
        }
    }
}
