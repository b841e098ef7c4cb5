//! The clocks of an RTT: the kernel's stamps where both can be trusted, else the program's own for both ends.
//!
//! The kernel stamps packets by the wall clock, which may be stepped while a probe is under way; the program's own
//! times are of the steady clock. What is of one never meets what is of the other, except to find a step.

use std::time::Duration;

use cnc_model::ping::Clock;
use rustix::time::{ClockId, clock_gettime};

/// A time of the wall clock, in nanoseconds since 1970: what the kernel stamps packets with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wall(i64);

/// One moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The steady clock when the reading of clocks began, in nanoseconds.
    began: i64,
    /// The steady clock when it ended.
    ended: i64,
    wall: Wall,
    /// Between these lies how far the wall clock is ahead of the steady one; only a step changes it.
    ahead: (i64, i64),
}

/// When a packet was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Just before, by the program's clocks.
    pub(crate) before: Moment,
    /// By the kernel's stamp, where there is one.
    pub(crate) stamp: Option<Wall>,
}

/// How far readings on two cores may differ without a step.
const SLACK: i64 = 1_000;

/// A reading that took no longer finds any step that would matter; one that took longer was interrupted.
const SHARP: i64 = 10_000;

/// How often clocks are read in the hope of a sharp reading: being interrupted thrice in a row is rare.
const READINGS: u32 = 3;

impl Wall {
    pub(crate) const fn new(seconds: i64, nanos: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    pub(crate) fn now() -> Self {
        Self(read(ClockId::Realtime))
    }

    /// Gives the time a while later.
    #[cfg(target_os = "linux")]
    pub(crate) fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Moment {
    /// Reads both clocks.
    pub(crate) fn now() -> Self {
        let mut best = Self::reading();
        let began = best.began;
        for _ in 1..READINGS {
            if best.ended - best.began <= SHARP {
                break;
            }
            let again = Self::reading();
            if again.width() < best.width() {
                best = again;
            } else {
                best.ended = again.ended;
            }
        }
        Self { began, ..best }
    }

    fn reading() -> Self {
        let began = read(ClockId::Monotonic);
        let wall = Wall::now();
        let ended = read(ClockId::Monotonic);
        Self { began, ended, wall, ahead: (wall.0 - ended, wall.0 - began) }
    }

    const fn width(&self) -> i64 {
        self.ahead.1 - self.ahead.0
    }

    /// Gives the moment by the wall clock.
    #[cfg(target_os = "linux")]
    pub(crate) const fn wall(&self) -> Wall {
        self.wall
    }

    /// Gives the time passed since an earlier moment, by the steady clock.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        duration(self.began.saturating_sub(earlier.ended))
    }

    /// Says whether a packet stamped at `stamp` can be the one whose sending began at this moment and ended at `end`.
    pub(crate) fn sent_at(&self, stamp: Wall, end: Wall) -> bool {
        stamp.0 >= self.wall.0 - SLACK && stamp.0 <= end.0 + SLACK
    }

    /// Whether the wall clock may have run on without a step since an earlier moment.
    const fn is_in_step_with(&self, earlier: &Self) -> bool {
        self.ahead.0 <= earlier.ahead.1 + SLACK && earlier.ahead.0 <= self.ahead.1 + SLACK
    }
}

/// Gives the time from the send to the arrival, and whose clock took both.
///
/// `before` was read just before the send and `after` just after the receipt; the stamps are the kernel's of the same
/// two packets. These are used unless one is missing, they contradict the program's own times, or the wall clock was
/// stepped meanwhile.
pub(crate) fn round_trip(
    before: &Moment,
    sent: Option<Wall>,
    received: Option<Wall>,
    after: &Moment,
) -> (Duration, Clock) {
    let own = after.began.saturating_sub(before.ended);
    if let (Some(sent), Some(received)) = (sent, received) {
        let stamped = received.0.saturating_sub(sent.0);
        if stamped > 0 && stamped <= own.saturating_add(SLACK) && after.is_in_step_with(before) {
            return (duration(stamped), Clock::Kernel);
        }
    }
    (duration(own), Clock::User)
}

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    Wall::new(time.tv_sec, time.tv_nsec).0
}

fn duration(nanos: i64) -> Duration {
    // The steady clock does not go back: at least one nanosecond passed.
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const MS: i64 = 1_000_000;

    /// A sharp reading, `ahead` telling how far the wall clock is ahead.
    fn at(steady: i64, ahead: i64) -> Moment {
        let wall = Wall(steady + ahead);
        Moment { began: steady, ended: steady + 50, wall, ahead: (ahead - 50, ahead) }
    }

    #[test]
    fn stamps_are_used_unless_they_cannot_be_true() {
        let ahead = 1_000 * SECOND;
        let (before, after) = (at(0, ahead), at(45 * MS, ahead));
        let stamp = |steady: i64| Some(Wall(ahead + steady));
        let kernel = (Duration::from_millis(40), Clock::Kernel);
        let user = (Duration::from_nanos(45_000_000 - 50), Clock::User);
        let check = |what, sent, received, after: Moment, expected| {
            assert_eq!(round_trip(&before, sent, received, &after), expected, "{what}");
        };
        check("both", stamp(MS), stamp(41 * MS), after, kernel);
        check("none at the send", None, stamp(41 * MS), after, user);
        check("none at the arrival", stamp(MS), None, after, user);
        check("before the send", stamp(MS), stamp(MS), after, user);
        check("longer than the whole", stamp(-MS), stamp(45 * MS), after, user);
        // The same packets, but the wall clock went forth or back by 2 ms meanwhile, before or after the arrival.
        for step in [2 * MS, -2 * MS, SECOND, -SECOND] {
            let stepped = at(45 * MS, ahead + step);
            check("step, then arrival", stamp(MS), stamp(41 * MS + step), stepped, user);
            check("arrival, then step", stamp(MS), stamp(41 * MS), stepped, user);
        }
    }

    #[test]
    fn clocks_read_one_after_the_other_are_in_step_and_go_on() {
        for _ in 0..1_000 {
            let (before, after) = (Moment::now(), Moment::now());
            assert!(after.is_in_step_with(&before), "{before:?} {after:?}");
            assert!(after.began >= before.ended && before.ended >= before.began);
            assert!(before.sent_at(after.wall, Wall::now()));
        }
    }
}
