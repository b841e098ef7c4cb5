//! The other end of a speed test that a listener asked for: where it is, and that it is really there.

use std::net::IpAddr;
use std::sync::Arc;

use cnc_model::test::ThroughputPeer;
use cnc_model::{Failure, Family, Reason};
use cnc_probe::throughput::{Endpoint, SpeedTarget};

use super::Grounds;
use crate::config::ListenerUrl;
use crate::proxy::Proxy;
use crate::tls::HTTP_1_1;

/// The listener's speed endpoints.
#[derive(Debug, Clone)]
pub struct Speed {
    /// The listener.
    pub listener: ListenerUrl,
    /// The address at which the stream reaches it; `None` where only the proxy knows it.
    pub address: Option<IpAddr>,
    /// The proxy that the stream goes through, as the bytes will.
    pub proxy: Option<Proxy>,
    /// Opens the endpoints for this session.
    pub token: String,
}

/// Finds the other end. Bytes flow only between here and the addresses that its name has now: a redirection cannot
/// lead them elsewhere.
///
/// # Errors
/// Says why there is no such end, or why it is not allowed.
pub(super) async fn target(peer: &ThroughputPeer, grounds: &Grounds) -> Result<SpeedTarget, Failure> {
    let tls = grounds.trust.config(HTTP_1_1);
    let family = Family::Any;
    match peer {
        ThroughputPeer::Listener => {
            let Some(Speed { listener, address, proxy, token }) = grounds.speed.clone() else {
                return Err(Failure::new(Reason::NotPresent, "there is no connection to a listener"));
            };
            Ok(SpeedTarget {
                url: listener.to_string(),
                endpoint: Endpoint::Listener,
                token: Some(token.into()),
                family,
                tls,
                proxy,
                admit: Arc::new(move |candidate| Some(candidate.to_canonical()) == address),
                waiting: None,
            })
        }
        ThroughputPeer::Url(url) => {
            let found = cnc_probe::resolve(&super::reach::host(url)?, family).await.map_err(|error| error.failure())?;
            for &address in &found {
                grounds.rules.check(address)?;
            }
            Ok(SpeedTarget {
                url: url.clone(),
                endpoint: Endpoint::of_url(url),
                token: None,
                family,
                tls,
                // Where a proxy would lead to, the policy could not see.
                proxy: None,
                admit: Arc::new(move |candidate| found.contains(&candidate)),
                waiting: None,
            })
        }
    }
}
