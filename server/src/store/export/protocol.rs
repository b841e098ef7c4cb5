//! By which probes a ping or trace asks, read from a test's parameters: what adds round trips up must not mix them.

use cnc_model::Test;
use cnc_model::test::{PingProtocol, TraceProtocol};

use crate::store::blob;

/// Gives the word for a test's probes; `None` for tests without, and for what cannot be read.
pub(crate) fn protocol(params: &[u8]) -> Option<&'static str> {
    match blob::to_test(params).ok()? {
        Test::Ping(ping) => Some(match ping.protocol {
            PingProtocol::Icmp => "icmp",
            PingProtocol::Tcp(_) => "tcp",
            PingProtocol::Udp(_) => "udp",
        }),
        Test::Trace(trace) => Some(match trace.protocol {
            TraceProtocol::Icmp => "icmp",
            TraceProtocol::Tcp(_) => "tcp",
            TraceProtocol::Udp(_) => "udp",
        }),
        Test::System | Test::Download(_) | Test::Upload(_) | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use cnc_model::test::PingTest;

    use super::*;
    use crate::history::fold::ping_kind;

    #[test]
    fn pings_have_the_word_that_history_knows_their_kind_by() {
        let port = NonZeroU16::MIN;
        for protocol in [PingProtocol::Icmp, PingProtocol::Tcp(port), PingProtocol::Udp(port)] {
            let test = Test::Ping(PingTest { protocol, ..PingTest::to("example.com".parse().expect("a host")) });
            let word = super::protocol(&blob::test(&test)).expect("a ping has one");
            assert_eq!(ping_kind(&test).expect("a ping has one").word(), format!("ping_{word}"));
        }
        assert_eq!(super::protocol(&blob::test(&Test::System)), None);
        assert_eq!(super::protocol(b"\xff"), None, "somebody meddled with it");
    }
}
