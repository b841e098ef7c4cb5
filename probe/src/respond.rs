//! The responding end of what is measured: a body that sends so many bytes, one that is counted as it arrives, and one
//! that tells those counts while they grow; and a UDP echo. Which path and method bodies answer to, and whom the echo
//! answers, is the server's business.

mod cpu;
pub mod echo;
pub mod runs;
mod sockets;
mod turn;

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use cnc_model::test::MAX_LOAD;
use cnc_model::throughput::SAMPLE_INTERVAL;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

pub use cpu::CpuMeter;
pub use echo::{Asked, EchoSocket};
pub use runs::{Run, RunError, Runs};
pub use sockets::{Attended, keep_short};
pub use turn::{TcpLine, TurnLine};

use crate::bulk::{Arriving, Discard};
use crate::payload;

/// How long counts are told while nothing arrives.
pub const COUNTS_IDLE: Duration = Duration::from_secs(15);
/// How long counts are told at all: the longest test and some time for its start and end.
pub const COUNTS_LIMIT: Duration = MAX_LOAD.saturating_add(Duration::from_mins(1));

/// What the receiver of an upload answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Uploaded {
    /// Payload bytes that arrived in this request.
    pub bytes: u64,
    /// From the request's head to its last byte, in milliseconds.
    pub duration_ms: f64,
}

/// One line of the counts: what has arrived at the receiver, by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// When the count was taken, in milliseconds since the run's first request came in.
    pub at_ms: f64,
    /// Payload bytes that have arrived so far.
    pub bytes: u64,
    /// When the last of them arrived, in milliseconds since the run's first request came in.
    pub last_ms: f64,
}

/// Makes a body of so many bytes of noise. Its length is known beforehand, so it is sent with `Content-Length`.
#[must_use]
pub const fn download(bytes: u64) -> Download {
    Download { left: bytes }
}

/// A body of noise.
#[derive(Debug)]
pub struct Download {
    left: u64,
}

impl Body for Download {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = payload::piece(self.left);
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Takes in the body of an upload, drops its bytes and counts them, in its run too where it belongs to one.
///
/// # Errors
/// Fails when the sender broke off; what had arrived is counted in the run all the same.
pub async fn upload<B>(mut body: B, run: Option<&Run>) -> Result<Uploaded, B::Error>
where
    B: Body + Unpin,
{
    let began = Instant::now();
    if let Some(run) = run {
        run.begin(began);
    }
    let mut bytes = 0;
    let mut last = began;
    // Liveness: the sender ends it or its connection breaks; the server bounds how long a request may take.
    while let Some(frame) = body.frame().await {
        let arrived = frame?.data_ref().map_or(0, |data| data.remaining() as u64);
        bytes += arrived;
        last = Instant::now();
        if let Some(run) = run {
            run.count(arrived, last);
        }
    }
    Ok(Uploaded { bytes, duration_ms: millis(last.duration_since(began)) })
}

/// Does the same with a body that comes over a connection of its own.
///
/// # Errors
/// Fails when the sender broke off, or sent more than `most`; what had arrived is counted in the run all the same.
pub async fn upload_direct<S>(body: &mut Arriving<S>, run: Option<&Run>, most: u64) -> io::Result<Uploaded>
where
    S: AsyncRead + Discard + Unpin,
{
    let began = Instant::now();
    if let Some(run) = run {
        run.begin(began);
    }
    let (mut bytes, mut last) = (0, began);
    // Liveness: as above.
    loop {
        let arrived = body.next().await?;
        if arrived == 0 {
            return Ok(Uploaded { bytes, duration_ms: millis(last.duration_since(began)) });
        }
        bytes += arrived;
        last = Instant::now();
        if let Some(run) = run {
            run.count(arrived, last);
        }
        if bytes > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

/// Makes a body that tells a run's counts as lines of JSON ([`Count`]) every 100 ms once its first request has come
/// in, until nothing arrives for [`COUNTS_IDLE`], [`COUNTS_LIMIT`] is over, or the reader goes away.
#[must_use]
pub fn counts(run: Run) -> Counts {
    let mut pace = interval(SAMPLE_INTERVAL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    Counts { run, pace, opened: Instant::now() }
}

/// A body of counts.
#[derive(Debug)]
pub struct Counts {
    run: Run,
    pace: Interval,
    opened: Instant,
}

impl Body for Counts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            let now = ready!(self.pace.poll_tick(cx));
            let quiet_since = self.run.last().unwrap_or(self.opened);
            if now.duration_since(quiet_since) > COUNTS_IDLE || now.duration_since(self.opened) > COUNTS_LIMIT {
                return Poll::Ready(None);
            }
            if let Some(count) = self.run.now(Instant::now()) {
                let mut line = serde_json::to_vec(&count).expect("numbers are valid JSON");
                line.push(b'\n');
                return Poll::Ready(Some(Ok(Frame::data(line.into()))));
            }
        }
    }
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn a_download_is_exactly_as_long_as_asked() {
        for bytes in [0, 1, 1_000_000, 1 << 20, (1 << 20) + 1, 5_000_000] {
            let body = download(bytes);
            assert_eq!(body.size_hint().exact(), Some(bytes));
            let arrived = upload(body, None).await.expect("cannot fail");
            assert_eq!(arrived.bytes, bytes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_are_told_while_they_grow_and_end_when_nothing_comes() {
        let runs = Runs::default();
        let run = runs.open("a").expect("room");
        let mut counts = counts(run.clone());
        let first = runs.open("a").expect("the same");
        upload(Full::new(Bytes::from_static(&[7; 1_000])), Some(&first)).await.expect("cannot fail");
        let mut told = Vec::new();
        while let Some(Ok(frame)) = counts.frame().await {
            let line = frame.into_data().expect("data");
            told.push(serde_json::from_slice::<Count>(&line).expect("a count"));
        }
        assert!(told.iter().all(|count| count.bytes == 1_000 && count.last_ms <= count.at_ms));
        assert!(told.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
        let last = told.last().expect("counts").at_ms;
        assert!((millis(COUNTS_IDLE) - 200.0..=millis(COUNTS_IDLE)).contains(&last), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_never_begins_is_not_waited_for_for_ever() {
        let run = Runs::default().open("a").expect("room");
        assert!(counts(run).frame().await.is_none());
    }
}
