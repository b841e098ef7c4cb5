//! What no figure may exceed: the speed of the cable that this machine sends and receives by.

use std::net::SocketAddr;

use cnc_model::BitRate;

use crate::{ProbeError, route, system};

/// The speed of the link to a peer, where one is known that can be relied upon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound(Option<BitRate>);

impl Bound {
    /// Asks the system by which interface a peer is reached. Only a cable's speed counts: that of Wi-Fi changes from one
    /// moment to the next, and virtual interfaces make theirs up. Through a proxy none is known.
    pub(super) fn towards(peer: Option<SocketAddr>) -> Self {
        Self(peer.and_then(route::source).and_then(system::cable_speed))
    }

    /// Holds a goodput against it.
    pub(super) fn hold(self, goodput: BitRate) -> Result<(), ProbeError> {
        match self.0 {
            Some(link) if goodput > link => {
                Err(ProbeError::Implausible { counted_mbps: goodput.mbps(), link_mbps: link.mbps() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_link_carries_is_an_error() {
        let mbps = |mbps: f64| BitRate::from_bps(mbps * 1e6).expect("finite");
        let cases = [(Some(100.0), 99.9, true), (Some(100.0), 100.1, false), (None, 90_000.0, true)];
        for (link, goodput, holds) in cases {
            let held = Bound(link.map(mbps)).hold(mbps(goodput));
            assert_eq!(held.is_ok(), holds, "{goodput} over {link:?}");
            if let Err(error) = held {
                assert!(error.to_string().contains("100.1 Mbit/s"), "{error}");
            }
        }
    }

    #[test]
    fn loopback_and_proxies_know_no_bound() {
        for peer in [None, Some("127.0.0.1:9".parse().expect("an address"))] {
            assert!(Bound::towards(peer).0.is_none(), "{peer:?}");
        }
    }
}
