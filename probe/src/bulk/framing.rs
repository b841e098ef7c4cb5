//! Where the payload lies in the body of an HTTP/1.1 message (RFC 9112, sections 6 and 7). Pure; payload itself it never
//! sees.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};
use thiserror::Error;

/// The most bytes of chunk extensions and trailers in one body: nobody sends any, so it is more than enough.
const MOST_EXTRAS: u64 = 16 << 10;
/// The most digits of a chunk's size, leading zeros included: as many as a size can have.
const MOST_DIGITS: u8 = 16;

/// What has come of a body, and what may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    next: Next,
    extras: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// So much payload, which ends the body.
    Last(u64),
    /// So much payload of a chunk.
    Chunk(u64),
    /// The end of the line behind a chunk's payload, `\r` seen or not.
    ChunkEnd(bool),
    /// A chunk's size: what was read of it, and how many digits that was.
    Size(u64, u8),
    /// What may stand behind a size, of so many bytes.
    Extension(u64),
    /// The `\n` behind a size.
    SizeEnd(u64),
    /// A trailer's line; whether it has anything.
    Trailer(bool),
    /// The `\n` of a trailer's line; whether that had anything.
    TrailerEnd(bool),
}

/// A body that is not framed as HTTP/1.1 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the body's chunks make no sense")]
pub struct Misframed;

