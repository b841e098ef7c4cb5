//! How numbers, times and names are worded. It rounds for reading, but never so far that something becomes nothing
//! or a part becomes the whole, and it measures and judges nothing.

use std::time::Duration;

use cnc_model::test::{PingProtocol, TraceProtocol};
use cnc_model::{BitRate, Destination, Timestamp};

/// Stands wherever there is no figure; never a zero.
pub(crate) const NOT_MEASURED: &str = "not measured";

/// Keeps a number and its unit on one line.
const GAP: char = '\u{a0}';

/// Words a round-trip time in milliseconds: `0.031 ms`, `4.18 ms`, `40.2 ms`, `1,204 ms`.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 0.0005 {
        format!("under 0.001{GAP}ms")
    } else if ms < 0.9995 {
        format!("{ms:.3}{GAP}ms")
    } else if ms < 9.995 {
        format!("{ms:.2}{GAP}ms")
    } else if ms < 999.95 {
        format!("{ms:.1}{GAP}ms")
    } else {
        format!("{}{GAP}ms", count((time.as_micros() + 500) / 1_000))
    }
}

/// Words a bit rate with three significant digits: `512 kbit/s`, `20.1 Mbit/s`, `1.25 Gbit/s`.
pub(crate) fn rate(rate: BitRate) -> String {
    let bps = rate.bps();
    if bps > 0.0 && bps < 0.5 {
        return format!("under 1{GAP}bit/s");
    }
    let (unit, scale) = rate_unit(bps);
    let value = bps / scale;
    let decimals = match value {
        _ if scale <= 1.0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{GAP}{unit}")
}

/// Chooses the unit in which a rate has one to three digits before the point, and its size in bits a second.
pub(crate) fn rate_unit(bps: f64) -> (&'static str, f64) {
    [("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)]
        .into_iter()
        .find(|(_, scale)| bps >= 0.9995 * scale)
        .unwrap_or(("bit/s", 1.0))
}

/// Words a share as a percentage: only nothing is `0 %`, only all is `100 %`.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent <= 0.0 {
        return format!("0{GAP}%");
    }
    if percent >= 100.0 {
        return format!("100{GAP}%");
    }
    let decimals = match percent.min(100.0 - percent) {
        edge if edge < 0.0005 && percent < 50.0 => return format!("under 0.001{GAP}%"),
        edge if edge < 0.0005 => return format!("over 99.999{GAP}%"),
        edge if edge < 0.0095 => 3,
        edge if edge < 0.95 => 2,
        _ => 1,
    };
    format!("{percent:.decimals$}{GAP}%")
}

/// Words a count with its thousands apart: `100,000`.
pub(crate) fn count(n: impl Into<u128>) -> String {
    let digits = n.into().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Words a count of things: `1 reply`, `12 replies`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{}{GAP}{}", count(n), if n == 1 { one } else { many })
}

/// Words an amount of data in decimal units, as links are sold: `25.1 MB`.
pub(crate) fn data(bytes: u64) -> String {
    scaled(bytes, 1_000, ["bytes", "kB", "MB", "GB", "TB"])
}

/// Words an amount of memory in binary units, as machines are sold: `15.6 GiB`.
pub(crate) fn memory(bytes: u64) -> String {
    scaled(bytes, 1_024, ["bytes", "KiB", "MiB", "GiB", "TiB"])
}

fn scaled(bytes: u64, base: u64, units: [&str; 5]) -> String {
    let mut size = 1;
    let mut unit = 0;
    while unit + 1 < units.len() && bytes / size >= base {
        size *= base;
        unit += 1;
    }
    if unit == 0 {
        return format!("{}{GAP}{}", count(bytes), units[0]);
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = bytes as f64 / size as f64;
    format!("{value:.1}{GAP}{}", units[unit])
}

/// Words how long something took: `0.4 s`, `10.0 s`, `3 min 5 s`, `2 h 5 min`, `3 days 4 h`.
pub(crate) fn span(time: Duration) -> String {
    let s = time.as_secs();
    let (minute, hour, day) = (60, 3_600, 86_400);
    match s {
        _ if time.as_secs_f64() < 59.95 => format!("{:.1}{GAP}s", time.as_secs_f64()),
        _ if s < hour => format!("{}{GAP}min {}{GAP}s", s.max(minute) / minute, s.max(minute) % minute),
        _ if s < day => format!("{}{GAP}h {}{GAP}min", s / hour, s % hour / minute),
        _ => format!("{} {}{GAP}h", counted(s / day, "day", "days"), s % day / hour),
    }
}

/// Words a time that someone set: `200 ms`, `2 s`, `1.5 s`.
pub(crate) fn setting(time: Duration) -> String {
    match time.as_millis() {
        whole if whole % 1_000 == 0 => format!("{}{GAP}s", time.as_secs()),
        under if under < 1_000 => format!("{under}{GAP}ms"),
        _ => format!("{:.1}{GAP}s", time.as_secs_f64()),
    }
}

/// Words a moment: `20 November 2026, 14:03:05 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    format(at, "%-d %B %Y, %H:%M:%S UTC")
}

/// Words a moment for names that are sorted: `2026-11-20 14:03`.
pub(crate) fn sortable(at: Timestamp) -> String {
    format(at, "%Y-%m-%d %H:%M")
}

/// Words a moment's time of day alone: `14:03:05`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    format(at, "%H:%M:%S")
}

