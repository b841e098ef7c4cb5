//! The picture of a ping: round-trip times over time, and beneath them one lane for each way in which a probe can
//! fail, told apart by place, name and shape, not by colour alone.

use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample, PingSummary};
use svg::node::element::{Group, SVG};

use super::frame::{Frame, Sign, text_width};
use super::{Anchor, Picture, Size, Tone, area, dot, label, line, step, stroke, thin};
use crate::report::words;

/// A probe as it is drawn.
#[derive(Debug, Clone, Copy)]
struct Probe {
    seq: u32,
    seconds: f64,
    fate: Fate,
}

/// What became of a probe, in the order in which one outranks another.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Fate {
    /// It was answered in so many milliseconds.
    Replied(f64),
    Unreachable,
    Lost,
    NotSent,
    Late,
}

/// The lanes under the plot, from above, with the words for them.
const LANES: [(Fate, &str); 4] =
    [(Fate::Lost, "lost"), (Fate::Late, "late"), (Fate::Unreachable, "unreachable"), (Fate::NotSent, "not sent")];

const LANE_HEIGHT: f64 = 18.0;
const PLOT_HEIGHT: f64 = 170.0;
const TOP: f64 = 44.0;

/// Marks closer than this merge into bars.
const MARK_WIDTH: f64 = 8.0;

/// Draws a ping; `None` when there are no samples to draw.
pub(crate) fn picture(samples: &[PingSample], summary: Option<&PingSummary>) -> Option<Picture> {
    let probes = probes(samples);
    if probes.is_empty() {
        return None;
    }
    let end = probes.iter().map(|p| p.seconds).fold(0.0, f64::max);
    // A single probe at the start has no length of time.
    let seconds = if end > 0.0 { end } else { 1.0 };
    let median = summary.and_then(|s| s.rtt).map(|rtt| rtt.median);
    Some(Picture::draw(alt(&probes, summary), |size| sheet(&probes, seconds, median, size)))
}

/// Gives each probe's fate once, in the order of sending; a late reply is one more mark.
fn probes(samples: &[PingSample]) -> Vec<Probe> {
    let mut probes: Vec<Probe> = samples
        .iter()
        .map(|sample| {
            let fate = match sample.outcome {
                PingOutcome::Reply(reply) => Fate::Replied(reply.rtt.as_secs_f64() * 1e3),
                PingOutcome::Lost => Fate::Lost,
                PingOutcome::Late(_) => Fate::Late,
                PingOutcome::Unreachable { .. } => Fate::Unreachable,
                PingOutcome::NotSent => Fate::NotSent,
            };
            Probe { seq: sample.seq, seconds: sample.at.as_secs_f64(), fate }
        })
        .collect();
    probes.sort_by(|a, b| a.seq.cmp(&b.seq).then(a.fate.partial_cmp(&b.fate).unwrap_or(std::cmp::Ordering::Equal)));
    probes.dedup_by(|next, kept| next.seq == kept.seq && next.fate != Fate::Late);
    probes
}

fn alt(probes: &[Probe], summary: Option<&PingSummary>) -> String {
    let lanes: Vec<String> = LANES
        .iter()
        .filter_map(|(fate, word)| {
            let count = probes.iter().filter(|p| p.fate == *fate).count();
            (count > 0).then(|| format!("{} {word}", words::count(count as u64)))
        })
        .collect();
    let fates = if lanes.is_empty() { "none lost".to_owned() } else { lanes.join(", ") };
    let rtt = summary.and_then(|s| s.rtt).map_or_else(
        || "no reply".to_owned(),
        |rtt| format!("from {} to {}, median {}", words::ms(rtt.min), words::ms(rtt.max), words::ms(rtt.median)),
    );
    format!("Round-trip time over time: {rtt}; {fates}.")
}

fn sheet(probes: &[Probe], seconds: f64, median: Option<Duration>, size: Size) -> SVG {
    let replies = || probes.iter().filter_map(|p| rtt(p).map(|ms| (p.seconds, ms)));
    let (most, tick) = Frame::scale(replies().map(|(_, ms)| ms).fold(0.0, f64::max), 5.0);
    let lanes: Vec<_> = LANES.iter().filter(|(fate, _)| probes.iter().any(|p| p.fate == *fate)).collect();
    let named = lanes.iter().map(|(_, word)| text_width(word, size) + 10.0).fold(44.0, f64::max);
    let (left, bottom) = (named, TOP + PLOT_HEIGHT);
    let frame = Frame { size, left, right: size.width() - 6.0, top: TOP, bottom, seconds, most, tick };
    let mut below = bottom + if lanes.is_empty() { 0.0 } else { 8.0 };
    let mut drawn = Group::new();
    for (fate, word) in lanes {
        drawn = drawn.add(lane(&frame, below, probes, *fate, word));
        below += LANE_HEIGHT;
    }
    let answered = replies().next().is_some();
    let mut key = Vec::new();
    if answered {
        key.push((Sign::Line, Tone::Data, "round-trip time".to_owned()));
    }
    let mut plot = Group::new();
    if let Some(median) = median {
        key.push((Sign::Dashes, Tone::Figure, format!("median {}", words::ms(median))));
        plot = plot.add(frame.level(median.as_secs_f64() * 1e3, frame.left, Tone::Figure));
    }
    let plot = if answered { curve(&frame, probes, plot) } else { silence(&frame) };
    size.sheet(below + 38.0).add(frame.key(&key)).add(frame.grid("ms")).add(plot).add(drawn).add(frame.times(below))
}