impl Framing {
    /// Reads from a request's headers how its body is framed; `None` where it has none, or one that is told in another
    /// way or in two.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let one = |name| {
            let mut all = headers.get_all(name).iter();
            all.next().filter(|_| all.next().is_none()).map(HeaderValue::as_bytes)
        };
        match (headers.contains_key(TRANSFER_ENCODING), headers.contains_key(CONTENT_LENGTH)) {
            (true, false) => one(TRANSFER_ENCODING)?.eq_ignore_ascii_case(b"chunked").then(Self::chunked),
            (false, true) => {
                let text = str::from_utf8(one(CONTENT_LENGTH)?).ok()?;
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| is_number).map(|bytes| Self { next: Next::Last(bytes), extras: 0 })
            }
            (true, true) | (false, false) => None,
        }
    }

    const fn chunked() -> Self {
        Self { next: Next::Size(0, 0), extras: 0 }
    }

    /// Tells whether the body is at its end.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.next, Next::Last(0))
    }

    /// Gives how much payload certainly comes next; none where its framing does.
    #[must_use]
    pub const fn payload(&self) -> u64 {
        match self.next {
            Next::Last(bytes) | Next::Chunk(bytes) => bytes,
            Next::ChunkEnd(_)
            | Next::Size(..)
            | Next::Extension(_)
            | Next::SizeEnd(_)
            | Next::Trailer(_)
            | Next::TrailerEnd(_) => 0,
        }
    }

    /// Takes note of so much payload, which is no more than [`Self::payload`].
    pub const fn took(&mut self, bytes: u64) {
        match self.next {
            Next::Last(left) => self.next = Next::Last(left.saturating_sub(bytes)),
            Next::Chunk(left) if bytes < left => self.next = Next::Chunk(left - bytes),
            Next::Chunk(_) => self.next = Next::ChunkEnd(false),
            Next::ChunkEnd(_)
            | Next::Size(..)
            | Next::Extension(_)
            | Next::SizeEnd(_)
            | Next::Trailer(_)
            | Next::TrailerEnd(_) => {}
        }
    }

    /// Reads framing up to payload or the end, and gives how many of the bytes that was.
    ///
    /// # Errors
    /// Fails where the bytes are no such framing.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, Misframed> {
        let mut read = 0;
        while let (0, false, Some(&byte)) = (self.payload(), self.is_over(), bytes.get(read)) {
            self.next = self.step(byte)?;
            read += 1;
        }
        Ok(read)
    }

    fn step(&mut self, byte: u8) -> Result<Next, Misframed> {
        let next = match (self.next, byte) {
            (Next::ChunkEnd(false), b'\r') => Next::ChunkEnd(true),
            (Next::ChunkEnd(true), b'\n') => Next::Size(0, 0),
            (Next::Size(size, 1..) | Next::Extension(size), b'\r') => Next::SizeEnd(size),
            (Next::Size(size, 1..), b';' | b' ' | b'\t') => Next::Extension(size),
            (Next::Size(size, digits @ ..MOST_DIGITS), digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Misframed)?;
                // So many digits never are too much.
                Next::Size(size << 4 | u64::from(digit), digits + 1)
            }
            (Next::SizeEnd(0) | Next::TrailerEnd(true), b'\n') => Next::Trailer(false),
            (Next::SizeEnd(size), b'\n') => Next::Chunk(size),
            (Next::TrailerEnd(false), b'\n') => Next::Last(0),
            (Next::Trailer(has_any), b'\r') => Next::TrailerEnd(has_any),
            (extra @ Next::Extension(_), other) if other != b'\n' => self.extra(extra)?,
            (Next::Trailer(_), other) if other != b'\n' => self.extra(Next::Trailer(true))?,
            // A line's end is both of its bytes, and nothing else has any of them.
            _ => return Err(Misframed),
        };
        Ok(next)
    }

    fn extra(&mut self, next: Next) -> Result<Next, Misframed> {
        self.extras += 1;
        if self.extras > MOST_EXTRAS { Err(Misframed) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framing(headers: &[(&'static str, &'static str)]) -> Option<Framing> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Framing::of(&headers.iter().map(header).collect())
    }

    #[test]
    fn headers_tell_how_a_body_is_framed() {
        let length = |bytes| Some(Framing { next: Next::Last(bytes), extras: 0 });
        let cases: [(&[_], _); 8] = [
            (&[("content-length", "12")], length(12)),
            (&[("transfer-encoding", "Chunked")], Some(Framing::chunked())),
            (&[], None),
            (&[("content-length", "+12")], None),
            (&[("content-length", "12"), ("content-length", "12")], None),
            (&[("content-length", "99999999999999999999")], None),
            (&[("transfer-encoding", "gzip, chunked")], None),
            (&[("transfer-encoding", "chunked"), ("content-length", "3")], None),
        ];
        for (headers, expected) in cases {
            assert_eq!(framing(headers), expected, "{headers:?}");
        }
    }

    /// Takes a body in such pieces apart, and gives its payload and what is left behind it.
    fn taken(mut framing: Framing, bytes: &[u8], piece: usize) -> Result<(u64, usize, bool), Misframed> {
        let (mut payload, mut at) = (0, 0);
        while at < bytes.len() && !framing.is_over() {
            let some = &bytes[at..bytes.len().min(at + piece)];
            let sure = framing.payload().min(some.len() as u64);
            if sure > 0 {
                framing.took(sure);
                payload += sure;
                at += usize::try_from(sure).expect("a piece");
            } else {
                at += framing.read(some)?;
            }
        }
        Ok((payload, bytes.len() - at, framing.is_over()))
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let long = format!("1;{}\r\nx\r\n", "e".repeat(17 << 10));
        let trailing = format!("0\r\n{}\r\n", "X: 1\r\n".repeat(5 << 10));
        let strange =
            ["\r\n", "x\r\n", "5\n", "1\r\nxy\r\n", "1\r\nx\n", "10000000000000000\r\n", ";\r\n", &long, &trailing];
        let endless = ["00000000000000001\r\nx", "0\r\n\r\r\n", "0\r\nX: 1\r\r\n\r\n", "0\r\nX: 1\n\r\n", "0\r\n\n"];
        for bytes in strange.into_iter().chain(endless) {
            assert_eq!(taken(Framing::chunked(), bytes.as_bytes(), 7), Err(Misframed), "{bytes:.20}");
        }
    }

    proptest! {
        #[test]
        fn chunks_are_taken_apart_however_they_come(
            sizes in prop::collection::vec(1_usize..3_000, 0..8), piece in 1_usize..2_000, trailer in any::<bool>(),
        ) {
            let mut body = Vec::new();
            for (nth, size) in sizes.iter().enumerate() {
                let extension = if nth % 2 == 0 { "" } else { ";a=b" };
                body.extend_from_slice(format!("{size:x}{extension}\r\n").as_bytes());
                body.extend(std::iter::repeat_n(b'\r', *size));
                body.extend_from_slice(b"\r\n");
            }
            let trailer = if trailer { "X-Sum: 1\r\n" } else { "" };
            body.extend_from_slice(format!("0\r\n{trailer}\r\nafter").as_bytes());
            let payload = sizes.iter().sum::<usize>() as u64;
            prop_assert_eq!(taken(Framing::chunked(), &body, piece), Ok((payload, 5, true)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1_usize..20) {
            let taken = taken(Framing::chunked(), &bytes, piece);
            prop_assert!(taken.is_err() || taken.is_ok_and(|(payload, left, _)| payload + left as u64 <= bytes.len() as u64));
        }
    }
}