/// Words from when to when something lasted, naming the day once where it is one day.
pub(crate) fn period(from: Timestamp, to: Timestamp) -> String {
    let day = |at| format(at, "%-d %B %Y");
    if day(from) == day(to) {
        format!("{}, {} to {} UTC", day(from), time_of_day(from), time_of_day(to))
    } else {
        format!("{} to {}", moment(from), moment(to))
    }
}

/// Writes a moment for machines, as HTML's `datetime` wants it.
pub(crate) fn iso(at: Timestamp) -> String {
    format(at, "%Y-%m-%dT%H:%M:%SZ")
}

fn format(at: Timestamp, as_: &str) -> String {
    jiff::Timestamp::from_microsecond(at.unix_us())
        .map_or_else(|_| "at an unknown time".into(), |at| at.strftime(as_).to_string())
}

/// Names a destination in a sentence.
pub(crate) fn destination(to: &Destination) -> String {
    match to {
        Destination::Host(host) => host.to_string(),
        Destination::Gateway => "the default gateway".into(),
        Destination::Resolver => "the DNS server".into(),
        Destination::Listener => "the listener".into(),
    }
}

/// Names a ping's kind of probe.
pub(crate) fn ping_protocol(protocol: PingProtocol) -> String {
    match protocol {
        PingProtocol::Icmp => "ICMP echo".into(),
        PingProtocol::Tcp(port) => format!("TCP connect to port {port}"),
        PingProtocol::Udp(port) => format!("UDP echo on port {port}"),
    }
}

/// Names a trace's kind of probe.
pub(crate) fn trace_protocol(protocol: TraceProtocol) -> String {
    match protocol {
        TraceProtocol::Icmp => "ICMP echo".into(),
        TraceProtocol::Udp(None) => "UDP".into(),
        TraceProtocol::Udp(Some(port)) => format!("UDP to port {port}"),
        TraceProtocol::Tcp(port) => format!("TCP to port {port}"),
    }
}

/// Begins a sentence with a capital letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Ends a text of someone else's with a full stop, unless it ends a sentence already.
pub(crate) fn stopped(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(GAP, " ")
    }

    #[test]
    fn times_keep_three_digits_and_are_never_nothing() {
        let cases = [
            (0, "under 0.001 ms"),
            (31_000, "0.031 ms"),
            (999_400, "0.999 ms"),
            (999_600, "1.00 ms"),
            (4_183_000, "4.18 ms"),
            (9_996_000, "10.0 ms"),
            (40_204_000, "40.2 ms"),
            (999_960_000, "1,000 ms"),
            (1_203_600_000, "1,204 ms"),
        ];
        for (ns, expected) in cases {
            assert_eq!(plain(&ms(Duration::from_nanos(ns))), expected, "{ns} ns");
        }
    }

    #[test]
    fn rates_have_three_digits() {
        let cases = [
            (0.0, "0 bit/s"),
            (0.2, "under 1 bit/s"),
            (640.0, "640 bit/s"),
            (512_000.0, "512 kbit/s"),
            (999_600.0, "1.00 Mbit/s"),
            (9_999_000.0, "10.0 Mbit/s"),
            (20_100_000.0, "20.1 Mbit/s"),
            (943_000_000.0, "943 Mbit/s"),
            (1_250_000_000.0, "1.25 Gbit/s"),
        ];
        for (bps, expected) in cases {
            assert_eq!(plain(&rate(BitRate::from_bps(bps).expect("valid"))), expected, "{bps} bit/s");
        }
    }

    #[test]
    fn only_nothing_is_no_percent_and_only_all_is_a_hundred() {
        let cases = [
            (0.0, "0 %"),
            (0.000_000_1, "under 0.001 %"),
            (0.000_01, "0.001 %"),
            (0.000_4, "0.04 %"),
            (0.004, "0.40 %"),
            (0.012, "1.2 %"),
            (0.1, "10.0 %"),
            (0.5, "50.0 %"),
            (0.999_6, "99.96 %"),
            (0.999_999_9, "over 99.999 %"),
            (1.0, "100 %"),
        ];
        for (ratio, expected) in cases {
            assert_eq!(plain(&percent(ratio)), expected, "{ratio}");
        }
    }

    #[test]
    fn amounts_spans_and_moments_read_well() {
        assert_eq!(plain(&data(999)), "999 bytes");
        assert_eq!(plain(&data(25_120_000)), "25.1 MB");
        assert_eq!(plain(&memory(16_700_000_000)), "15.6 GiB");
        assert_eq!(count(1_234_567_u64), "1,234,567");
        assert_eq!(plain(&counted(1, "reply", "replies")), "1 reply");
        let spans = [(400, "0.4 s"), (59_960, "1 min 0 s"), (185_000, "3 min 5 s"), (7_500_000, "2 h 5 min")];
        for (ms, expected) in spans {
            assert_eq!(plain(&span(Duration::from_millis(ms))), expected);
        }
        assert_eq!(plain(&span(Duration::from_hours(76))), "3 days 4 h");
        for (ms, expected) in [(200, "200 ms"), (2_000, "2 s"), (1_500, "1.5 s")] {
            assert_eq!(plain(&setting(Duration::from_millis(ms))), expected);
        }
        let at = Timestamp::from_unix_us(1_795_183_385_000_000);
        assert_eq!(moment(at), "20 November 2026, 14:03:05 UTC");
        assert_eq!(iso(at), "2026-11-20T14:03:05Z");
        let later = at.after(Duration::from_mins(2));
        assert_eq!(period(at, later), "20 November 2026, 14:03:05 to 14:05:05 UTC");
        assert_eq!(moment(Timestamp::from_unix_us(i64::MAX)), "at an unknown time");
    }
}
