//! Packets of a size on Windows: ICMP echo by the system's own function, of IPv4 only. Of IPv6 the system would divide
//! them as soon as it has heard of a shorter link, whatever is asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::search::{Care, Fate, Prober};
use crate::icmp::{Api, Request, Verdict};
use crate::kernel::Said;
use crate::{Engine, ProbeError, route, system};

/// How often one size is tried before it counts as silent: packets get lost for other reasons too.
const QUICK_TRIES: u32 = 2;
const SURE_TRIES: u32 = 3;
/// The headers of IPv4 and of ICMP.
const HEADERS: u32 = 20 + 8;

/// Asks by echo requests.
pub(super) struct Asker {
    api: Api,
    /// The address that they are sent from, and its interface's MTU.
    local: Option<IpAddr>,
    interface: Option<u32>,
}

/// Opens the way to ask.
pub(super) fn open(target: SocketAddr) -> Result<Asker, ProbeError> {
    if target.is_ipv6() {
        return Err(ProbeError::Unsupported {
            what: "finding a path's MTU for IPv6 is not possible on Windows: try IPv4",
        });
    }
    let local = route::source(target);
    let interface = local.and_then(system::mtu_of);
    Ok(Asker { api: Api::open(target).map_err(|error| failed(&error))?, local, interface })
}

fn failed(error: &std::io::Error) -> ProbeError {
    ProbeError::Engine { engine: Engine::IcmpApi.name(), why: error.to_string() }
}

impl Asker {
    #[expect(clippy::unused_self, reason = "other systems permit one of several")]
    pub(super) fn engine(&self) -> Engine {
        Engine::IcmpApi
    }
}

impl Prober for Asker {
    async fn probe(&mut self, bytes: u32, wait: Duration, care: Care) -> Result<Fate, ProbeError> {
        if let Some(mtu) = self.interface.filter(|&mtu| bytes > mtu) {
            return Ok(Fate::TooLong(mtu));
        }
        let payload = std::iter::repeat_n(0, usize::try_from(bytes.saturating_sub(HEADERS)).expect("32 bits fit"));
        let request = Request { payload: payload.collect::<Arc<[u8]>>(), ttl: None, undivided: true, wait };
        for _ in 0..if care == Care::Sure { SURE_TRIES } else { QUICK_TRIES } {
            let Ok(end) = self.api.send(request.clone()) else { continue };
            // Liveness: a request ends by its own time.
            let Ok(end) = end.await else { continue };
            match end.verdict {
                Verdict::Reply { .. } => return Ok(Fate::Arrived(end.rtt)),
                // The system itself, which remembers the way.
                Verdict::Error { from, said: Said::TooBig(_) } if Some(from) == self.local => {
                    return Ok(Fate::TooLong(bytes.saturating_sub(1)));
                }
                Verdict::Error { from, said: Said::TooBig(next) } => return Ok(Fate::TooBig { next, from }),
                Verdict::Error { .. } | Verdict::NotSent | Verdict::Silence => {}
            }
        }
        Ok(Fate::Silent)
    }
}
