//! Times as people write them: `200ms`, `10s`, `30m`, `2h`.

use std::time::Duration;

use thiserror::Error;

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no time: write a number and ms, s, m, h or d, like 200ms or 10s")]
pub struct InvalidDuration {
    /// What was given, cut to 60 characters.
    pub text: String,
}

/// Reads a time: a number, which may have a fraction, and its unit.
///
/// # Errors
/// Fails when there is no number or no known unit, or the time is beyond what can be held.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration { text: text.chars().take(60).collect() };
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| invalid())?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(invalid()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_a_number_and_a_unit() {
        let cases = [
            ("200ms", 200),
            ("10s", 10_000),
            ("1.5s", 1_500),
            ("30m", 1_800_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1 s", "1.2.3s", "1w", "1e3s", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            prop_assert!(parse(&text).is_ok() || parse(&text).is_err());
        }
    }
}
