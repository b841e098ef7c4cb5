//! A stream that is read in large pieces, although who reads it, as TLS does, asks for small ones.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at once when much comes: some records of TLS, and less than the processor's cache holds.
const GATHERED_BYTES: usize = 128 << 10;

/// A stream, and what was read of it ahead. Until told that much will come it reads nothing ahead and holds no memory.
#[derive(Debug)]
pub struct Gathered<S> {
    stream: S,
    ahead: Box<[u8]>,
    /// Where what was read ahead begins and ends.
    left: std::ops::Range<usize>,
}

impl<S> Gathered<S> {
    /// Wraps a stream.
    pub fn new(stream: S) -> Self {
        Self { stream, ahead: Box::default(), left: 0..0 }
    }

    /// Gives the stream. What was read ahead of it does not come from it again.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Reads large pieces from now on: much will come.
    pub fn gather(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = vec![0; GATHERED_BYTES].into();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.left.is_empty() {
            if buffer.remaining() >= this.ahead.len() {
                return Pin::new(&mut this.stream).poll_read(cx, buffer);
            }
            let mut ahead = ReadBuf::new(&mut this.ahead);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut ahead))?;
            this.left = 0..ahead.filled().len();
        }
        let some = this.left.len().min(buffer.remaining());
        buffer.put_slice(&this.ahead[this.left.start..this.left.start + some]);
        this.left.start += some;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_read_ahead_comes_in_order_and_once() {
        const BYTES: usize = 3 * GATHERED_BYTES + 5;
        let sent: Vec<u8> = (0..BYTES).map(|nth| u8::try_from(nth % 251).expect("small")).collect();
        let (mut far, near) = tokio::io::duplex(GATHERED_BYTES * 2);
        let mut near = Gathered::new(near);
        let writing = async {
            far.write_all(&sent).await.expect("read");
            drop(far);
        };
        let reading = async {
            let mut come = vec![0; 10];
            near.read_exact(&mut come).await.expect("it comes");
            near.gather();
            let mut piece = [0; 4_096];
            loop {
                let read = near.read(&mut piece).await.expect("no fault");
                if read == 0 {
                    break come;
                }
                come.extend_from_slice(&piece[..read]);
            }
        };
        let ((), come) = tokio::join!(writing, reading);
        assert!(come == sent);
    }
}
