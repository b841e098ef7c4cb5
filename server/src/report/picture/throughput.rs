//! The picture of a download or upload: goodput over time as it was counted at the receiver, the ramp set apart by
//! a shaded field and its name, the steady-state figure as a dashed line.

use std::time::Duration;

use cnc_model::BitRate;
use cnc_model::throughput::{Direction, ThroughputSample, ThroughputSummary, steady_part};
use svg::node::element::{Group, SVG};

use super::frame::{Frame, Sign};
use super::{Anchor, Picture, Size, Tone, area, block, label, step, stroke, thin};
use crate::report::words;

const TOP: f64 = 44.0;
const PLOT_HEIGHT: f64 = 180.0;

/// Draws a download or upload; `None` when there are no samples to draw.
pub(crate) fn picture(samples: &[ThroughputSample], summary: Option<&ThroughputSummary>) -> Option<Picture> {
    let mut samples = samples.to_vec();
    samples.sort_by_key(|sample| sample.at);
    let end = samples.last()?.at;
    let steady_from = steady_part(&samples).first().map(|s| s.at.saturating_sub(s.interval));
    let steady = summary.and_then(|s| s.steady);
    let drawing = Drawing { samples: &samples, end, steady_from, steady };
    Some(Picture::draw(alt(&drawing, summary), |size| drawing.sheet(size)))
}

struct Drawing<'a> {
    /// In order of time.
    samples: &'a [ThroughputSample],
    end: Duration,
    steady_from: Option<Duration>,
    steady: Option<BitRate>,
}

fn alt(drawing: &Drawing<'_>, summary: Option<&ThroughputSummary>) -> String {
    let way = match drawing.samples.first().map(|s| s.direction) {
        Some(Direction::Upload) => "Upload",
        Some(Direction::Download) | None => "Download",
    };
    let mean = summary.map_or_else(|| words::NOT_MEASURED.to_owned(), |s| words::rate(s.goodput));
    let ramp = match (drawing.steady_from, drawing.steady) {
        (Some(from), Some(steady)) => format!("steady from {} on at {}", words::span(from), words::rate(steady)),
        (Some(from), None) => format!("steady from {} on", words::span(from)),
        (None, _) => "the rate never settled".to_owned(),
    };
    format!("{way} rate over {}: mean {mean}; {ramp}.", words::span(drawing.end))
}

impl Drawing<'_> {
    fn sheet(&self, size: Size) -> SVG {
        let greatest = self.samples.iter().map(|s| s.goodput().bps()).fold(0.0, f64::max);
        let (unit, scale) = words::rate_unit(greatest);
        let (most, tick) = Frame::scale(greatest / scale, 5.0);
        let bottom = TOP + PLOT_HEIGHT;
        let frame = Frame {
            size,
            left: 52.0,
            right: size.width() - 6.0,
            top: TOP,
            bottom,
            seconds: self.end.as_secs_f64().max(0.001),
            most,
            tick,
        };
        let mut key = vec![(Sign::Line, Tone::Data, "goodput".to_owned())];
        if let Some(steady) = self.steady {
            key.push((Sign::Dashes, Tone::Figure, format!("steady {}", words::rate(steady))));
        }
        let mut plot = Group::new().add(self.ramp(&frame)).add(frame.grid(unit)).add(self.curve(&frame, scale));
        if let Some(steady) = self.steady {
            let from = self.steady_from.map_or(frame.left, |from| frame.x(from.as_secs_f64()));
            plot = plot.add(frame.level(steady.bps() / scale, from, Tone::Figure));
        }
        size.sheet(bottom + 38.0).add(frame.key(&key)).add(plot).add(frame.times(bottom))
    }

    /// Shades the time until the rate settled, or all of it where it never did.
    fn ramp(&self, frame: &Frame) -> Group {
        let until = self.steady_from.unwrap_or(self.end).as_secs_f64();
        let (from, to) = (frame.left, if self.steady_from.is_some() { frame.x(until) } else { frame.right });
        let words = if self.steady_from.is_some() { "ramp" } else { "never settled" };
        let field = Group::new().add(block((from, frame.top), (to - from, frame.bottom - frame.top), Tone::Shade));
        field.add(label((from + 2.0, frame.top - 10.0), Anchor::Start, Tone::Soft, words))
    }

    fn curve(&self, frame: &Frame, scale: f64) -> Group {
        if self.samples.len() * 2 > frame.columns() {
            return Group::new().add(stroke(self.spans(frame, scale), 1.2, Tone::Data));
        }
        let mut line = String::new();
        for sample in self.samples {
            let (from, to) = (sample.at.saturating_sub(sample.interval).as_secs_f64(), sample.at.as_secs_f64());
            let y = frame.y(sample.goodput().bps() / scale);
            let command = if line.is_empty() { 'M' } else { 'L' };
            step(&mut line, command, (frame.x(from), y));
            step(&mut line, 'L', (frame.x(to), y));
        }
        let mut under = line.clone();
        step(&mut under, 'L', (frame.x(frame.seconds), frame.bottom));
        step(&mut under, 'L', (frame.x(0.0), frame.bottom));
        under.push('Z');
        Group::new().add(area(under, 0.12, Tone::Data)).add(stroke(line, 1.6, Tone::Data))
    }

    /// Gives for each pixel column a line from the least to the greatest.
    fn spans(&self, frame: &Frame, scale: f64) -> String {
        let values = self.samples.iter().map(|s| (s.at.as_secs_f64() / frame.seconds, s.goodput().bps() / scale));
        let mut data = String::new();
        for column in thin::columns(values, frame.columns()) {
            let x = frame.column_x(column.index) + 0.5;
            let command = if data.is_empty() { 'M' } else { 'L' };
            step(&mut data, command, (x, frame.y(column.greatest)));
            step(&mut data, 'L', (x, frame.y(column.least)));
        }
        data
    }
}
