//! What is beyond a bound is refused by its field's name, and what this end sends is cut to the bounds.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cnc_model::message::{Batch, MAX_BATCH_ITEMS};
use cnc_model::system::{Interface, Memory, SystemInfo};
use cnc_model::trace::{HopAddress, HopSummary};
use cnc_model::{Failure, Reason, Ttl};

use crate::scalar::{MAX_SENTENCE_BYTES, MAX_WHOLE, address, cut, ratio, text, us};
use crate::system::{MAX_INTERFACES, MAX_SERVERS};
use crate::trace::MAX_HOP_ADDRESSES;
use crate::{Invalid, v1};

fn refused<M: TryFrom<W, Error = Invalid>, W>(wire: W) -> String {
    M::try_from(wire).map(|_| ()).expect_err("out of bounds").to_string()
}

#[test]
fn lists_are_bounded() {
    let batch = v1::Batch { first_sequence: 1, items: vec![v1::Item::default(); MAX_BATCH_ITEMS + 1] };
    assert_eq!(refused::<Batch, _>(batch), "Batch.items has 65 entries, at most 64 are taken");
    let interfaces = vec![v1::Interface::default(); MAX_INTERFACES + 1];
    let system = v1::SystemInfo { interfaces, ..v1::SystemInfo::default() };
    assert_eq!(refused::<SystemInfo, _>(system), "SystemInfo.interfaces has 257 entries, at most 256 are taken");
    let system = v1::SystemInfo { gateways: vec![vec![]; MAX_SERVERS + 1], ..v1::SystemInfo::default() };
    assert_eq!(refused::<SystemInfo, _>(system), "SystemInfo.gateways has 65 entries, at most 64 are taken");
}

#[test]
fn sequences_begin_at_one_and_do_not_overflow() {
    let batch = |first_sequence| v1::Batch { first_sequence, items: vec![v1::Item::default()] };
    assert_eq!(refused::<Batch, _>(batch(0)), "Batch.first_sequence: sequences begin at 1");
    assert_eq!(refused::<Batch, _>(batch(u64::MAX)), format!("Batch.first_sequence: {} is too large", u64::MAX));
    assert!(Batch::try_from(batch(MAX_WHOLE)).is_ok());
}

#[test]
fn numbers_are_bounded() {
    for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(ratio("x", value).is_err(), "{value}");
    }
    for octets in [0_usize, 3, 5, 15, 17] {
        assert!(address("x", &vec![1; octets]).is_err(), "{octets}");
    }
    let network = v1::InterfaceAddress { address: vec![10, 0, 0, 1], prefix_bits: 33 };
    assert_eq!(
        refused::<cnc_model::system::InterfaceAddress, _>(network),
        "InterfaceAddress.prefix_bits: 33 is over 32"
    );
}

#[test]
fn texts_are_bounded_and_hold_no_control_characters() {
    assert_eq!(text("x", "é".repeat(2), 3), Err(Invalid::TooLong { field: "x", given: 4, limit: 3 }));
    assert_eq!(text("x", "a\u{1b}[31m\nb\u{9b}".into(), 20).expect("short"), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
    assert_eq!(cut("éé".into(), 3), "é");
}

/// A client on a strange machine must not be refused for it.
#[test]
fn what_this_end_sends_is_never_refused() {
    let interface = Interface {
        name: "i".repeat(1_000),
        receive_drops: Some(u64::MAX),
        mtu_bytes: Some(u32::MAX),
        ..Interface::default()
    };
    let system = SystemInfo {
        architecture: "a".repeat(1_000),
        interfaces: vec![interface; 2_000],
        gateways: vec![IpAddr::V4(Ipv4Addr::LOCALHOST); 100],
        memory: Memory { total_bytes: Some(u64::MAX), available_bytes: None },
        uptime: Some(Duration::MAX),
        ..SystemInfo::default()
    };
    let system = SystemInfo::try_from(v1::SystemInfo::from(system)).expect("cut to the bounds");
    assert_eq!((system.interfaces.len(), system.gateways.len()), (MAX_INTERFACES, MAX_SERVERS));
    assert_eq!(system.interfaces[0].receive_drops, Some(MAX_WHOLE));

    let failure = Failure::new(Reason::Internal, "m".repeat(10_000)).with_hint("h".repeat(10_000));
    let failure = Failure::try_from(v1::Failure::from(failure)).expect("cut to the bounds");
    assert_eq!(failure.message.len(), MAX_SENTENCE_BYTES);

    let answerer = HopAddress { address: IpAddr::V4(Ipv4Addr::LOCALHOST), name: Some("n".repeat(300)), network: None };
    let hop = HopSummary {
        ttl: Ttl::FIRST,
        addresses: vec![answerer; 300],
        sent: 1,
        received: 1,
        loss_ratio: Some(0.0),
        loss_persists: false,
        rtt: None,
        segment: None,
    };
    let hop = HopSummary::try_from(v1::HopSummary::from(hop)).expect("cut to the bounds");
    assert_eq!(hop.addresses.len(), MAX_HOP_ADDRESSES);
}

#[test]
fn durations_are_cut_to_whole_microseconds() {
    assert_eq!(us(Duration::from_nanos(1_999)), 1);
    assert_eq!(us(Duration::MAX), MAX_WHOLE);
}