fn rtt(probe: &Probe) -> Option<f64> {
    match probe.fate {
        Fate::Replied(ms) => Some(ms),
        Fate::Unreachable | Fate::Lost | Fate::NotSent | Fate::Late => None,
    }
}

fn silence(frame: &Frame) -> Group {
    // Between two grid lines, on neither.
    let middle = (f64::midpoint(frame.left, frame.right), frame.y(frame.most * 0.72));
    Group::new().add(label(middle, Anchor::Middle, Tone::Soft, "no reply"))
}

/// Draws the round-trip times: a line that breaks where a probe got none, or, where there are more probes than
/// pixel columns, what each column spans.
fn curve(frame: &Frame, probes: &[Probe], plot: Group) -> Group {
    if probes.len() > frame.columns() {
        return plot.add(stroke(spans(frame, probes), 1.2, Tone::Data));
    }
    let mut data = String::new();
    let mut dots = Group::new();
    let mut joined = false;
    // One dot each while they stay apart.
    let dotted = probes.len() * 6 <= frame.columns();
    for probe in probes.iter().filter(|p| p.fate != Fate::Late) {
        let Some(ms) = rtt(probe) else {
            joined = false;
            continue;
        };
        let at = (frame.x(probe.seconds), frame.y(ms));
        step(&mut data, if joined { 'L' } else { 'M' }, at);
        if !joined {
            // A piece of no length: seen as a dot when nothing follows.
            data.push_str("h0");
        }
        joined = true;
        if dotted {
            dots = dots.add(dot(at, 2.2, Tone::Data));
        }
    }
    plot.add(stroke(data, 1.4, Tone::Data)).add(dots)
}

/// Gives for each column a line from the least to the greatest, joined where columns touch.
fn spans(frame: &Frame, probes: &[Probe]) -> String {
    let replies = probes.iter().filter_map(|p| rtt(p).map(|ms| (p.seconds / frame.seconds, ms)));
    let mut data = String::new();
    let mut before = None;
    for column in thin::columns(replies, frame.columns()) {
        let x = frame.column_x(column.index) + 0.5;
        let joined = before.is_some_and(|index: usize| index + 1 == column.index);
        step(&mut data, if joined { 'L' } else { 'M' }, (x, frame.y(column.greatest)));
        step(&mut data, 'L', (x, frame.y(column.least)));
        before = Some(column.index);
    }
    data
}

/// Draws one lane: a mark of its own shape for each place, or bars where they are too close for that.
fn lane(frame: &Frame, top: f64, probes: &[Probe], fate: Fate, word: &str) -> Group {
    let middle = top + LANE_HEIGHT / 2.0;
    let places: Vec<f64> =
        probes.iter().filter(|p| p.fate == fate).map(|p| p.seconds / frame.seconds.max(f64::MIN_POSITIVE)).collect();
    let tone = match fate {
        Fate::Lost | Fate::Unreachable => Tone::Loss,
        Fate::Late => Tone::Late,
        Fate::NotSent | Fate::Replied(_) => Tone::Soft,
    };
    let runs = thin::runs(places.iter().copied(), frame.columns());
    let single = runs.iter().all(|(first, last)| first == last)
        && runs.windows(2).all(|pair| frame.column_x(pair[1].0) - frame.column_x(pair[0].1) >= MARK_WIDTH);
    let mut data = String::new();
    for &(first, last) in &runs {
        // A single column, too, must be seen.
        let (from, to) = (frame.column_x(first), frame.column_x(last + 1).max(frame.column_x(first) + 2.0));
        if single {
            mark(&mut data, (from + 0.5, middle), fate);
        } else {
            step(&mut data, 'M', (from, middle - 5.0));
            for corner in [(to, middle - 5.0), (to, middle + 5.0), (from, middle + 5.0)] {
                step(&mut data, 'L', corner);
            }
            data.push('Z');
        }
    }
    let below = top + LANE_HEIGHT;
    let lane = Group::new().add(line((frame.left, below), (frame.right, below), Tone::Grid)).add(label(
        (frame.left - 6.0, middle + 4.0),
        Anchor::End,
        Tone::Soft,
        word,
    ));
    lane.add(if single { stroke(data, 1.6, tone) } else { area(data, 1.0, tone) })
}

/// Draws a mark: a cross for lost, a triangle for late, a square for unreachable, a dash for not sent.
fn mark(data: &mut String, (x, y): (f64, f64), fate: Fate) {
    let r = 3.5;
    let (corners, closed): (&[(f64, f64)], bool) = match fate {
        Fate::Lost => {
            step(data, 'M', (x - r, y - r));
            step(data, 'L', (x + r, y + r));
            (&[(-1.0, 1.0), (1.0, -1.0)], false)
        }
        Fate::Late => (&[(-1.0, 1.0), (0.0, -1.0), (1.0, 1.0)], true),
        Fate::Unreachable => (&[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)], true),
        Fate::NotSent | Fate::Replied(_) => (&[(-1.0, 0.0), (1.0, 0.0)], false),
    };
    for (i, (dx, dy)) in corners.iter().enumerate() {
        step(data, if i == 0 { 'M' } else { 'L' }, (x + dx * r, y + dy * r));
    }
    if closed {
        data.push('Z');
    }
}
