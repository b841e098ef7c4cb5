//! ICMP echo by Windows' own function. Its times are the program's; duplicates it does not tell.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::ping::{Clock, PingReply};
use cnc_model::test::PingTest;
use tokio_util::sync::CancellationToken;

use super::LATE_WAIT;
use super::flight::{self, Answer, Flight};
use crate::icmp::{Api, Request, Verdict};
use crate::{Engine, ProbeError, Sink};

/// Pings an address.
pub(super) async fn ping(
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let failed = |error: std::io::Error| ProbeError::Engine { engine: Engine::IcmpApi.name(), why: error.to_string() };
    let api = Api::open(target).map_err(failed)?;
    let payload = (0..=u8::MAX).cycle().take(test.payload_bytes.into()).collect();
    Ok(flight::ping_by(Prober { api, payload, wait: test.timeout + LATE_WAIT }, test, sink, cancel).await)
}

/// Sends ICMP echo requests to one address.
struct Prober {
    api: Api,
    payload: Arc<[u8]>,
    wait: Duration,
}

impl flight::Prober for Prober {
    fn engine(&self) -> Engine {
        Engine::IcmpApi
    }

    /// Sends an echo request; the system numbers it.
    async fn send(&self, _seq: u32) -> Flight {
        let (api, payload, wait) = (self.api.clone(), Arc::clone(&self.payload), self.wait);
        Flight::start(|_| exchange(api, payload, wait)).await
    }
}

/// Sends one echo request and waits for what comes back.
async fn exchange(api: Api, payload: Arc<[u8]>, wait: Duration) -> Answer {
    let Ok(end) = api.send(Request { payload, ttl: None, undivided: false, wait }) else { return Answer::NotSent };
    // Liveness: a request ends by its own time.
    let Ok(end) = end.await else { return Answer::Silence };
    match end.verdict {
        Verdict::Reply { from, ttl } => {
            let ttl = ttl.and_then(|ttl| Ttl::try_from(u32::from(ttl)).ok());
            Answer::Reply(PingReply { rtt: end.rtt, from, ttl, clock: Clock::User })
        }
        Verdict::Error { from, .. } => Answer::Unreachable { from: Some(from) },
        Verdict::NotSent => Answer::NotSent,
        Verdict::Silence => Answer::Silence,
    }
}
