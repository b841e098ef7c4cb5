//! ICMP echo requests by Windows' own function, each with its TTL. The system numbers them, so routers that split by the
//! checksum may take them for flows of their own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cnc_model::Ttl;
use tokio::task::JoinSet;

use super::answer::{Answer, Arrival, Sent};
use super::course::{Kind, kind_of};
use crate::icmp::{Api, End, Request, Verdict};
use crate::{Engine, ProbeError};

/// How long an answer is taken: what comes later than the next rounds says nothing of the path as it is.
const LATEST: Duration = Duration::from_secs(4);
/// What probes carry: as much as is usual.
const PAYLOAD: &[u8; 32] = b"abcdefghijklmnopqrstuvwabcdefghi";

/// The echo requests of one trace.
pub(super) struct Requests {
    api: Api,
    target: IpAddr,
    payload: Arc<[u8]>,
    waiting: JoinSet<Option<Answer>>,
    came: Vec<Arrival>,
}

impl Requests {
    pub(super) fn open(target: IpAddr) -> Result<Self, ProbeError> {
        let api = Api::open(SocketAddr::new(target, 0));
        let failed = |error: io::Error| ProbeError::Engine { engine: Engine::IcmpApi.name(), why: error.to_string() };
        let (waiting, came) = (JoinSet::new(), Vec::new());
        Ok(Self { api: api.map_err(failed)?, target, payload: PAYLOAD.as_slice().into(), waiting, came })
    }

    #[expect(clippy::unused_self, reason = "other systems permit one of several")]
    pub(super) const fn engine(&self) -> Engine {
        Engine::IcmpApi
    }

    pub(super) fn send(&mut self, number: u16, ttl: Ttl) -> io::Result<Sent> {
        let payload = Arc::clone(&self.payload);
        let end = self.api.send(Request { payload, ttl: Some(ttl), undivided: false, wait: LATEST })?;
        let target = self.target;
        // Liveness: a request ends by its own time.
        self.waiting.spawn(async move { answer(number, target, end.await.ok()?) });
        Ok(Sent)
    }

    /// Waits until an answer has come.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        // Liveness: the caller waits for time, too.
        while self.came.is_empty() {
            match self.waiting.join_next().await {
                Some(Ok(Some(answer))) => self.came.push(Arrival::Answer(answer)),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<Arrival> {
        while let Some(joined) = self.waiting.try_join_next() {
            self.came.extend(joined.ok().flatten().map(Arrival::Answer));
        }
        std::mem::take(&mut self.came)
    }
}

/// Puts how a request ended into an answer; `None` for silence.
fn answer(number: u16, target: IpAddr, End { verdict, rtt }: End) -> Option<Answer> {
    let (kind, from) = match verdict {
        Verdict::Reply { from, .. } => (Kind::Reached, from),
        Verdict::Error { from, said } => (kind_of(said, from, target)?, from),
        Verdict::NotSent | Verdict::Silence => return None,
    };
    Some(Answer { number, kind, from, rtt })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Said;

    #[test]
    fn what_ends_a_request_tells_how_far_it_came() {
        let (target, hop) = (IpAddr::from([192, 0, 2, 9]), IpAddr::from([192, 0, 2, 1]));
        let cases = [
            (Verdict::Reply { from: target, ttl: Some(60) }, Some((Kind::Reached, target))),
            (Verdict::Error { from: hop, said: Said::Exceeded }, Some((Kind::Exceeded, hop))),
            (Verdict::Error { from: hop, said: Said::Unreachable }, Some((Kind::Unreachable, hop))),
            (Verdict::Error { from: hop, said: Said::Other }, None),
            (Verdict::NotSent, None),
            (Verdict::Silence, None),
        ];
        for (verdict, expected) in cases {
            let told = answer(7, target, End { verdict, rtt: LATEST });
            assert_eq!(told.map(|answer| (answer.kind, answer.from)), expected, "{verdict:?}");
        }
    }
}
