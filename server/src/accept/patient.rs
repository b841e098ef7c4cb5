//! A connection that is given up when its peer reads nothing of what is written to it for too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The connection with its patience. The timer runs only while a write waits.
pub(super) struct Patient<S, F> {
    stream: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    told: Option<F>,
}

impl<S, F: FnOnce()> Patient<S, F> {
    /// Wraps a connection; `told` is called once when the patience is over.
    pub(super) const fn new(stream: S, patience: Duration, told: F) -> Self {
        Self { stream, patience, waiting: None, told: Some(told) }
    }

    /// Looks at how a write went: progress ends the wait, a wait that is too long fails.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        if waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if let Some(told) = self.told.take() {
            told();
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for Patient<S, F> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin, F: FnOnce() + Unpin> AsyncWrite for Patient<S, F> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, closed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        const PATIENCE: Duration = Duration::from_mins(1);
        let given_up = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&given_up);
        let (near, mut far) = tokio::io::duplex(16);
        let mut patient = Patient::new(near, PATIENCE, move || {
            counting.fetch_add(1, Ordering::Relaxed);
        });
        let slow = tokio::spawn(async move {
            let mut buffer = [0; 8];
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE / 2).await;
                far.read_exact(&mut buffer).await.expect("there is more");
            }
            far
        });
        patient.write_all(&[1; 80]).await.expect("it is read, slowly");
        let far = slow.await.expect("no panic");
        let error = patient.write_all(&[1; 80]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(given_up.load(Ordering::Relaxed), 1);
        drop(far);
    }
}
