//! The connection beneath one request: hyper drives it, until a body of known length comes that only has to be counted.
//! That goes past hyper, straight from the connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::{Connection, Parts};

use super::super::open::Io;
use crate::bulk::{Room, discard};

/// The connection of one request, driven by whoever waits for something beside it.
pub(super) struct Line<B: Body + 'static> {
    connection: Connection<Io, B>,
    is_over: bool,
}

impl<B> Line<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    pub(super) const fn of(connection: Connection<Io, B>) -> Self {
        Self { connection, is_over: false }
    }

    /// Does what the connection is needed for.
    // Liveness: the work's, whose time its caller bounds.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if !self.is_over {
            tokio::select! {
                done = &mut work => return done,
                // The connection is at its end; what it has brought may still be read.
                _ = poll_fn(|cx| self.connection.poll_without_shutdown(cx)) => self.is_over = true,
            }
        }
        work.await
    }

    /// Tells `wants_more` how much of a body comes each time, until it does not or the body is at its end; says what
    /// broke it off before.
    // Liveness: dropped when the test's time is over.
    pub(super) async fn count(
        mut self,
        mut body: Incoming,
        mut wants_more: impl FnMut(u64) -> bool,
    ) -> Result<(), String> {
        if self.is_over || body.size_hint().exact().is_none() {
            return self.beside(frames(body, wants_more)).await;
        }
        // Hyper may have read the body's beginning: taken apart already, and as it came.
        while let Some(frame) = at_hand(&mut body) {
            if !wants_more(payload(&frame.map_err(|error| words(&error))?)) {
                return Ok(());
            }
        }
        let mut left = body.size_hint().exact().unwrap_or_default();
        let Parts { io, read_buf, .. } = self.connection.into_parts();
        let (mut io, mut room) = (io.into_inner(), Room::default());
        let mut come = left.min(read_buf.len() as u64);
        while wants_more(come) {
            left -= come;
            if left == 0 {
                break;
            }
            come = discard(&mut *io, &mut room, left).await.map_err(|error| error.to_string())?;
            if come == 0 {
                return Err("the connection ended before all had come".to_owned());
            }
        }
        Ok(())
    }
}

/// Counts a body that hyper takes apart.
async fn frames(mut body: Incoming, mut wants_more: impl FnMut(u64) -> bool) -> Result<(), String> {
    // Liveness: dropped when the test's time is over.
    while let Some(frame) = body.frame().await {
        if !wants_more(payload(&frame.map_err(|error| words(&error))?)) {
            break;
        }
    }
    Ok(())
}

/// Gives what of a body is there, without waiting.
fn at_hand(body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
    match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(frame) => frame,
        Poll::Pending => None,
    }
}

fn payload(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, Bytes::len) as u64
}

/// Puts hyper's error into words, with the cause that it keeps behind.
pub(super) fn words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
