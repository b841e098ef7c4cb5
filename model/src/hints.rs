//! What hints at a VPN or a proxy between the client and everything else. It names what was seen and blames nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::ping::PingSummary;
use crate::system::SystemInfo;
use crate::test::PingProtocol;
use crate::{Summary, Test};

/// How much longer ICMP takes than TCP to one address where something nearer answers TCP (Globalping's rule).
pub const SLOWER_TO_ONE: Duration = Duration::from_millis(100);
/// The same where it is so to two addresses.
pub const SLOWER_TO_TWO: Duration = Duration::from_millis(60);

/// Something that hints at a VPN or a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// What goes to the Internet leaves by a tunnel.
    Tunnel {
        /// Its interface.
        interface: String,
    },
    /// A proxy is configured.
    Proxy {
        /// Which, and who names it.
        proxy: String,
    },
    /// ICMP takes longer than TCP to the same addresses.
    SlowerIcmp {
        /// By how much, at the median.
        by: Vec<(IpAddr, Duration)>,
    },
}

impl Hint {
    /// Gives the word for it in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Tunnel { .. } => "tunnel",
            Self::Proxy { .. } => "proxy",
            Self::SlowerIcmp { .. } => "slower_icmp",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tunnel { interface } => write!(
                f,
                "What goes to the Internet leaves by {interface}, a tunnel as VPNs make: what was measured is the way \
                 through it."
            ),
            Self::Proxy { proxy } => {
                write!(
                    f,
                    "Programs of this computer use the proxy {proxy}: the web may be as fast as that, not as the line."
                )
            }
            Self::SlowerIcmp { by } => {
                let each: Vec<_> =
                    by.iter().map(|(to, by)| format!("{:.0} ms to {to}", by.as_secs_f64() * 1e3)).collect();
                let each = each.join(", ");
                write!(f, "ICMP takes longer than TCP ({each}): something nearer answers TCP, as VPNs and proxies do.")
            }
        }
    }
}

/// Gives what a machine's description hints at.
#[must_use]
pub fn of_system(system: &SystemInfo) -> Vec<Hint> {
    let tunnel = system.tunnel().map(|interface| Hint::Tunnel { interface: interface.name.clone() });
    let proxy = system.proxy.clone().map(|proxy| Hint::Proxy { proxy });
    tunnel.into_iter().chain(proxy).collect()
}

/// Gives what a session's tests hint at.
pub fn of<'a>(tests: impl Iterator<Item = (&'a Test, &'a Summary)>) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut medians = BTreeMap::<IpAddr, [Option<Duration>; 2]>::new();
    for (test, summary) in tests {
        match (test, summary) {
            // The last description is the machine as it was at the end.
            (_, Summary::System(system)) => hints = of_system(system),
            (Test::Ping(test), Summary::Ping(PingSummary { measured, rtt: Some(rtt), .. })) => {
                let nth = match test.protocol {
                    PingProtocol::Icmp => 0,
                    PingProtocol::Tcp(_) => 1,
                    PingProtocol::Udp(_) => continue,
                };
                let Some(address) = measured.address else { continue };
                let known = &mut medians.entry(address).or_default()[nth];
                *known = Some(known.map_or(rtt.median, |known| known.min(rtt.median)));
            }
            _ => {}
        }
    }
    let slower = medians.into_iter().filter_map(|(address, medians)| {
        let [Some(icmp), Some(tcp)] = medians else { return None };
        icmp.checked_sub(tcp).map(|by| (address, by))
    });
    let slower: Vec<_> = slower.filter(|(_, by)| *by >= SLOWER_TO_TWO).collect();
    if slower.len() >= 2 || slower.iter().any(|(_, by)| *by >= SLOWER_TO_ONE) {
        hints.push(Hint::SlowerIcmp { by: slower });
    }
    hints
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::Destination;
    use crate::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
    use crate::summary::Measured;
    use crate::system::{Interface, InterfaceKind};
    use crate::test::PingTest;

    fn ping(last: u8, protocol: PingProtocol, ms: u64) -> (Test, Summary) {
        let address = IpAddr::from([192, 0, 2, last]);
        let mut fold = PingFold::default();
        let reply = PingReply { rtt: Duration::from_millis(ms), from: address, ttl: None, clock: Clock::Kernel };
        fold.observe(&PingSample { seq: 0, at: Duration::ZERO, outcome: PingOutcome::Reply(reply) });
        let measured = Measured { address: Some(address), ..Measured::default() };
        let test = PingTest { protocol, ..PingTest::to(Destination::Listener) };
        (Test::Ping(test), Summary::Ping(fold.summary(measured)))
    }

    fn hints(tests: &[(Test, Summary)]) -> Vec<Hint> {
        of(tests.iter().map(|(test, summary)| (test, summary)))
    }

    #[test]
    fn icmp_that_is_slower_than_tcp_is_a_hint_from_100_ms_on_or_60_twice() {
        let tcp = PingProtocol::Tcp(NonZeroU16::new(443).expect("not 0"));
        let icmp = PingProtocol::Icmp;
        // ICMP and TCP in milliseconds, to one address each.
        let table: [(&[(u64, u64)], usize); 7] = [
            (&[(120, 20)], 1),
            (&[(119, 20)], 0),
            (&[(80, 20)], 0),
            (&[(80, 20), (90, 30)], 2),
            (&[(80, 20), (89, 30)], 0),
            (&[(20, 120)], 0),
            (&[(200, 20), (80, 20), (25, 20)], 2),
        ];
        for (pairs, told) in table {
            let tests: Vec<_> = (1..)
                .zip(pairs)
                .flat_map(|(last, &(slow, fast))| [ping(last, icmp, slow), ping(last, tcp, fast)])
                .collect();
            let found = hints(&tests);
            let by = found.first().map_or(0, |hint| match hint {
                Hint::SlowerIcmp { by } => by.len(),
                hint @ (Hint::Tunnel { .. } | Hint::Proxy { .. }) => panic!("{hint:?}"),
            });
            assert_eq!(by, told, "{pairs:?}");
        }
        assert_eq!(hints(&[ping(1, icmp, 500), ping(2, tcp, 1)]), [], "other addresses say nothing");
    }

    #[test]
    fn a_tunnel_that_everything_leaves_by_and_a_proxy_are_hints() {
        let interface = |name: &str, kind| Interface { name: name.into(), kind, ..Interface::default() };
        let mut system = SystemInfo {
            interfaces: vec![interface("eth0", InterfaceKind::Ethernet), interface("wg0", InterfaceKind::Tunnel)],
            leaves_by: Some("eth0".into()),
            ..SystemInfo::default()
        };
        assert_eq!(of_system(&system), []);
        system.leaves_by = Some("wg0".into());
        system.proxy = Some("proxy.example:3128 (HTTPS_PROXY)".into());
        let words: Vec<_> = of_system(&system).iter().map(Hint::word).collect();
        assert_eq!(words, ["tunnel", "proxy"]);
        assert!(of_system(&system)[0].to_string().contains("leaves by wg0"));
        // Where the system does not tell what carries an interface, its name does.
        for name in ["tun0", "tap1", "wg0", "ppp0", "utun3", "ipsec0"] {
            let system = SystemInfo {
                interfaces: vec![interface(name, InterfaceKind::Unknown)],
                leaves_by: Some(name.into()),
                ..SystemInfo::default()
            };
            assert_eq!(of_system(&system).len(), 1, "{name}");
        }
    }
}
