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
