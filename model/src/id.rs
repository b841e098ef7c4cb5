//! What things are called by: sessions, tests, items, and the client's key.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::code::{CROCKFORD, crockford_value};

/// Names one session: 80 bits shown as 16 base-32 characters that sort by creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

/// A text that is no session id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a session id has 16 characters of 0-9 and a-z without i, l, o, u")]
pub struct InvalidSessionId;

const SESSION_ID_CHARS: usize = 16;
const RANDOM_BITS: u32 = 40;
/// 2024-01-01T00:00:00Z: ids count milliseconds from here, which 40 bits hold until 2058.
const EPOCH_UNIX_US: i64 = 1_704_067_200_000_000;

impl SessionId {
    /// Joins the creation time and 40 random bits, so that ids sort by time and do not collide within a millisecond.
    #[must_use]
    pub fn new(created: crate::Timestamp, random: u64) -> Self {
        let since = created.unix_us().saturating_sub(EPOCH_UNIX_US).max(0);
        let millis = u128::from(since.unsigned_abs() / 1_000) & ((1 << 40) - 1);
        Self((millis << RANDOM_BITS) | u128::from(random & ((1 << RANDOM_BITS) - 1)))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..SESSION_ID_CHARS).rev() {
            let value = usize::try_from((self.0 >> (place * 5)) & 31).unwrap_or(0);
            write!(f, "{}", char::from(CROCKFORD[value]).to_ascii_lowercase())?;
        }
        Ok(())
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        if text.len() != SESSION_ID_CHARS {
            return Err(InvalidSessionId);
        }
        text.bytes()
            .try_fold(0_u128, |id, byte| Some((id << 5) | u128::from(crockford_value(byte)?)))
            .map(Self)
            .ok_or(InvalidSessionId)
    }
}

/// Names one test within its session: 1, 2, 3, … in the order of issue, and from beyond [`TestId::MAX_ISSUED`] those
/// that the client ran by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId(u32);

/// A zero, which names no test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("test ids begin at 1")]
pub struct InvalidTestId;

impl TestId {
    /// The first test of a session.
    pub const FIRST: Self = Self(1);
    /// The highest number that a listener gives: a thousand times what one session holds, so that the two kinds never
    /// meet.
    pub const MAX_ISSUED: u32 = 1_000_000;

    /// Names a test that the client ran by itself; `number` counts from 1.
    #[must_use]
    pub const fn own(number: u32) -> Self {
        Self(Self::MAX_ISSUED.saturating_add(number))
    }

    /// Tells whether the client ran it by itself, without having been asked.
    #[must_use]
    pub const fn is_own(self) -> bool {
        self.0 > Self::MAX_ISSUED
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Gives the id after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl TryFrom<u32> for TestId {
    type Error = InvalidTestId;

    fn try_from(value: u32) -> Result<Self, InvalidTestId> {
        if value == 0 { Err(InvalidTestId) } else { Ok(Self(value)) }
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers a session's items from 1; 0 stands before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// Before the first item: nothing sent, nothing acknowledged.
    pub const NONE: Self = Self(0);

    /// Takes the number.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Gives the sequence `count` items further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

/// 256 random bits that the client draws before hello. Whoever holds them is that client; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey([u8; 32]);

impl ClientKey {
    /// Takes the bits.
    #[must_use]
    pub const fn new(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// Gives the bits, for hashing and for the wire.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    proptest! {
        #[test]
        fn session_ids_read_back_and_sort_by_time(us in 0_i64..1 << 49, later in 1_000_i64..1 << 40, random: u64) {
            let created = EPOCH_UNIX_US + us;
            let id = SessionId::new(Timestamp::from_unix_us(created), random);
            prop_assert_eq!(id.to_string().parse::<SessionId>(), Ok(id));
            let next = SessionId::new(Timestamp::from_unix_us(created + later), !random);
            prop_assert!(next > id);
            prop_assert!(next.to_string() > id.to_string());
        }
    }

    #[test]
    fn what_is_no_session_id_is_refused() {
        for text in ["", "0", "uuuuuuuuuuuuuuuu", "0123456789abcdef0", "0123456789abcde\u{e9}"] {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidSessionId), "{text}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", ClientKey::new([7; 32])), "ClientKey(…)");
    }
}
