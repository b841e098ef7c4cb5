//! Random secrets and the hashes that are stored in their place.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Random bytes of a token: 256 bits cannot be guessed.
const TOKEN_BYTES: usize = 32;

/// Draws a token of 256 random bits, written as 64 hexadecimal digits.
#[must_use]
pub fn token() -> String {
    let mut bytes = [0; TOKEN_BYTES];
    fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(2 * TOKEN_BYTES), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}

/// Draws 64 random bits.
#[must_use]
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// Gives the SHA-256 by which a secret is stored and looked up.
#[must_use]
pub fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has a source of randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (token(), token());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_ne!(hash(one.as_bytes()), hash(other.as_bytes()));
    }
}
