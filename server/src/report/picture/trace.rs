//! The picture of a path: one row for each hop with who answered, its round-trip times on a common scale and its
//! loss. Silent hops are drawn as unknown; loss that later hops do not show is greyed and starred.

use cnc_model::trace::{HopSummary, TraceSummary};
use svg::node::element::{Group, SVG};

use super::frame::{Frame, text_width};
use super::{Anchor, Picture, Size, Tone, block, cut, dot, label, line, ring, step, stroke};
use crate::report::words;

/// Where a row's parts lie.
struct Columns {
    who: f64,
    who_width: f64,
    bar_from: f64,
    bar_to: f64,
    median: f64,
    loss: f64,
    /// How far under the row's first line the bar and the loss are.
    second_line: f64,
    row: f64,
}

const HEAD: f64 = 30.0;
/// The nodes' place from the left.
const RAIL: f64 = 14.0;

impl Columns {
    const fn of(size: Size) -> Self {
        match size {
            Size::Wide => Self {
                who: 34.0,
                who_width: 286.0,
                bar_from: 330.0,
                bar_to: 540.0,
                median: 616.0,
                loss: 714.0,
                second_line: 0.0,
                row: 32.0,
            },
            Size::Narrow => Self {
                who: 32.0,
                who_width: 236.0,
                bar_from: 34.0,
                bar_to: 250.0,
                median: 336.0,
                loss: 336.0,
                second_line: 19.0,
                row: 48.0,
            },
        }
    }
}

/// Draws a path; `None` where not even a silent hop is known.
pub(crate) fn picture(trace: &TraceSummary, to: &str) -> Option<Picture> {
    if trace.hops.is_empty() {
        return None;
    }
    Some(Picture::draw(alt(trace, to), |size| sheet(trace, to, size)))
}

fn alt(trace: &TraceSummary, to: &str) -> String {
    let hops: Vec<String> = trace
        .hops
        .iter()
        .map(|hop| {
            let (Some(first), Some(rtt)) = (hop.addresses.first(), hop.rtt) else {
                return format!("hop {} unknown", hop.ttl);
            };
            let loss = if hop.received < hop.sent {
                format!(", {} lost", loss(hop).replace(" *", " (not shared by the hops behind it)"))
            } else {
                String::new()
            };
            format!("hop {} {} {}{loss}", hop.ttl, first.address, words::ms(rtt.median))
        })
        .collect();
    let end = if trace.reached { "answered" } else { "did not answer" };
    format!("Path to {to}, which {end}: {}.", hops.join("; "))
}

/// Words a hop's loss as the picture and the table show it.
pub(crate) fn loss(hop: &HopSummary) -> String {
    match hop.loss_ratio {
        Some(ratio) if hop.received > 0 && ratio > 0.0 && !hop.loss_persists => format!("{} *", words::percent(ratio)),
        Some(ratio) if hop.received > 0 && ratio > 0.0 => words::percent(ratio),
        Some(_) if hop.received > 0 => "none".into(),
        Some(_) | None => "unknown".into(),
    }
}

fn sheet(trace: &TraceSummary, to: &str, size: Size) -> SVG {
    let columns = Columns::of(size);
    let greatest = trace.hops.iter().filter_map(|h| h.rtt).map(|rtt| rtt.p95.as_secs_f64() * 1e3).fold(0.0, f64::max);
    let (most, _) = Frame::scale(greatest, 5.0);
    #[expect(clippy::cast_precision_loss, reason = "at most 255 hops")]
    let rows = trace.hops.len() as f64 + 1.0;
    let y = |row: f64| HEAD + 14.0 + row * columns.row;
    let mut sheet = size.sheet(y(rows - 1.0) + columns.second_line + 22.0).add(heads(&columns, size, most));
    sheet = sheet.add(line((RAIL, y(0.0)), (RAIL, y(rows - 1.0)), Tone::Soft));
    sheet = sheet.add(dot((RAIL, y(0.0)), 5.0, Tone::Ink)).add(label(
        (columns.who, y(0.0) + 4.0),
        Anchor::Start,
        Tone::Ink,
        "the client’s computer",
    ));
    let mut row = 1.0;
    for (i, hop) in trace.hops.iter().enumerate() {
        let last = i + 1 == trace.hops.len();
        let end = last && trace.reached;
        let named = end.then_some(to);
        sheet = sheet.add(hop_row(hop, named, y(row), most, size));
        sheet = sheet.add(node(hop, end, y(row)));
        row += 1.0;
    }
    sheet
}

