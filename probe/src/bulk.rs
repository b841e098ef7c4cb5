//! Receiving in bulk, at both ends: what only has to be counted is thrown away where it lies. Of a plain connection Linux
//! drops it in the kernel, without copying it; elsewhere, and under TLS, it goes through one buffer over and over.
//! And the bodies of HTTP/1.1 requests that are received so.

mod arriving;
mod framing;
mod gathered;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

pub use arriving::Arriving;
pub use framing::Framing;
pub use gathered::Gathered;

/// The most that is thrown away at once.
#[cfg(target_os = "linux")]
const ROOM_BYTES: usize = 1 << 20;
/// The same where it has to be read: as much as stays in the processor's cache.
#[cfg(not(target_os = "linux"))]
const ROOM_BYTES: usize = 128 << 10;
/// Lets the kernel throw away what a read would give (tcp(7)).
#[cfg(target_os = "linux")]
const DROPPED: i32 = libc::MSG_TRUNC;
#[cfg(not(target_os = "linux"))]
const DROPPED: i32 = 0;

/// Room for what is thrown away; nobody looks into it.
pub struct Room(Box<[MaybeUninit<u8>]>);

impl Default for Room {
    fn default() -> Self {
        Self(Box::new_uninit_slice(ROOM_BYTES))
    }
}

/// A stream whose bytes can be thrown away unseen.
pub trait Discard {
    /// Throws away at most `most` of what has come, and tells how much that was: nothing once the stream is at its end.
    ///
    /// # Errors
    /// Fails as a read does.
    fn poll_discard(&mut self, cx: &mut Context<'_>, room: &mut Room, most: u64) -> Poll<io::Result<u64>>;

    /// Is told that much will come, where reading can be made ready for that.
    fn expect_much(&mut self) {}
}

/// Throws away as [`Discard::poll_discard`] does, and waits until there is something.
///
/// # Errors
/// Fails as a read does.
pub async fn discard(stream: &mut (impl Discard + ?Sized), room: &mut Room, most: u64) -> io::Result<u64> {
    // Liveness: the sender sends, ends or breaks off; the caller bounds it.
    poll_fn(|cx| stream.poll_discard(cx, room, most)).await
}

/// Throws away what has come over a TCP connection.
///
/// # Errors
/// Fails as a read does.
pub fn poll_discard_tcp(stream: &TcpStream, cx: &mut Context<'_>, room: &mut Room, most: u64) -> Poll<io::Result<u64>> {
    let most = usize::try_from(most).map_or(ROOM_BYTES, |most| most.min(ROOM_BYTES));
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let drop = || SockRef::from(stream).recv_with_flags(&mut room.0[..most], DROPPED);
        match stream.try_io(Interest::READABLE, drop) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            dropped => return Poll::Ready(dropped.map(|bytes| bytes as u64)),
        }
    }
}

impl<S: Discard + ?Sized> Discard for Box<S> {
    fn poll_discard(&mut self, cx: &mut Context<'_>, room: &mut Room, most: u64) -> Poll<io::Result<u64>> {
        (**self).poll_discard(cx, room, most)
    }

    fn expect_much(&mut self) {
        (**self).expect_much();
    }
}

impl Discard for TcpStream {
    fn poll_discard(&mut self, cx: &mut Context<'_>, room: &mut Room, most: u64) -> Poll<io::Result<u64>> {
        poll_discard_tcp(self, cx, room, most)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Discard for client::TlsStream<Gathered<S>> {
    fn poll_discard(&mut self, cx: &mut Context<'_>, _: &mut Room, most: u64) -> Poll<io::Result<u64>> {
        poll_discard_buffered(self, cx, most)
    }

    fn expect_much(&mut self) {
        self.get_mut().0.gather();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Discard for server::TlsStream<Gathered<S>> {
    fn poll_discard(&mut self, cx: &mut Context<'_>, _: &mut Room, most: u64) -> Poll<io::Result<u64>> {
        poll_discard_buffered(self, cx, most)
    }

    fn expect_much(&mut self) {
        self.get_mut().0.gather();
    }
}

/// Throws away what TLS has made readable: at most a record, which was authenticated.
fn poll_discard_buffered(
    stream: &mut (impl AsyncBufRead + Unpin),
    cx: &mut Context<'_>,
    most: u64,
) -> Poll<io::Result<u64>> {
    let come = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?.len();
    let come = usize::try_from(most).map_or(come, |most| come.min(most));
    Pin::new(stream).consume(come);
    Poll::Ready(Ok(come as u64))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn exactly_as_much_as_is_wanted_is_thrown_away() {
        const BYTES: u64 = 3_000_000;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let connecting = TcpStream::connect(listener.local_addr().expect("bound"));
        let (near, far) = tokio::join!(connecting, listener.accept());
        let (mut near, mut far) = (near.expect("connects"), far.expect("accepted").0);
        let sending = async move {
            far.write_all(&vec![7; usize::try_from(BYTES).expect("small")]).await.expect("room");
            far.write_all(b"after").await.expect("room");
        };
        let reading = async {
            let (mut room, mut left) = (Room::default(), BYTES);
            while left > 0 {
                left -= discard(&mut near, &mut room, left).await.expect("it comes");
            }
            let mut after = [0; 5];
            near.read_exact(&mut after).await.expect("it comes");
            assert_eq!(&after, b"after");
            assert_eq!(discard(&mut near, &mut room, 1).await.expect("an end"), 0);
        };
        tokio::join!(sending, reading);
    }
}
