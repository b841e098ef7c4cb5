//! The body of an upload: noise until its share is sent or the test's time is over.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::Instant;

use super::super::open::Unsent;
use crate::payload;

/// A piece lasts about this long at the flow's own rate: short, so that a slow flow stops in time.
const PIECE_TIME: Duration = Duration::from_millis(10);
/// The smallest piece: each has eight bytes of HTTP's own around it, here 0.05 %, that are no payload.
const MIN_PIECE: u64 = 16 * 1024;

/// What the flows of one upload share.
#[derive(Debug)]
pub(in super::super) struct Sending {
    is_over: AtomicBool,
    sent: AtomicU64,
    limit: u64,
}

impl Sending {
    /// All flows together send so many bytes at the most.
    pub(super) const fn new(limit: u64) -> Self {
        Self { is_over: AtomicBool::new(false), sent: AtomicU64::new(0), limit }
    }

    /// Takes so many bytes of what may still be sent, or what is left of it.
    fn take(&self, bytes: u64) -> u64 {
        let take = |sent: u64| sent + bytes.min(self.limit.saturating_sub(sent));
        let before = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sent| Some(take(sent)));
        let before = before.unwrap_or_else(|sent| sent);
        take(before) - before
    }

    /// Ends all bodies at their next piece.
    pub(super) fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Gives the payload bytes that went out.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// One flow's body.
#[derive(Debug)]
pub(in super::super) struct Noise {
    sending: Arc<Sending>,
    left: u64,
    sent: u64,
    /// When it was first asked for something: flows that are added later have a rate of their own, too.
    began: Option<Instant>,
    unsent: Option<Unsent>,
}

impl Noise {
    pub(in super::super) fn new(sending: &Arc<Sending>, share: u64) -> Self {
        Self { sending: Arc::clone(sending), left: share, sent: 0, began: None, unsent: None }
    }

    /// Goes over a connection whose unsent bytes follow the flow's rate.
    pub(in super::super) fn over(&mut self, unsent: Option<Unsent>) {
        self.unsent = unsent;
    }

    /// Gives how much the flow carries in [`PIECE_TIME`] at its rate so far.
    fn carried(&mut self) -> u64 {
        let elapsed = self.began.get_or_insert_with(Instant::now).elapsed();
        let pieces = (elapsed.as_nanos() / PIECE_TIME.as_nanos()).max(1);
        u64::try_from(u128::from(self.sent) / pieces).unwrap_or(u64::MAX)
    }
}

impl Body for Noise {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 || self.sending.is_over.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let carried = self.carried();
        if let Some(unsent) = &mut self.unsent {
            unsent.follow(carried);
        }
        let bytes = self.sending.take(carried.clamp(MIN_PIECE, payload::MAX_PIECE as u64).min(self.left));
        if bytes == 0 {
            return Poll::Ready(None);
        }
        let piece = payload::piece(bytes);
        self.left -= bytes;
        self.sent += bytes;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_share_is_sent_to_the_byte_and_counted() {
        let sending = Arc::new(Sending::new(u64::MAX));
        let body = Noise::new(&sending, 3_000_001).collect().await.expect("cannot fail");
        assert_eq!((body.to_bytes().len(), sending.sent()), (3_000_001, 3_000_001));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_flow_has_small_pieces_and_stops_at_the_next() {
        let sending = Arc::new(Sending::new(u64::MAX));
        let mut body = Noise::new(&sending, u64::MAX);
        for _ in 0..100 {
            tokio::time::advance(Duration::from_millis(100)).await;
            let piece = body.frame().await.expect("more").expect("cannot fail").into_data().expect("data");
            assert_eq!(piece.len() as u64, MIN_PIECE);
        }
        sending.stop();
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flow_that_is_added_later_goes_by_its_own_time() {
        let sending = Arc::new(Sending::new(u64::MAX));
        let mut first = Noise::new(&sending, u64::MAX);
        first.frame().await.expect("more").expect("cannot fail");
        tokio::time::advance(Duration::from_secs(10)).await;
        let mut later = Noise::new(&sending, u64::MAX);
        let mut largest = 0;
        for _ in 0..20 {
            let piece = later.frame().await.expect("more").expect("cannot fail").into_data().expect("data");
            largest = largest.max(piece.len());
        }
        assert_eq!(largest, payload::MAX_PIECE, "all of it within its first moment");
    }
}
