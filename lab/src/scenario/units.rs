//! The values written in a scenario file: rates, queues, times, losses. Parses text and never touches a system.

use std::{fmt, str::FromStr, time::Duration};

use serde::Deserialize;

/// The longest delay or jitter a scenario may ask for: beyond it every program under test has long given up.
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// A link's rate, counted over IP packets (the Ethernet header is free), as `tbf` enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate(u64);

impl Rate {
    /// Bits per second.
    #[must_use]
    pub fn bits_per_second(self) -> u64 {
        self.0
    }

    /// The bytes that pass within `time`, rounded down.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bytes = u128::from(self.0) * time.as_micros() / 8_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("bit", 1.0), ("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9)];
        number_with_unit(text, &units)
            .filter(|bits| (1e3..=1e11).contains(bits))
            .map(|bits| Self(whole(bits)))
            .ok_or_else(|| {
                format!("`{text}` is no rate: write it like \"20mbit\" (bit, kbit, mbit, gbit; 1kbit to 100gbit)")
            })
    }
}

/// How much a shaped link holds before it drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Queue {
    /// As long as the link's rate needs to send it.
    Time(Duration),
    /// So many bytes of IP packets.
    Bytes(u64),
}

impl Queue {
    /// The queue in bytes on a link of `rate`.
    #[must_use]
    pub fn bytes(self, rate: Rate) -> u64 {
        match self {
            Self::Time(time) => rate.bytes_in(time),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl FromStr for Queue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = [("b", 1.0), ("kb", 1e3), ("mb", 1e6)];
        if let Ok(time) = text.parse::<Time>() {
            return Ok(Self::Time(time.0));
        }
        number_with_unit(text, &bytes)
            .filter(|bytes| (1.0..=1e9).contains(bytes))
            .map(|bytes| Self::Bytes(whole(bytes)))
            .ok_or_else(|| format!("`{text}` is no queue: write it like \"100ms\" or \"250kb\" (us, ms, s; b, kb, mb)"))
    }
}

/// A delay or jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Time(pub(crate) Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
        number_with_unit(text, &units)
            .filter(|seconds| (0.0..=LONGEST_DELAY.as_secs_f64()).contains(seconds))
            .map(|seconds| Self(Duration::from_secs_f64(seconds)))
            .ok_or_else(|| {
                format!("`{text}` is no time: write it like \"20ms\" (us, ms, s; at most {LONGEST_DELAY:?})")
            })
    }
}

/// Which packets of a direction are lost. Address resolution is never lost: what is counted is what a program sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Loss {
    /// Each packet with this chance, in parts per million.
    Random(u32),
    /// Exactly every n-th packet of each IP protocol (ICMP, UDP and TCP are counted apart, v4 and v6 too).
    Every(u32),
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let random = number_with_unit(text, &[("%", 1.0)])
            .filter(|percent| (0.0..=100.0).contains(percent))
            .and_then(|percent| u32::try_from(whole(percent * 1e4)).ok())
            .map(Self::Random);
        let every = || {
            let nth = text.strip_prefix("every ")?.trim();
            let number = nth.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let suffix = &nth[number.len()..];
            let n = number.parse().ok().filter(|n| *n >= 2)?;
            ["", "st", "nd", "rd", "th"].contains(&suffix).then_some(Self::Every(n))
        };
        random.or_else(every).ok_or_else(|| {
            format!("`{text}` is no loss: write \"2%\" (at random) or \"every 10th\" (exactly; from the 2nd on)")
        })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(ppm) => write!(f, "{}% at random", f64::from(*ppm) / 1e4),
            Self::Every(n) => write!(f, "every {n}th"),
        }
    }
}

macro_rules! parsed_from_string {
    ($($kind:ty),*) => {$(
        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )*};
}

parsed_from_string!(Rate, Queue, Time, Loss);

/// Splits `20 mbit` and multiplies. `None` without a number or with another unit.
fn number_with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "callers hold it within 0..=1e11")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr + PartialEq + fmt::Debug>(text: &str, expected: Option<&T>) {
        assert_eq!(text.parse::<T>().ok().as_ref(), expected, "{text}");
    }

    #[test]
    fn rates() {
        check("20mbit", Some(&Rate(20_000_000)));
        check("20 Mbit", Some(&Rate(20_000_000)));
        check("0.5gbit", Some(&Rate(500_000_000)));
        for wrong in ["", "20", "mbit", "20mb", "-1mbit", "1bit", "1..2mbit"] {
            check::<Rate>(wrong, None);
        }
    }

    #[test]
    fn queues_are_times_or_bytes() {
        check("100ms", Some(&Queue::Time(Duration::from_millis(100))));
        check("250kb", Some(&Queue::Bytes(250_000)));
        for wrong in ["", "100", "5 packets", "0b"] {
            check::<Queue>(wrong, None);
        }
        assert_eq!(Queue::Time(Duration::from_millis(100)).bytes(Rate(20_000_000)), 250_000);
    }

    #[test]
    fn times() {
        check("20ms", Some(&Time(Duration::from_millis(20))));
        check("1.5s", Some(&Time(Duration::from_millis(1500))));
        for wrong in ["", "20", "61s", "20min", "-1ms"] {
            check::<Time>(wrong, None);
        }
    }

    #[test]
    fn losses() {
        check("2%", Some(&Loss::Random(20_000)));
        check("0.01 %", Some(&Loss::Random(100)));
        check("every 10th", Some(&Loss::Every(10)));
        check("every 3", Some(&Loss::Every(3)));
        for wrong in ["", "2", "101%", "every", "every 1st", "every 0th", "every tenth", "10th"] {
            check::<Loss>(wrong, None);
        }
    }
}
