//! The bytes that throughput tests move: fixed noise, so that nothing on the way can make them fewer.

use std::sync::LazyLock;

use bytes::Bytes;

/// The largest piece handed over at once: large enough that the work for each piece does not count, and small enough to
/// stay in a processor's own cache, out of which it is copied over and over.
pub(crate) const MAX_PIECE: usize = 256 << 10;

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
