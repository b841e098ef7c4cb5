//! The frame of a picture over time: the plot's place, its scales, grid lines, axis labels and the key above it.

use svg::node::element::Group;

use super::{Anchor, Size, Tone, label, line, px, step, stroke};

/// A plot's place and scales.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Which form is drawn.
    pub(crate) size: Size,
    /// Left edge of the plot.
    pub(crate) left: f64,
    /// Right edge.
    pub(crate) right: f64,
    /// Upper edge.
    pub(crate) top: f64,
    /// Lower edge, where values are 0.
    pub(crate) bottom: f64,
    /// The time at the right edge, in seconds; the left edge is 0.
    pub(crate) seconds: f64,
    /// The value at the upper edge.
    pub(crate) most: f64,
    /// The distance of two horizontal grid lines, in values.
    pub(crate) tick: f64,
}

/// How an entry of the key looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A full line.
    Line,
    /// A dashed line.
    Dashes,
}

/// Keeps data off the frame's edges, so that what lies on them is seen whole.
const INSET: f64 = 5.0;

impl Frame {
    /// Gives a scale's upper end and step for values up to `most`: about `steps` of 1, 2 or 5 times a power of ten.
    pub(crate) fn scale(most: f64, steps: f64) -> (f64, f64) {
        if !most.is_finite() || most <= 0.0 {
            return (1.0, 0.5);
        }
        let rough = most / steps;
        let power = 10_f64.powf(rough.log10().floor());
        let tick = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|t| *t >= rough).unwrap_or(most);
        ((most / tick).ceil() * tick, tick)
    }

    /// Gives the horizontal place of a time.
    pub(crate) fn x(&self, seconds: f64) -> f64 {
        let place = if self.seconds > 0.0 { (seconds / self.seconds).clamp(0.0, 1.0) } else { 0.0 };
        self.left + INSET + place * (self.right - self.left - 2.0 * INSET)
    }

    /// Gives the vertical place of a value.
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - (value / self.most).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Gives the pixel columns that there are, and the centre of one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a picture's width")]
    pub(crate) fn columns(&self) -> usize {
        (self.right - self.left - 2.0 * INSET) as usize
    }

    /// Gives the horizontal place of a column's left edge.
    #[expect(clippy::cast_precision_loss, reason = "a picture has some hundred columns")]
    pub(crate) fn column_x(&self, index: usize) -> f64 {
        let columns = self.columns().max(1) as f64;
        self.left + INSET + index as f64 / columns * (self.right - self.left - 2.0 * INSET)
    }

    /// Draws grid lines and the values beside them.
    pub(crate) fn grid(&self, unit: &str) -> Group {
        let mut grid = Group::new();
        let mut value = 0.0;
        while value <= self.most * 1.001 {
            let y = self.y(value);
            let tone = if value > 0.0 { Tone::Grid } else { Tone::Soft };
            grid = grid.add(line((self.left, y), (self.right, y), tone)).add(label(
                (self.left - 6.0, y + 4.0),
                Anchor::End,
                Tone::Soft,
                &tick_text(value, self.tick),
            ));
            value += self.tick;
        }
        grid.add(label((self.left - 6.0, self.top - 10.0), Anchor::End, Tone::Soft, unit))
    }

    /// Draws the time axis' labels under `y`, in seconds or, for long tests, minutes.
    pub(crate) fn times(&self, y: f64) -> Group {
        let (scale, unit) = if self.seconds > 180.0 { (60.0, "minutes") } else { (1.0, "seconds") };
        let steps = if self.size == Size::Wide { 10.0 } else { 5.0 };
        let (_, tick) = Self::scale(self.seconds / scale, steps);
        let mut times = Group::new();
        let mut value = 0.0;
        while value * scale <= self.seconds * 1.001 {
            let x = self.x(value * scale);
            times = times.add(line((x, y), (x, y + 4.0), Tone::Soft)).add(label(
                (x, y + 16.0),
                Anchor::Middle,
                Tone::Soft,
                &tick_text(value, tick),
            ));
            value += tick;
        }
        let words = format!("{unit} since the test began");
        times.add(label((self.right, y + 32.0), Anchor::End, Tone::Soft, &words))
    }

    /// Draws the key above the plot, from the left.
    pub(crate) fn key(&self, entries: &[(Sign, Tone, String)]) -> Group {
        let mut key = Group::new();
        let mut x = self.left;
        let y = 14.0;
        for (sign, tone, words) in entries {
            let mut data = String::new();
            step(&mut data, 'M', (x, y - 4.0));
            step(&mut data, 'L', (x + 18.0, y - 4.0));
            let drawn = stroke(data, 2.0, *tone);
            key = key.add(if *sign == Sign::Dashes { drawn.set("stroke-dasharray", "5 4") } else { drawn }).add(label(
                (x + 23.0, y),
                Anchor::Start,
                Tone::Ink,
                words,
            ));
            x += 23.0 + text_width(words, self.size) + 10.0;
        }
        key
    }

    /// Draws a dashed line across the plot at a value.
    pub(crate) fn level(&self, value: f64, from: f64, tone: Tone) -> svg::node::element::Path {
        let mut data = String::new();
        step(&mut data, 'M', (from, self.y(value)));
        step(&mut data, 'L', (self.right, self.y(value)));
        stroke(data, 1.5, tone).set("stroke-dasharray", "5 4")
    }
}

/// Guesses how wide a text is drawn, on the large side: fonts differ.
pub(crate) fn text_width(text: &str, size: Size) -> f64 {
    text.chars().map(|_| size.type_size() * 0.6).sum()
}

/// Writes a scale's value with the decimals that its step needs.
fn tick_text(value: f64, tick: f64) -> String {
    if tick >= 1.0 {
        format!("{value:.0}")
    } else if tick >= 0.1 {
        px(value)
    } else if tick >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_steps() {
        let cases = [
            (0.0, (1.0, 0.5)),
            (41.0, (50.0, 10.0)),
            (20.4, (25.0, 5.0)),
            (100.0, (100.0, 20.0)),
            (7.0, (8.0, 2.0)),
            (f64::NAN, (1.0, 0.5)),
        ];
        for (most, (end, tick)) in cases {
            let (got_end, got_tick) = Frame::scale(most, 5.0);
            assert!((got_end - end).abs() < 1e-9 && (got_tick - tick).abs() < 1e-9, "{most}: {got_end} {got_tick}");
        }
    }

    #[test]
    fn scale_values_have_the_decimals_that_they_need() {
        let cases = [(20.0, 10.0, "20"), (0.5, 0.5, "0.5"), (0.04, 0.02, "0.04"), (0.002, 0.002, "0.002")];
        for (value, tick, text) in cases {
            assert_eq!(tick_text(value, tick), text);
        }
    }
}
