//! Text for people: figures with their units, and strangers' words made harmless. Pure.

use std::time::Duration;

use cnc_model::{BitRate, Timestamp};

/// The longest text of a stranger that is shown.
const MAX_FOREIGN_CHARS: usize = 500;

/// Makes a stranger's text fit to be shown: no control characters, which could redraw the screen or worse, no marks
/// that turn the direction of writing, and not endless.
#[must_use]
pub fn clean(text: &str) -> String {
    let is_harmless = |c: &char| !c.is_control() && !is_invisible(*c);
    let mut clean: String =
        text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).filter(is_harmless).collect();
    if let Some((end, _)) = clean.char_indices().nth(MAX_FOREIGN_CHARS) {
        clean.truncate(end);
        clean.push_str("...");
    }
    clean
}

/// Marks of direction, joiners, separators and tags: they change how the text around them looks.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Gives a time as milliseconds with one decimal, two below ten, three below a tenth: a loopback's is not nothing.
#[must_use]
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    if ms < 0.1 {
        format!("{ms:.3} ms")
    } else if ms < 10.0 {
        format!("{ms:.2} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

/// Gives a wall time to the minute: `2027-01-15 08:00 UTC`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// Gives a length of time as people say it: `10 s`, `1.5 s`, `2 min 5 s`, `3 h 20 min`, `4 days 2 h`.
#[must_use]
pub fn span(time: Duration) -> String {
    if (Duration::from_secs(1)..Duration::from_mins(1)).contains(&time) {
        let tenths = (time.as_millis() + 50) / 100;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        return if tenth == 0 { format!("{whole} s") } else { format!("{whole}.{tenth} s") };
    }
    let whole = time.as_secs();
    let two = |high: u64, high_unit: &str, low: u64, low_unit: &str| {
        if low == 0 { format!("{high} {high_unit}") } else { format!("{high} {high_unit} {low} {low_unit}") }
    };
    match whole {
        0 if time.is_zero() => "0 s".into(),
        0 => format!("{} ms", time.as_millis()),
        1..3_600 => two(whole / 60, "min", whole % 60, "s"),
        3_600..86_400 => two(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => two(whole / 86_400, if whole < 172_800 { "day" } else { "days" }, whole % 86_400 / 3_600, "h"),
    }
}

/// Gives a rate as `94.1 Mbit/s`.
#[must_use]
pub fn rate(rate: BitRate) -> String {
    let (figure, unit) = scaled(rate.bps());
    format!("{figure} {unit}bit/s")
}

/// Gives an amount of data as `1.2 GB`, in thousands as networks count.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let (figure, unit) = scaled(bytes as f64);
    format!("{figure} {unit}B")
}

/// Gives an amount of memory as `15.6 GiB`, in 1,024s as memory is sold.
#[must_use]
pub fn memory(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1_024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1_024.0) }
}

/// Gives a share as `12.5 %`, with as many digits as tell small shares from none.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 { format!("{percent:.2} %") } else { format!("{percent:.1} %") }
}

/// Gives `1 probe`, `2 probes`.
#[must_use]
pub fn count(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Scales a figure to three or four digits and its unit's prefix.
fn scaled(figure: f64) -> (String, &'static str) {
    let (figure, prefix) = match figure {
        f if f >= 1e9 => (f / 1e9, "G"),
        f if f >= 1e6 => (f / 1e6, "M"),
        f if f >= 1e3 => (f / 1e3, "k"),
        f => (f, ""),
    };
    let text = match figure {
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    };
    (text, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_cannot_harm() {
        for (text, shown) in [
            ("Example IT", "Example IT"),
            ("\u{1b}[2J\u{1b}]0;owned\u{7}Hi", "[2J]0;ownedHi"),
            ("a\nb\tc\r\u{0}\u{9b}d", "a b cd"),
            ("evil\u{202e}txt.exe\u{200b}", "eviltxt.exe"),
            ("Übung Ελ 日本", "Übung Ελ 日本"),
        ] {
            assert_eq!(clean(text), shown);
        }
        assert_eq!(clean(&"x".repeat(10_000)).len(), MAX_FOREIGN_CHARS + 3);
    }

    #[test]
    fn figures_have_units() {
        let table = [
            (ms(Duration::from_micros(4)), "0.004 ms"),
            (ms(Duration::from_micros(1_234)), "1.23 ms"),
            (ms(Duration::from_micros(40_040)), "40.0 ms"),
            (span(Duration::ZERO), "0 s"),
            (span(Duration::from_millis(200)), "200 ms"),
            (span(Duration::from_secs(10)), "10 s"),
            (span(Duration::from_millis(9_800)), "9.8 s"),
            (span(Duration::from_millis(2_976)), "3 s"),
            (span(Duration::from_secs(125)), "2 min 5 s"),
            (span(Duration::from_mins(200)), "3 h 20 min"),
            (span(Duration::from_hours(24)), "1 day"),
            (span(Duration::from_hours(98)), "4 days 2 h"),
            (rate(BitRate::from_bps(94_123_456.0).expect("finite")), "94.1 Mbit/s"),
            (rate(BitRate::from_bps(1.5e9).expect("finite")), "1.50 Gbit/s"),
            (rate(BitRate::ZERO), "0.00 bit/s"),
            (bytes(999), "999 B"),
            (bytes(1_000_000_000), "1.00 GB"),
            (memory(16 << 30), "16.0 GiB"),
            (percent(0.001), "0.10 %"),
            (percent(0.1), "10.0 %"),
            (percent(0.0), "0.0 %"),
            (count(1, "probe"), "1 probe"),
            (count(0, "probe"), "0 probes"),
        ];
        for (given, expected) in table {
            assert_eq!(given, expected);
        }
    }
}
