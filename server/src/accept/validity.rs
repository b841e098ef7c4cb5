//! From when until when a certificate is valid, read from its DER. Pure. It checks nothing else of it.

use cnc_model::Timestamp;

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads it (RFC 5280, 4.1); `None` where the bytes are no certificate that can be read.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = take(der, SEQUENCE)?;
    let (mut fields, _) = take(certificate, SEQUENCE)?;
    // The version may be left out.
    if let Some((_, rest)) = take(fields, VERSION) {
        fields = rest;
    }
    let (_, fields) = take(fields, INTEGER)?;
    let (_algorithm, fields) = take(fields, SEQUENCE)?;
    let (_issuer, fields) = take(fields, SEQUENCE)?;
    let (times, _) = take(fields, SEQUENCE)?;
    let (from, rest) = time(times)?;
    let (until, _) = time(rest)?;
    Some(Validity { from, until })
}

/// Takes the contents of a value with a tag, and what follows it.
fn take(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, input) = input.split_first()?;
    let (&first, mut rest) = input.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        rest = after;
    }
    (found == tag).then(|| rest.split_at_checked(length))?
}

fn time(input: &[u8]) -> Option<(Timestamp, &[u8])> {
    if let Some((text, rest)) = take(input, UTC_TIME) {
        let text = std::str::from_utf8(text).ok()?;
        // Two digits of a year: 50 to 99 are of the last century.
        let century = if text.get(..2)? < "50" { "20" } else { "19" };
        return Some((moment(&format!("{century}{text}"))?, rest));
    }
    let (text, rest) = take(input, GENERALIZED_TIME)?;
    Some((moment(std::str::from_utf8(text).ok()?)?, rest))
}

/// Reads `YYYYMMDDhhmmssZ`.
fn moment(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let year = text.get(..4)?.parse::<i16>().ok()?;
    let (month, day, hour) = (part(4, 6)?, part(6, 8)?, part(8, 10)?);
    let (minute, second) = (part(10, 12)?, part(12, 14)?);
    if text.get(14..)? != "Z" {
        return None;
    }
    let at = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_unix_us(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(until: i32) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut made = rcgen::CertificateParams::new([]).expect("sound");
        made.not_before = rcgen::date_time_ymd(1999, 12, 31);
        made.not_after = rcgen::date_time_ymd(until, 1, 1);
        made.self_signed(&key).expect("signed").der().to_vec()
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        let from = Timestamp::from_unix_us(946_598_400_000_000);
        for (year, seconds) in [(2030, 1_893_456_000), (2049, 2_493_072_000), (2050, 2_524_608_000)] {
            let until = Timestamp::from_unix_us(seconds * 1_000_000);
            assert_eq!(validity(&certificate(year)), Some(Validity { from, until }), "{year}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..600_usize, byte: u8) {
            prop_assert!(validity(&bytes).is_some() || validity(&bytes).is_none());
            let mut damaged = certificate(2030);
            if let Some(place) = damaged.get_mut(at) {
                *place = byte;
            }
            prop_assert!(validity(&damaged).is_some() || validity(&damaged).is_none());
        }
    }
}
