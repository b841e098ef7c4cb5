//! Who signed a certificate, read from its bytes by hand: both ends of a connection say it in the same words. It checks
//! nothing.

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
/// `organizationName` and `commonName` as DER writes them.
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0A];
const COMMON: &[u8] = &[0x55, 0x04, 0x03];

/// Reads who signed a certificate (DER, X.509): the name and the organisation, where they are in it.
#[must_use]
pub fn issuer(certificate: &[u8]) -> Option<String> {
    let (_, certificate, _) = value(certificate)?;
    let (_, mut rest, _) = value(certificate)?;
    if *rest.first()? == VERSION {
        rest = value(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    let (_, _, rest) = value(rest)?;
    let (_, _, rest) = value(rest)?;
    let (kind, mut names, _) = value(rest)?;
    let (mut organization, mut common) = (None, None);
    while kind == SEQUENCE && !names.is_empty() {
        let (_, set, next) = value(names)?;
        let (_, pair, _) = value(set)?;
        let (_, which, rest) = value(pair)?;
        let text = String::from_utf8_lossy(value(rest)?.1).into_owned();
        match which {
            ORGANIZATION => organization = Some(text),
            COMMON => common = Some(text),
            _ => {}
        }
        names = next;
    }
    match (organization, common) {
        (Some(organization), Some(common)) if organization != common => Some(format!("{common}, {organization}")),
        (one, other) => other.or(one),
    }
}

/// Reads one DER value: its kind, what is in it, and what follows.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7F => (usize::from(short), rest),
        0x81..=0x84 => {
            let (long, rest) = rest.split_at_checked(usize::from(short & 0x7F))?;
            (long.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((kind, inside, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_a_panic(noise: Vec<u8>) {
            drop(issuer(&noise));
        }
    }
}
