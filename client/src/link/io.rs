//! The connection to the listener, encrypted or not.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A plain or an encrypted connection.
#[derive(Debug)]
pub(super) struct Io {
    way: Way,
    heard: Heard,
}

#[derive(Debug)]
pub(super) enum Way {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The first words that came over a connection: what answers in another protocol tells by them who it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

/// As much as is kept: HTTP/1.1's first line says enough.
const FIRST_WORDS: usize = 16;

impl Heard {
    /// Gives the status of an answer in HTTP/1.x, if it was one.
    pub(super) fn http1_status(&self) -> Option<u16> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let status = heard.strip_prefix(b"HTTP/1.")?.get(2..5)?;
        std::str::from_utf8(status).ok()?.parse().ok()
    }

    fn hear(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = FIRST_WORDS.saturating_sub(heard.len());
        heard.extend(bytes.iter().take(room));
    }
}

impl Io {
    pub(super) fn new(way: Way) -> Self {
        Self { way, heard: Heard::default() }
    }

    /// Gives what will have been heard over it.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { way, heard } = self.get_mut();
        let before = buf.filled().len();
        let read = match way {
            Way::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Way::Tls(io) => Pin::new(io).poll_read(cx, buf),
        };
        heard.hear(&buf.filled()[before..]);
        read
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().way {
            Way::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Way::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().way {
            Way::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Way::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.way {
            Way::Plain(io) => io.is_write_vectored(),
            Way::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(io) => Pin::new(io).poll_flush(cx),
            Way::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Way::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
