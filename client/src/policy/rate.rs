//! Probes a second, over all tests of a session: a token bucket that running tests hold a part of. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::Refusal;

/// Probes a second that a session may send for as long as it likes.
const SUSTAINED: u64 = 100;
/// Probes that may be sent at one time on top.
const BURST: u64 = 64;
/// Accounts are kept in millionths of a probe, so that no rounding adds up.
const MICRO: u64 = 1_000_000;

/// The most that a test sends in any time: so many at once, and from then on at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Envelope {
    burst: u64,
    /// Millionths of a probe a second; zero for a test that is over with its burst.
    micro_rate: u64,
}

impl Envelope {
    /// Nothing at all.
    pub(super) const NONE: Self = Self { burst: 0, micro_rate: 0 };

    /// Describes a test that is over with so many probes.
    pub(super) const fn burst(burst: u64) -> Self {
        Self { burst, micro_rate: 0 }
    }

    /// Describes a test that sends `each` probes every `interval`, `count` in all. One that is faster than the rate
    /// may still be so short that it is no more than a burst.
    pub(super) fn of(each: u64, interval: Duration, count: u64) -> Self {
        let micro_rate = u128::from(each) * 1_000_000 * u128::from(MICRO) / interval.as_micros().max(1);
        let micro_rate = u64::try_from(micro_rate).unwrap_or(u64::MAX);
        if micro_rate > SUSTAINED * MICRO && count <= BURST {
            return Self { burst: count, micro_rate: 0 };
        }
        Self { burst: each, micro_rate }
    }

    /// Tells whether it could ever be admitted.
    pub(super) const fn check(self) -> Result<(), Refusal> {
        if self.micro_rate > SUSTAINED * MICRO {
            return Err(Refusal::Rate { asked: self.micro_rate.div_ceil(MICRO), max: SUSTAINED });
        }
        if self.burst > BURST {
            return Err(Refusal::Burst { asked: self.burst, max: BURST });
        }
        Ok(())
    }

    /// Gives what the test holds of the bucket's size while it runs: what it sends again every interval.
    const fn held_burst(self) -> u64 {
        if self.micro_rate == 0 { 0 } else { self.burst }
    }
}

/// The bucket. A test that begins takes its part of both the size and the rate out of it and gives them back when it
/// has ended, so that whatever the tests do, all together keep to one bucket of [`BURST`] at [`SUSTAINED`].
#[derive(Debug)]
pub(super) struct Rates {
    micro_tokens: u64,
    at: Instant,
    micro_held_rate: u64,
    held_burst: u64,
}

impl Rates {
    /// Makes a full bucket.
    pub(super) const fn new(now: Instant) -> Self {
        Self { micro_tokens: BURST * MICRO, at: now, micro_held_rate: 0, held_burst: 0 }
    }

    /// Takes a test's part, or says when to ask again: at a time, or (`None`) when another test has ended.
    pub(super) fn reserve(&mut self, envelope: Envelope, now: Instant) -> Result<(), Option<Instant>> {
        self.refill(now);
        let fits = self.micro_held_rate + envelope.micro_rate <= SUSTAINED * MICRO
            && self.held_burst + envelope.burst <= BURST;
        if !fits {
            return Err(None);
        }
        let missing = (envelope.burst * MICRO).saturating_sub(self.micro_tokens);
        if missing > 0 {
            // A microsecond more than exact: rounding must not make the caller ask forever.
            let micros = (missing * 1_000_000).checked_div(SUSTAINED * MICRO - self.micro_held_rate);
            return Err(micros.map(|micros| now + Duration::from_micros(micros + 1)));
        }
        self.micro_tokens -= envelope.burst * MICRO;
        self.micro_held_rate += envelope.micro_rate;
        self.held_burst += envelope.held_burst();
        Ok(())
    }

    /// Gives a test's part back. What it may just have sent comes back with time only.
    pub(super) fn release(&mut self, envelope: Envelope, now: Instant) {
        self.refill(now);
        self.micro_held_rate = self.micro_held_rate.saturating_sub(envelope.micro_rate);
        self.held_burst = self.held_burst.saturating_sub(envelope.held_burst());
    }

    fn refill(&mut self, now: Instant) {
        let micros = u64::try_from(now.saturating_duration_since(self.at).as_micros()).unwrap_or(u64::MAX);
        let gained = u128::from(micros) * u128::from(SUSTAINED * MICRO - self.micro_held_rate) / 1_000_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.micro_tokens = self.micro_tokens.saturating_add(gained).min((BURST - self.held_burst) * MICRO);
        // Only whole microseconds are counted: the rest is for the next time.
        self.at += Duration::from_micros(micros);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is asked when, and for however long it runs: probes from any moment on stay within one bucket.
        #[test]
        fn all_tests_together_keep_to_one_bucket(
            asked in prop::collection::vec((1_u64..70, 1_u64..3_000, 1_u64..50, 0_u64..400), 1..60),
        ) {
            let start = Instant::now();
            let (mut rates, mut now) = (Rates::new(start), start);
            let mut running = Vec::<(Instant, Envelope)>::new();
            let mut sends = Vec::<(u64, u64)>::new();
            for (each, interval_ms, rounds, pause_ms) in asked {
                now += Duration::from_millis(pause_ms);
                running.retain(|&(ends, envelope)| {
                    if ends <= now {
                        rates.release(envelope, now);
                    }
                    ends > now
                });
                let interval = Duration::from_millis(interval_ms);
                let envelope = Envelope::of(each, interval, each * rounds);
                if envelope.check().is_err() || rates.reserve(envelope, now).is_err() {
                    continue;
                }
                let began = u64::try_from((now - start).as_micros()).expect("short");
                let last = now + interval * u32::try_from(rounds - 1).expect("few");
                running.push((last, envelope));
                sends.extend((0..rounds).map(|n| (began + interval_ms * 1_000 * n, each)));
            }
            sends.sort_unstable();
            for (n, &(from, _)) in sends.iter().enumerate() {
                let mut sent = 0;
                for &(at, probes) in &sends[n..] {
                    sent += probes;
                    prop_assert!(sent <= BURST + SUSTAINED * (at - from) / 1_000_000 + 1, "{sent} in {} us", at - from);
                }
            }
        }
    }

    #[test]
    fn an_empty_bucket_says_when() {
        let now = Instant::now();
        let mut rates = Rates::new(now);
        let burst = Envelope::of(1, Duration::from_millis(1), 60);
        assert_eq!(rates.reserve(burst, now), Ok(()));
        let later = rates.reserve(burst, now).expect_err("only 4 left").expect("refills");
        assert_eq!(later - now, Duration::from_micros(560_001));
        assert_eq!(rates.reserve(burst, later), Ok(()));
    }

    #[test]
    fn what_others_hold_is_waited_for() {
        let now = Instant::now();
        for (envelope, at_once) in [
            (Envelope::of(1, Duration::from_millis(10), 1_000), 1),
            (Envelope::of(30, Duration::from_secs(1), 300), 2),
            (Envelope::of(1, Duration::from_secs(1), 10), 64),
        ] {
            let mut rates = Rates::new(now);
            for _ in 0..at_once {
                assert_eq!(rates.reserve(envelope, now), Ok(()));
            }
            let then = now + Duration::from_secs(10);
            assert_eq!(rates.reserve(envelope, then), Err(None));
            rates.release(envelope, then);
            let refilled = then + Duration::from_secs(10);
            assert_eq!(rates.reserve(envelope, refilled), Ok(()));
        }
    }
}
