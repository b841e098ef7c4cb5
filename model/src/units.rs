//! Units that live in types. Durations are `std::time::Duration`; everything else that has a unit is here.

use std::num::NonZeroU8;

use thiserror::Error;

/// A rate of payload in bits a second: finite and never negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BitRate(f64);

/// A number that is no bit rate.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("a bit rate must be finite and not negative, not {0}")]
pub struct InvalidBitRate(f64);

impl BitRate {
    /// Nothing moved at all.
    pub const ZERO: Self = Self(0.0);

    /// Takes bits a second.
    ///
    /// # Errors
    /// Fails when the number is negative, infinite or not a number.
    pub fn from_bps(bps: f64) -> Result<Self, InvalidBitRate> {
        if bps.is_finite() && bps >= 0.0 { Ok(Self(bps)) } else { Err(InvalidBitRate(bps)) }
    }

    /// Divides bytes moved by the time that they took; zero when no time passed.
    #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are more than any test moves")]
    #[must_use]
    pub fn of(bytes: u64, during: std::time::Duration) -> Self {
        if during.is_zero() { Self::ZERO } else { Self(bytes as f64 * 8.0 / during.as_secs_f64()) }
    }

    /// Gives bits a second.
    #[must_use]
    pub const fn bps(self) -> f64 {
        self.0
    }

    /// Gives megabits (10⁶ bits) a second.
    #[must_use]
    pub fn mbps(self) -> f64 {
        self.0 / 1e6
    }
}

/// An IPv4 time to live or IPv6 hop limit; in a trace, the distance of a hop. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(NonZeroU8);

/// Zero, or more than 255, given as a time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a time to live is a number from 1 to 255, not {0}")]
pub struct InvalidTtl(u32);

impl Ttl {
    /// The nearest hop.
    pub const FIRST: Self = Self(NonZeroU8::MIN);

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl TryFrom<u32> for Ttl {
    type Error = InvalidTtl;

    fn try_from(value: u32) -> Result<Self, InvalidTtl> {
        u8::try_from(value).ok().and_then(NonZeroU8::new).map(Self).ok_or(InvalidTtl(value))
    }
}

impl std::fmt::Display for Ttl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Wall time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_us(us: i64) -> Self {
        Self(us)
    }

    /// Gives microseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_us(self) -> i64 {
        self.0
    }

    /// Gives the wall time a while later, held at the ends of the range.
    #[must_use]
    pub fn after(self, by: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Gives the time from `earlier` to this, zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::fmt::Display for Timestamp {
    /// Shows the time as RFC 3339 in UTC with microseconds: `2026-01-31T09:05:00.250000Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAY_US: i64 = 86_400_000_000;
        let (year, month, day) = civil(self.0.div_euclid(DAY_US));
        let us = self.0.rem_euclid(DAY_US);
        let (seconds, us) = (us / 1_000_000, us % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
    }
}

/// Gives year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here,
/// so that the leap day is a year's last, and 400 years are one era of 146,097 days.
const fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_show_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199_250_000, "2024-02-29T23:59:59.250000Z"),
            (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
            (1_767_225_599_000_001, "2025-12-31T23:59:59.000001Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ];
        for (us, expected) in cases {
            assert_eq!(Timestamp::from_unix_us(us).to_string(), expected);
        }
        // The ends of the range are shown too, whatever they look like.
        assert!(Timestamp::from_unix_us(i64::MIN).to_string() < Timestamp::from_unix_us(i64::MAX).to_string());
    }
}
