//! A test's turn: the listener says when it may begin, and goes on to say what it sees until the test is over.

use std::time::Duration;

use bytes::Bytes;
use cnc_model::Reason;
use cnc_model::throughput::{StoppedBy, Witness};
use http::{Method, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::exchange::{self, Bulk, Exchange};
use super::open::Peer;
use super::{Endpoint, SpeedTarget};
use crate::ProbeError;
use crate::respond::TurnLine;

/// How long a turn is waited for, whatever the listener says: then the test begins all the same.
const MAX_WAIT: Duration = Duration::from_mins(2);
/// How long the first line may take: three lost packets. A listener that does not say anything has no turns.
const FIRST_LINE: Duration = Duration::from_secs(7);
/// How long the last line is waited for after a test: longer than most queues are deep.
const LAST_LINE: Duration = Duration::from_secs(1);
/// The longest line: a listener that sends longer ones speaks something else.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// A turn that was given. Dropping it gives it back.
pub(super) struct Turn {
    lines: watch::Receiver<TurnLine>,
    _reading: JoinSet<Result<(), ProbeError>>,
}

impl Turn {
    /// Asks for a turn and waits for it; `None` where there are none to ask for.
    pub(super) async fn take(peer: &Peer, speed: &SpeedTarget, query: &str) -> Result<Option<Self>, ProbeError> {
        if speed.endpoint == Endpoint::File {
            return Ok(None);
        }
        let exchange = Exchange::<Empty<Bytes>>::open(peer, Bulk::Write).await?;
        let target = peer.target.below(&format!("/speed/turn?{query}"));
        let request = exchange::request(Method::GET, &target, speed.token.as_ref(), Empty::new())?;
        let (sender, mut lines) = watch::channel(TurnLine::default());
        let mut reading = JoinSet::new();
        reading.spawn(exchange.run(request, |response| read(response, sender)));
        match timeout(FIRST_LINE, lines.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return refused(reading.join_next().await).map_or(Ok(None), Err),
            Err(_) => return Ok(None),
        }
        let waiting = async {
            // Liveness: the listener gives the turn or goes away; bounded below.
            while !lines.borrow_and_update().go {
                if let Some(tell) = &speed.waiting {
                    tell(lines.borrow().tests);
                }
                if lines.changed().await.is_err() {
                    break;
                }
            }
        };
        timeout(MAX_WAIT, waiting).await.ok();
        Ok(Some(Self { lines, _reading: reading }))
    }

    /// Gives what the listener saw of a test that is over, once it has seen all of it. Who was cancelled does not wait.
    pub(super) async fn over(turn: Option<Self>, stopped_by: StoppedBy) -> Option<Witness> {
        let mut turn = turn?;
        if stopped_by != StoppedBy::Cancelled {
            // Without the last line the one before it serves.
            drop(timeout(LAST_LINE, turn.lines.wait_for(|line| line.done)).await);
        }
        let line = *turn.lines.borrow();
        Some(line.witness())
    }
}

/// Gives the error of a listener that would refuse the test itself, too.
fn refused(ended: Option<Result<Result<(), ProbeError>, tokio::task::JoinError>>) -> Option<ProbeError> {
    match ended {
        Some(Ok(Err(error))) if matches!(error.reason(), Reason::NoPermission | Reason::Busy) => Some(error),
        _ => None,
    }
}

/// Takes the body apart into lines of JSON.
async fn read(response: Response<Incoming>, lines: watch::Sender<TurnLine>) -> hyper::Result<()> {
    let mut body = response.into_body();
    let mut text = Vec::new();
    // Liveness: dropped with the turn.
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(frame?.data_ref().map_or(&[], |data| data));
        while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            let line = serde_json::from_slice(&text[..end]);
            text.drain(..=end);
            let Ok(line) = line else { return Ok(()) };
            lines.send_replace(line);
        }
        if text.len() > MAX_LINE_BYTES {
            return Ok(());
        }
    }
    Ok(())
}