fn heads(columns: &Columns, size: Size, most: f64) -> Group {
    let scale = format!("0 to {most} ms");
    let head = |x: f64, anchor: Anchor, text: &str| label((x, 14.0), anchor, Tone::Soft, text);
    let heads = Group::new().add(head(0.0, Anchor::Start, "Hop"));
    match size {
        Size::Wide => heads
            .add(head(columns.who, Anchor::Start, "Answered by"))
            .add(head(columns.bar_from, Anchor::Start, &format!("Round-trip time, {scale}")))
            .add(head(columns.median, Anchor::End, "Median"))
            .add(head(columns.loss, Anchor::End, "Loss")),
        Size::Narrow => heads.add(head(columns.who, Anchor::Start, &format!("Round-trip time, {scale}"))).add(head(
            columns.median,
            Anchor::End,
            "Median, loss",
        )),
    }
}

/// Draws the hop's place on the path: its distance in a circle, dashed where nobody answered, double at the end.
fn node(hop: &HopSummary, end: bool, y: f64) -> Group {
    let silent = hop.received == 0;
    let tone = if silent { Tone::Soft } else { Tone::Ink };
    let outline = ring((RAIL, y), 10.0, tone);
    let mut node = Group::new();
    if end {
        node = node.add(ring((RAIL, y), 13.0, tone));
    }
    node.add(if silent { outline.set("stroke-dasharray", "3 2.5") } else { outline })
        .add(label((RAIL, y + 3.8), Anchor::Middle, tone, &hop.ttl.to_string()).set("font-size", 10.5))
}

/// Draws one hop; `named` is the destination's name where the hop is the destination.
fn hop_row(hop: &HopSummary, named: Option<&str>, y: f64, most: f64, size: Size) -> Group {
    let columns = Columns::of(size);
    let below = y + columns.second_line;
    let (Some(first), Some(rtt)) = (hop.addresses.first(), hop.rtt) else {
        return Group::new()
            .add(label((columns.who, y + 4.0), Anchor::Start, Tone::Soft, "no answer: unknown"))
            .add(label((columns.loss, below + 4.0), Anchor::End, Tone::Soft, "unknown"));
    };
    let more = match hop.addresses.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let network = first.network.as_ref().map(|network| format!(" · AS{}", network.number)).unwrap_or_default();
    let more = network + &more;
    let who = match (&first.name, named) {
        (_, Some(named)) if named != first.address.to_string() => format!("{named} ({})", first.address),
        (Some(name), _) => name.clone(),
        (None, _) => first.address.to_string(),
    };
    let who = format!("{}{more}", cut(&who, columns.who_width - text_width(&more, size), size.type_size()));
    let lost = hop.received < hop.sent;
    let tone = match (lost, hop.loss_persists) {
        (true, true) => Tone::Loss,
        (true, false) | (false, _) => Tone::Soft,
    };
    let place = |ms: f64| columns.bar_from + (ms / most).clamp(0.0, 1.0) * (columns.bar_to - columns.bar_from);
    let ms = |time: std::time::Duration| place(time.as_secs_f64() * 1e3);
    let mut bar = String::new();
    step(&mut bar, 'M', (ms(rtt.min), below));
    step(&mut bar, 'L', (ms(rtt.p95), below));
    Group::new()
        .add(label((columns.who, y + 4.0), Anchor::Start, Tone::Ink, &who))
        .add(block((columns.bar_from, below - 0.5), (columns.bar_to - columns.bar_from, 1.0), Tone::Grid))
        .add(stroke(bar, 5.0, Tone::Data).set("stroke-opacity", 0.35))
        .add(dot((ms(rtt.median), below), 4.0, Tone::Data))
        .add(label((columns.median, y + 4.0), Anchor::End, Tone::Ink, &words::ms(rtt.median)))
        .add(label((columns.loss, below + 4.0), Anchor::End, tone, &loss(hop)))
}
