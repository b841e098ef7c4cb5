//! The short code that joins a client to a session, made to be read out on the telephone.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Crockford's base-32 alphabet: no I, L, O, U, which are misread or misheard.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Reads one base-32 character as people type it: any case, with I and L for 1 and O for 0.
pub(crate) fn crockford_value(byte: u8) -> Option<u8> {
    let upper = match byte.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    CROCKFORD.iter().position(|&c| c == upper).and_then(|at| u8::try_from(at).ok())
}

const CODE_CHARS: usize = 8;
const CODE_BITS: u32 = 40;

/// 40 bits shown as `K7QX-M2PA`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u64);

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a code has 8 letters or digits, like K7QX-M2PA")]
pub struct InvalidCode;

impl Code {
    /// Makes a code of 40 of the given random bits.
    #[must_use]
    pub const fn from_random(random: u64) -> Self {
        Self(random & ((1 << CODE_BITS) - 1))
    }

    /// Gives the 40 bits, for hashing.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..CODE_CHARS).rev() {
            let value = usize::try_from((self.0 >> (place * 5)) & 31).unwrap_or(0);
            write!(f, "{}", char::from(CROCKFORD[value]))?;
            if place == CODE_CHARS / 2 {
                f.write_str("-")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let mut chars = 0;
        let mut bits = 0;
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            bits = (bits << 5) | u64::from(crockford_value(byte).ok_or(InvalidCode)?);
            chars += 1;
            if chars > CODE_CHARS {
                return Err(InvalidCode);
            }
        }
        if chars == CODE_CHARS { Ok(Self(bits)) } else { Err(InvalidCode) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn codes_read_back(random: u64) {
            let code = Code::from_random(random);
            prop_assert_eq!(code.to_string().parse::<Code>(), Ok(code));
            prop_assert_eq!(code.to_string().to_lowercase().replace('-', " ").parse::<Code>(), Ok(code));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            prop_assert!(text.parse::<Code>().is_ok() || text.parse::<Code>().is_err());
        }
    }

    #[test]
    fn misread_letters_are_taken_for_what_was_meant() {
        assert_eq!("K7QX-MOIL".parse::<Code>(), "K7QX-M011".parse::<Code>());
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "K7QX-M2P", "K7QX-M2PAA", "K7QX-M2PU", "K7QX_M2PA", "K7QX-M2P\u{c4}"] {
            assert_eq!(text.parse::<Code>(), Err(InvalidCode), "{text}");
        }
    }
}
