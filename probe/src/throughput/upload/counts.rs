//! Reads the listener's counts as they come.

use bytes::Bytes;
use http::{Method, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::super::exchange::{self, Bulk, Exchange};
use super::super::open::Peer;
use super::super::target::Target;
use crate::ProbeError;
use crate::respond::Count;

/// The most counts that wait to be taken: some seconds of them. When it is full, reading waits.
const WAITING_COUNTS: usize = 64;
/// The longest line: a listener that sends longer ones speaks something else.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// The counts of one upload. Dropping it stops the reading.
pub(super) struct CountReader {
    counts: mpsc::Receiver<Count>,
    reading: JoinSet<Result<(), ProbeError>>,
    peer: String,
}

impl CountReader {
    /// Asks for the counts and waits until the listener has agreed to tell them.
    pub(super) async fn open(peer: &Peer, target: &Target, token: Option<&SecretString>) -> Result<Self, ProbeError> {
        let exchange = Exchange::<Empty<Bytes>>::open(peer, Bulk::Write).await?;
        let request = exchange::request(Method::GET, target, token, Empty::new())?;
        let (sender, counts) = mpsc::channel(WAITING_COUNTS);
        let (agree, agreed) = oneshot::channel();
        let mut reading = JoinSet::new();
        reading.spawn(exchange.run(request, |response| {
            // The opener may have gone.
            agree.send(()).ok();
            read(response, sender)
        }));
        let mut reader = Self { counts, reading, peer: peer.name() };
        // Liveness: bounded by the caller's opening time.
        if agreed.await.is_err() {
            return Err(reader.ended().await);
        }
        Ok(reader)
    }

    /// Waits for the next count.
    pub(super) async fn next(&mut self) -> Result<Count, ProbeError> {
        match self.counts.recv().await {
            Some(count) => Ok(count),
            None => Err(self.ended().await),
        }
    }

    /// Says why there are no more counts.
    async fn ended(&mut self) -> ProbeError {
        let why = "it stopped telling what has arrived".to_owned();
        match self.reading.join_next().await {
            Some(Ok(Err(error))) => error,
            _ => ProbeError::Broken { peer: self.peer.clone(), why },
        }
    }
}

/// Takes the body apart into lines of JSON.
async fn read(response: Response<Incoming>, counts: mpsc::Sender<Count>) -> hyper::Result<()> {
    let mut body = response.into_body();
    let mut text = Vec::new();
    // Liveness: dropped with the reader.
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(frame?.data_ref().map_or(&[], |data| data));
        while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            let count = serde_json::from_slice(&text[..end]);
            text.drain(..=end);
            let Ok(count) = count else {
                return Ok(());
            };
            if counts.send(count).await.is_err() {
                return Ok(());
            }
        }
        if text.len() > MAX_LINE_BYTES {
            return Ok(());
        }
    }
    Ok(())
}
