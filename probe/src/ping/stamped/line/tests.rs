use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use cnc_model::Destination;
use cnc_model::test::PingTest;
use tokio::sync::oneshot;

use super::*;
use crate::icmp::{Echo, Socket};
use crate::ping::stamped::outlet::Outlet;
use crate::{Engine, sink};

const GROUP: Group = Group { engine: Engine::IcmpDatagram, is_v4: true, namespace: 1 };

/// A ping of the n-th address of loopback; `None` where ICMP is not permitted.
fn newcomer(nth: u32, group: Option<Group>) -> Option<Newcomer> {
    newcomer_of(nth, group, &PingTest::to(Destination::Listener))
}

fn newcomer_of(nth: u32, group: Option<Group>, test: &PingTest) -> Option<Newcomer> {
    let target = IpAddr::from(Ipv4Addr::from(Ipv4Addr::LOCALHOST.to_bits() + nth));
    let socket = Socket::open(target).ok()?;
    let probes = Box::new(Echo::new(target, socket.identifier(), test.payload_bytes));
    let to = (Outlet::new(sink().0), oneshot::channel().0);
    let run = Run::new(SocketAddr::new(target, 0), probes, test, to);
    Some(Newcomer { carrier: Box::new(socket), group, run })
}

#[test]
fn pings_share_a_socket_where_an_address_tells_them_apart() {
    let Some(first) = newcomer(0, Some(GROUP)) else { return };
    let mut line = Line::of(first);
    let has_seat = |line: &Line, nth, group| line.has_seat_for(&newcomer(nth, group).expect("as the first"));
    assert!(has_seat(&line, 1, Some(GROUP)) && !has_seat(&line, 0, Some(GROUP)), "one of each target");
    for other in [
        None,
        Some(Group { engine: Engine::IcmpRaw, ..GROUP }),
        Some(Group { is_v4: false, ..GROUP }),
        Some(Group { namespace: 2, ..GROUP }),
    ] {
        assert!(!has_seat(&line, 1, other), "{other:?}");
    }
    let mut nth = 1;
    while has_seat(&line, nth, Some(GROUP)) {
        line.seat(newcomer(nth, Some(GROUP)).expect("as the first").run);
        nth += 1;
    }
    assert_eq!(nth, 128);
    line.end(|run| run.target == Ipv4Addr::LOCALHOST);
    assert!(has_seat(&line, 0, Some(GROUP)) && !line.is_empty());
    assert_eq!(line.due.len(), 127, "nothing is due for whom is gone");
    let alone = Line::of(newcomer(0, None).expect("as the first"));
    assert!(!has_seat(&alone, 1, None), "who wants a socket to itself has it");
}

#[test]
fn fast_and_large_pings_share_a_socket_with_fewer() {
    let slow = PingTest::to(Destination::Listener);
    let fast = PingTest { interval: Duration::from_millis(1), payload_bytes: 1_472, ..slow.clone() };
    let Some(first) = newcomer_of(0, Some(GROUP), &fast) else { return };
    let is_raised = first.carrier.waiting_bytes() > 200_000;
    let mut line = Line::of(first);
    // As systems give it that nobody has tuned, whatever this one does.
    line.may_wait = 212_992;
    let mut nth = 1;
    for (test, seats) in [(&fast, 8), (&slow, 20)] {
        while line.has_seat_for(&newcomer_of(nth, Some(GROUP), test).expect("as the first")) {
            line.seat(newcomer_of(nth, Some(GROUP), test).expect("as the first").run);
            nth += 1;
        }
        assert_eq!(nth, seats);
    }
    line.end(|run| run.target == Ipv4Addr::LOCALHOST);
    assert!(line.has_seat_for(&newcomer_of(0, Some(GROUP), &fast).expect("as the first")), "its bytes are free again");
    assert!(is_raised, "a socket asks for more than it has of itself, to send as well");
}

#[test]
fn an_error_is_offered_to_nobody_but_the_ping_that_it_is_about() {
    let Some(first) = newcomer(0, Some(GROUP)) else { return };
    let mut line = Line::of(first);
    line.seat(newcomer(1, Some(GROUP)).expect("as the first").run);
    line.end(|run| run.target == Ipv4Addr::LOCALHOST);
    let gone = Some(IpAddr::from(Ipv4Addr::LOCALHOST));
    assert!(!line.runs.offer_error(gone, |_| true), "its own is over: a late error belongs to no other");
    assert!(line.runs.offer_reply(gone, |_| true), "hosts answer from other addresses, too");
    assert!(line.runs.offer_error(None, |_| true), "whose it is, is not told");
}
