//! When the next probe of a ping is due.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::time::Duration;

use cnc_model::ping::Pacing;
use cnc_model::test::PingTest;
use tokio::time::{Instant, Sleep, sleep_until};

/// The sends of one ping. A time that passed while the machine slept is skipped: nothing is caught up with.
#[derive(Debug)]
pub(super) struct Pace {
    pacing: Pacing,
    interval: Duration,
    next: Instant,
    random: u64,
}

/// A pace that is waited for.
pub(super) struct Ticks {
    pace: Pace,
    sleep: Pin<Box<Sleep>>,
}

impl Ticks {
    /// Makes the pace of a test, whose first probe is due when it begins.
    pub(super) fn of(test: &PingTest, began: Instant) -> Self {
        Self { pace: Pace::of(test, began), sleep: Box::pin(sleep_until(began)) }
    }

    /// Waits until the next probe is due. Dropped before that, it has changed nothing.
    pub(super) async fn tick(&mut self) {
        self.sleep.as_mut().await;
        self.pace.pass(Instant::now());
        self.sleep.as_mut().reset(self.pace.next());
    }
}

impl Pace {
    /// Makes the pace of a test, whose first probe is due when it begins.
    pub(super) fn of(test: &PingTest, began: Instant) -> Self {
        // Nothing secret depends on it; it differs between any two pings, so that they do not go in step.
        let random = RandomState::new().hash_one(std::process::id());
        Self { pacing: test.pacing, interval: test.interval, next: began, random }
    }

    /// Gives when the next probe is due.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Goes on to the probe after the one that was due and is sent now.
    pub(super) fn pass(&mut self, now: Instant) {
        let due = self.next;
        let next = due + self.gap();
        self.next = if next > now { next } else { self.after(due, now) };
    }

    fn gap(&mut self) -> Duration {
        let drawn = self.draw();
        self.pacing.gap(self.interval, drawn)
    }

    /// Gives the first time after now, where others were missed.
    fn after(&mut self, due: Instant, now: Instant) -> Instant {
        match self.pacing {
            Pacing::Fixed => {
                let missed = now.duration_since(due).as_nanos() % self.interval.as_nanos().max(1);
                now + self.interval.saturating_sub(Duration::from_nanos(u64::try_from(missed).unwrap_or(0)))
            }
            // Such gaps have no memory: from now on is as good as from any other time.
            Pacing::Poisson => now + self.gap(),
        }
    }

    /// Draws a number from 0 up to 1, evenly spread (splitmix64).
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("32 bits are left");
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use cnc_model::Destination;

    use super::*;

    fn pace(pacing: Pacing) -> Ticks {
        let test = PingTest { pacing, interval: Duration::from_millis(100), ..PingTest::to(Destination::Listener) };
        Ticks::of(&test, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn fixed_gaps_are_all_the_same_and_those_that_passed_are_skipped() {
        let began = Instant::now();
        let mut pace = pace(Pacing::Fixed);
        for n in 0..5 {
            pace.tick().await;
            assert_eq!(began.elapsed(), Duration::from_millis(100 * n));
        }
        tokio::time::advance(Duration::from_millis(530)).await;
        pace.tick().await;
        assert_eq!(began.elapsed(), Duration::from_millis(930));
        pace.tick().await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn poisson_gaps_differ_and_their_mean_is_the_interval_s() {
        let mut pace = pace(Pacing::Poisson);
        pace.tick().await;
        let (began, mut before) = (Instant::now(), Instant::now());
        let mut gaps = Vec::new();
        for _ in 0..2_000 {
            pace.tick().await;
            gaps.push(before.elapsed());
            before = Instant::now();
        }
        let (shortest, longest) = (gaps.iter().min().expect("many"), gaps.iter().max().expect("many"));
        // The clock of tests goes in whole milliseconds.
        assert!(
            *shortest >= Duration::from_millis(10) && *longest <= Duration::from_millis(251),
            "{shortest:?} {longest:?}"
        );
        let mean = began.elapsed() / 2_000;
        assert!(mean.abs_diff(Duration::from_millis(92)) < Duration::from_millis(8), "{mean:?}");
    }
}
