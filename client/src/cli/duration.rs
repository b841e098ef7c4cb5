//! Durations as people type them: `200ms`, `10s`, `1.5m`; a bare number is seconds, as with other pings.

use std::time::Duration;

/// Reads a duration.
///
/// # Errors
/// Says what is allowed.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: write it like 200ms or 10s");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds_each = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number * seconds_each).map_err(|_| wrong())?;
    // Binary fractions of a second leave nanoseconds over: 200ms is exactly that.
    Ok(Duration::from_micros(u64::try_from((duration + Duration::from_nanos(500)).as_micros()).map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_typed() {
        for (text, micros) in [
            ("200ms", 200_000),
            ("10s", 10_000_000),
            ("1.5s", 1_500_000),
            ("0.2", 200_000),
            ("2m", 120_000_000),
            ("50us", 50),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "s", "ms", "-1s", "1e3", "1 s", "1h", "1.2.3s", "soon", "99999999999999999999999s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
