//! The body of a request as it arrives over a connection that is its alone: counted, and thrown away.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Discard, Framing, Room, discard};

/// How much is read at once where framing is looked for: a chunk's lines, and little of its payload.
const LINE_BYTES: usize = 256;

/// A connection that a body arrives over.
pub struct Arriving<S> {
    stream: S,
    framing: Framing,
    /// What was read of the body ahead.
    ahead: Vec<u8>,
    room: Room,
}

impl<S: AsyncRead + Discard + Unpin> Arriving<S> {
    /// Takes a connection whose next bytes are the body's, those `ahead` aside, which were read already.
    #[must_use]
    pub fn new(mut stream: S, framing: Framing, ahead: Vec<u8>) -> Self {
        stream.expect_much();
        Self { stream, framing, ahead, room: Room::default() }
    }

    /// Waits for payload and gives its length; none at the body's end.
    ///
    /// # Errors
    /// Fails when the sender breaks off, or does not send chunks as HTTP/1.1 has them.
    // Liveness: the sender sends, ends or breaks off; the caller bounds it.
    pub async fn next(&mut self) -> io::Result<u64> {
        while !self.framing.is_over() {
            let payload = self.framing.payload();
            if payload > 0 {
                let come = if self.ahead.is_empty() {
                    discard(&mut self.stream, &mut self.room, payload).await?
                } else {
                    self.skip(usize::try_from(payload).unwrap_or(usize::MAX).min(self.ahead.len()))
                };
                if come == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.framing.took(come);
                return Ok(come);
            }
            if self.ahead.is_empty() {
                let mut line = [0; LINE_BYTES];
                let read = self.stream.read(&mut line).await?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.ahead.extend_from_slice(&line[..read]);
            }
            let read = self.framing.read(&self.ahead).map_err(io::Error::other)?;
            self.skip(read);
        }
        Ok(0)
    }

    /// Gives the connection back.
    pub fn into_stream(self) -> S {
        self.stream
    }

    fn skip(&mut self, bytes: usize) -> u64 {
        self.ahead.drain(..bytes);
        bytes as u64
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, ready};

    use http::{HeaderMap, HeaderValue, header};
    use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadBuf};

    use super::*;

    impl Discard for DuplexStream {
        fn poll_discard(&mut self, cx: &mut Context<'_>, _: &mut Room, most: u64) -> Poll<io::Result<u64>> {
            let mut bytes = [0; 1_000];
            let mut buffer = ReadBuf::new(&mut bytes[..usize::try_from(most.min(1_000)).expect("small")]);
            ready!(std::pin::Pin::new(self).poll_read(cx, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len() as u64))
        }
    }

    async fn counted(body: &[u8], ahead: usize, ends: bool) -> io::Result<(u64, Vec<u8>)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        let framing = Framing::of(&headers).expect("chunks");
        let (mut far, near) = tokio::io::duplex(100_000);
        far.write_all(&body[ahead..]).await.expect("room");
        let mut arriving = Arriving::new(near, framing, body[..ahead].to_vec());
        if ends {
            drop(far);
        }
        let mut sum = 0;
        loop {
            match arriving.next().await? {
                0 => break,
                bytes => sum += bytes,
            }
        }
        Ok((sum, arriving.ahead))
    }

    #[tokio::test]
    async fn a_body_is_counted_to_its_end_and_no_further() {
        let body = [b"7d0\r\n".as_slice(), &[b'x'; 2_000], b"\r\n3\r\nabc\r\n0\r\n\r\nGET"].concat();
        for ahead in [0, 2, 5, 100, 2_005, 2_010, body.len()] {
            let (sum, after) = counted(&body, ahead, false).await.expect("whole");
            assert_eq!((sum, after.as_slice()), (2_003, b"GET".as_slice()), "{ahead}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told() {
        for body in [b"5\r\nabc".as_slice(), b"5\r\nabcde", b"5\r\nabcde\r\n0\r\n", b""] {
            let error = counted(body, 0, true).await.expect_err("broken off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{body:?}");
        }
    }
}
