//! The bytes that throughput tests move: fixed noise, so that nothing on the way can make them fewer.

use std::sync::LazyLock;

use bytes::Bytes;

/// The largest piece handed over at once: large enough that the work for each piece does not count.
pub(crate) const MAX_PIECE: usize = 1 << 20;

static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
    // Any odd start does: it must not compress, and nothing secret depends on it.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_ne_bytes()
    });
    words.take(MAX_PIECE / 8).flatten().collect()
});

/// Gives a piece of at most [`MAX_PIECE`] bytes. Nothing is copied.
pub(crate) fn piece(bytes: u64) -> Bytes {
    NOISE.slice(..usize::try_from(bytes).map_or(MAX_PIECE, |bytes| bytes.min(MAX_PIECE)))
}
