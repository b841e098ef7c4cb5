//! On Linux by a raw socket, which gives what macOS' datagram socket does.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::timeout;

use super::*;
use crate::icmp::Echo;
use crate::icmp::packet::checksum;

const LATEST: Duration = Duration::from_secs(2);

/// Opens the socket; `None` where that is not permitted.
fn open(target: IpAddr) -> Option<AsyncFd<Socket>> {
    let kind = if cfg!(target_os = "linux") { Type::RAW } else { Type::DGRAM };
    let socket = Socket::open_type(target, kind).ok()?;
    Some(socket.watched().expect("tokio runs"))
}

fn send(socket: &AsyncFd<Socket>, message: &[u8], target: IpAddr) {
    socket.get_ref().send(message, &SocketAddr::new(target, 0).into()).expect("sent");
}

/// Takes messages and notes until `found` has found something in them.
async fn until<T>(
    socket: &AsyncFd<Socket>,
    room: &mut Room,
    mut found: impl FnMut(&Socket, &mut Room) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let mut ready = socket.ready(INTEREST).await.expect("watched");
            if let Some(found) = found(socket.get_ref(), room) {
                return found;
            }
            ready.clear_ready();
        }
    };
    timeout(LATEST, search).await.expect("in time")
}

#[tokio::test]
async fn a_reply_comes_among_what_others_get() {
    for target in ["127.0.0.1", "::1"] {
        let target: IpAddr = target.parse().expect("an address");
        let (Some(socket), mut room) = (open(target), Room::new()) else { return };
        let mut echo = Echo::new(target, socket.get_ref().identifier(), 56);
        socket.get_ref().limit(Ttl::try_from(9).expect("valid")).expect("set");
        for seq in 0..5 {
            echo.prepare(seq);
            send(&socket, echo.request(), target);
            let ttl = until(&socket, &mut room, |socket, room| {
                loop {
                    let Message { bytes, from, ttl, .. } = socket.message(room)?;
                    if from == Some(target) && echo.is_reply_to(seq, bytes, target) && echo.reply(bytes).is_some() {
                        return Some(ttl);
                    }
                }
            });
            // The reply's, not the request's; of IPv6 it is not told.
            assert_eq!(ttl.await, target.is_ipv4().then_some(64));
        }
    }
}

/// What a router says of a request: its error with the head of what it got.
fn error_about(request: &[u8], kind: u8, code: u8) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    message.extend([0x45, 0, 0, 84, 0, 0, 0, 0, 1, 1, 0, 0, 127, 0, 0, 1, 192, 0, 2, 1]);
    message.extend(&request[..request.len().min(8)]);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

#[tokio::test]
async fn an_error_is_a_note_for_whom_it_is_about_and_for_nobody_else() {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let (Some(socket), Some(router)) = (open(loopback), open(loopback)) else { return };
    let (mut room, mut ours) = (Room::new(), Echo::new(loopback, socket.get_ref().identifier(), 56));
    ours.prepare(3);
    let mut theirs = Echo::new(loopback, router.get_ref().identifier(), 56);
    theirs.prepare(3);
    for request in [theirs.request(), ours.request()] {
        send(&router, &error_about(request, 11, 0), loopback);
    }
    let (from, said, number) = until(&socket, &mut room, |socket, room| {
        while socket.message(room).is_some() {}
        match socket.note(room)? {
            Note::Error { from, said, quote, .. } => Some((from, said, ours.quoted(quote))),
            other @ (Note::Sent(_) | Note::TooLong(_) | Note::Other) => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!((from, said, number), (Some(loopback), Said::Exceeded, Some(3)));
    assert!(socket.get_ref().note(&mut room).is_none());
}

#[test]
fn errors_of_ipv6_are_read() {
    let from: IpAddr = "2001:db8::1".parse().expect("an address");
    let mut header = [0; V6_HEADER];
    (header[0], header[6]) = (0x60, ICMPV6);
    let request = [V6_REQUEST, 0, 0, 0, 0x12, 0x34, 0, 7];
    let packet = |kind: u8, info: u32| [&[kind, 0, 0, 0][..], &info.to_be_bytes(), &header, &request].concat();
    let read = |packet: &[u8], identifier| failed(false, packet, from, identifier).map(|failed| failed.said);
    assert_eq!(read(&packet(3, 0), 0x1234), Some(Said::Exceeded));
    assert_eq!(read(&packet(2, 1_280), 0x1234), Some(Said::TooBig(1_280)));
    assert_eq!(read(&packet(3, 0), 0x1235), None);
    assert_eq!(read(&packet(129, 0), 0x1234), None);
    assert_eq!(failed(false, &packet(3, 0), from, 0x1234).expect("an error").quote, request);
}

proptest! {
    #[test]
    fn any_bytes_are_taken(is_v4: bool, packet in prop::collection::vec(any::<u8>(), 0..160)) {
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        failed(is_v4, &packet, from, 7);
        message(is_v4, &packet, from);
    }
}
