//! What single fields hold: times, counts, texts, addresses, with the bounds that keep a hostile peer's values from
//! doing harm further in. It knows no message.

use std::net::IpAddr;
use std::time::Duration;

use cnc_model::{BitRate, Sequence, SessionId, TestId, Timestamp, Ttl};

use crate::Invalid;

/// The largest whole number taken: exact in JSON, in SQLite and as a float, and no sum of a few overflows. As
/// microseconds it is 285 years.
pub const MAX_WHOLE: u64 = 1 << 53;
/// The longest name of anything: a host, an interface, a plan, a person. DNS names have at most 253 bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// The longest URL, as a test may name one.
pub const MAX_URL_BYTES: usize = cnc_model::test::MAX_URL_BYTES;
/// The longest sentence: a failure's message may quote a URL.
pub const MAX_SENTENCE_BYTES: usize = 4_096;

/// Gives a duration's whole microseconds, held at [`MAX_WHOLE`].
pub(crate) fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).map_or(MAX_WHOLE, whole)
}

/// Holds a count of this machine's at [`MAX_WHOLE`]: drivers are known to report nonsense.
pub(crate) fn whole(count: u64) -> u64 {
    count.min(MAX_WHOLE)
}

pub(crate) fn count(field: &'static str, value: u64) -> Result<u64, Invalid> {
    if value <= MAX_WHOLE { Ok(value) } else { Err(Invalid::malformed(field, format!("{value} is too large"))) }
}

pub(crate) fn duration(field: &'static str, us: u64) -> Result<Duration, Invalid> {
    count(field, us).map(Duration::from_micros)
}

pub(crate) fn sequence(field: &'static str, value: u64) -> Result<Sequence, Invalid> {
    count(field, value).map(Sequence::new)
}

pub(crate) fn timestamp(field: &'static str, unix_us: i64) -> Result<Timestamp, Invalid> {
    count(field, unix_us.unsigned_abs()).map(|_| Timestamp::from_unix_us(unix_us))
}

/// Reads a small number into the type that bounds it.
pub(crate) fn narrow<T, N>(field: &'static str, value: N) -> Result<T, Invalid>
where
    N: TryInto<T>,
    N::Error: ToString,
{
    value.try_into().map_err(|source| Invalid::malformed(field, source.to_string()))
}

pub(crate) fn ttl(field: &'static str, value: u32) -> Result<Ttl, Invalid> {
    narrow(field, value)
}

pub(crate) fn test_id(field: &'static str, value: u32) -> Result<TestId, Invalid> {
    narrow(field, value)
}

pub(crate) fn session_id(field: &'static str, text: &str) -> Result<SessionId, Invalid> {
    text.parse::<SessionId>().map_err(|source| Invalid::malformed(field, source.to_string()))
}

/// Reads a share from 0 to 1.
pub(crate) fn ratio(field: &'static str, value: f64) -> Result<f64, Invalid> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Invalid::malformed(field, format!("{value} is not from 0 to 1")))
    }
}

pub(crate) fn bit_rate(field: &'static str, bps: f64) -> Result<BitRate, Invalid> {
    BitRate::from_bps(bps).map_err(|source| Invalid::malformed(field, source.to_string()))
}

pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

pub(crate) fn address(field: &'static str, octets: &[u8]) -> Result<IpAddr, Invalid> {
    let v4 = || <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(octets).ok().map(IpAddr::from);
    v4().or_else(v6).ok_or_else(|| Invalid::malformed(field, format!("{} bytes are no IP address", octets.len())))
}

pub(crate) fn addresses(field: &'static str, list: &[Vec<u8>], limit: usize) -> Result<Vec<IpAddr>, Invalid> {
    bounded(field, list, limit)?.iter().map(|octets| address(field, octets)).collect()
}

/// Takes a line of text. Control characters become U+FFFD: a peer's text ends up on people's terminals.
pub(crate) fn text(field: &'static str, text: String, limit: usize) -> Result<String, Invalid> {
    if text.len() > limit {
        return Err(Invalid::TooLong { field, given: text.len(), limit });
    }
    if text.contains(char::is_control) {
        return Ok(text.replace(char::is_control, "\u{fffd}"));
    }
    Ok(text)
}

pub(crate) fn optional_text(
    field: &'static str,
    value: Option<String>,
    limit: usize,
) -> Result<Option<String>, Invalid> {
    value.map(|value| text(field, value, limit)).transpose()
}

/// Cuts a text of this machine's to what the other end takes.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    text.truncate(text.floor_char_boundary(limit));
    text
}

/// Takes a list that is not too long. Generous, for one message has its own bound in bytes.
pub(crate) fn bounded<'a, T>(field: &'static str, list: &'a [T], limit: usize) -> Result<&'a [T], Invalid> {
    if list.len() > limit { Err(Invalid::TooMany { field, given: list.len(), limit }) } else { Ok(list) }
}
