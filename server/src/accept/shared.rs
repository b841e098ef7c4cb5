//! A connection that those who answer its requests may look at: how its kernel sees it is part of what is measured.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use cnc_probe::bulk::{Discard, Room, poll_discard_tcp};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connection itself, for the one who serves it.
#[derive(Debug)]
pub(super) struct Shared(Arc<TcpStream>);

/// The connection that a request came over; requests carry it. It keeps nothing open.
#[derive(Debug, Clone)]
pub struct Wire(Weak<TcpStream>);

impl Shared {
    pub(super) fn of(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    pub(super) fn wire(&self) -> Wire {
        Wire(Arc::downgrade(&self.0))
    }
}

impl Wire {
    /// Gives the connection, while it is open.
    #[must_use]
    pub fn socket(&self) -> Option<Arc<TcpStream>> {
        self.0.upgrade()
    }
}

impl Discard for Shared {
    fn poll_discard(&mut self, cx: &mut Context<'_>, room: &mut Room, most: u64) -> Poll<io::Result<u64>> {
        poll_discard_tcp(&self.0, cx, room, most)
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

impl Shared {
    /// Writes once there is room.
    fn poll_with<T>(&self, cx: &mut Context<'_>, write: impl Fn(&TcpStream) -> io::Result<T>) -> Poll<io::Result<T>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn much_goes_both_ways_and_nothing_is_kept_open() {
        const BYTES: usize = 3_000_000;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let connecting = TcpStream::connect(listener.local_addr().expect("bound"));
        let (near, far) = tokio::join!(connecting, listener.accept());
        let (mut near, shared) = (near.expect("connects"), Shared::of(far.expect("accepted").0));
        let wire = shared.wire();
        let (mut read, mut write) = tokio::io::split(shared);
        let answering = async {
            // Whatever comes goes back.
            tokio::io::copy(&mut read, &mut write).await.expect("it goes");
            write.shutdown().await.expect("open");
        };
        let asking = async {
            let (mut from, mut to) = near.split();
            let sending = async {
                to.write_all(&vec![7; BYTES]).await.expect("it goes");
                to.shutdown().await.expect("open");
            };
            let mut back = Vec::new();
            let (read, ()) = tokio::join!(from.read_to_end(&mut back), sending);
            read.expect("it comes back");
            assert!(back.len() == BYTES && back.iter().all(|&byte| byte == 7));
        };
        tokio::join!(answering, asking);
        assert!(wire.socket().is_some());
        drop((read, write));
        assert!(wire.socket().is_none());
    }
}
