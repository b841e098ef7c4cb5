//! Strategies for every model value, with times as fine as the wire: whole microseconds. The larger ones are boxed,
//! lest their value trees overflow a test's stack.

mod asked;
mod figures;
pub(super) mod history;
mod kept;
mod observed;
mod said;
pub(super) mod support;

use crate::scalar::MAX_WHOLE;
use cnc_model::{BitRate, Code, Sequence, SessionId, TestId, Timestamp, Ttl};
use proptest::prelude::*;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

pub(super) use asked::{plan, test};
pub(super) use figures::summary;
pub(super) use kept::{overview, sequenced_sample, session_record, test_record, watch_event};
pub(super) use observed::sample;
pub(super) use said::{client_message, item, listener_message, outcome};

fn whole() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..1_000_u64, 0..=MAX_WHOLE, Just(MAX_WHOLE)]
}

fn duration() -> impl Strategy<Value = Duration> {
    whole().prop_map(Duration::from_micros)
}

fn within(min: Duration, max: Duration) -> impl Strategy<Value = Duration> {
    let us = |d: Duration| u64::try_from(d.as_micros()).expect("a test's bounds are short");
    (us(min)..=us(max)).prop_map(Duration::from_micros)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-(1_i64 << 53)..=1 << 53).prop_map(Timestamp::from_unix_us)
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

fn ttl() -> impl Strategy<Value = Ttl> {
    (1..=255_u32).prop_map(|ttl| Ttl::try_from(ttl).expect("in range"))
}

fn ratio() -> impl Strategy<Value = f64> {
    0.0..=1.0
}

fn bit_rate() -> impl Strategy<Value = BitRate> {
    (0.0..1e13).prop_map(|bps| BitRate::from_bps(bps).expect("finite"))
}

fn port() -> impl Strategy<Value = NonZeroU16> {
    any::<NonZeroU16>()
}

fn test_id() -> impl Strategy<Value = TestId> {
    (1..=u32::MAX).prop_map(|id| TestId::try_from(id).expect("not zero"))
}

fn sequence() -> impl Strategy<Value = Sequence> {
    whole().prop_map(Sequence::new)
}

fn session_id() -> impl Strategy<Value = SessionId> {
    (timestamp(), any::<u64>()).prop_map(|(created, random)| SessionId::new(created, random))
}

fn code() -> impl Strategy<Value = Code> {
    any::<u64>().prop_map(Code::from_random)
}
