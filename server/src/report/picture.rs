//! What all pictures share: sizes, colours, shapes, texts. Pictures are plain SVG with presentation attributes and
//! generic fonts, so that any program draws them alike; the class on each shape only lets the page recolour them for
//! dark screens. They draw what was measured and hold no markup of anyone else's.

pub(crate) mod frame;
pub(crate) mod ping;
pub(crate) mod thin;
pub(crate) mod throughput;
pub(crate) mod trace;

use std::fmt::Write as _;

use svg::node::element::{Circle, Line, Path, Rectangle, SVG, Text};

/// One picture, drawn twice, with what it shows in words.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// For desktops and paper.
    pub(crate) wide: String,
    /// For phones: the same data with type that stays legible.
    pub(crate) narrow: String,
    /// What it shows, for those who cannot see it.
    pub(crate) alt: String,
}

/// Which of its two forms a picture is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// 720 units across.
    Wide,
    /// 340 units across.
    Narrow,
}

impl Picture {
    /// Draws both forms.
    pub(crate) fn draw(alt: String, form: impl Fn(Size) -> SVG) -> Self {
        Self { wide: form(Size::Wide).to_string(), narrow: form(Size::Narrow).to_string(), alt }
    }
}

impl Size {
    /// Gives the width in units, which are about a CSS pixel where the form is used.
    pub(crate) const fn width(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 340.0,
        }
    }

    /// Gives the size of type.
    pub(crate) const fn type_size(self) -> f64 {
        match self {
            Self::Wide => 12.0,
            Self::Narrow => 11.0,
        }
    }

    /// Begins a picture of this width, `height` units high.
    pub(crate) fn sheet(self, height: f64) -> SVG {
        SVG::new()
            .set("viewBox", format!("0 0 {} {}", px(self.width()), px(height)))
            .set("width", px(self.width()))
            .set("height", px(height))
            .set("font-family", "sans-serif")
            .set("font-size", px(self.type_size()))
    }
}

/// A part's meaning, which gives its colour on paper and its class for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Words that matter.
    Ink,
    /// Words beside them.
    Soft,
    /// Lines to read values by.
    Grid,
    /// What was measured.
    Data,
    /// A figure computed from it.
    Figure,
    /// What did not arrive.
    Loss,
    /// What came too late.
    Late,
    /// What is set apart: the ramp.
    Shade,
    /// The ground of the picture.
    Paper,
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Ink => "#1c2530",
            Self::Soft => "#5a6573",
            Self::Grid => "#dfe4ea",
            Self::Data => "#1f5fa8",
            Self::Figure => "#0d7a5f",
            Self::Loss => "#b3261e",
            Self::Late => "#8f5a00",
            Self::Shade => "#f1f3f6",
            Self::Paper => "#ffffff",
        }
    }

    const fn stroke_class(self) -> &'static str {
        match self {
            Self::Ink => "s-ink",
            Self::Soft => "s-soft",
            Self::Grid => "s-grid",
            Self::Data => "s-data",
            Self::Figure => "s-figure",
            Self::Loss => "s-loss",
            Self::Late => "s-late",
            Self::Shade => "s-shade",
            Self::Paper => "s-paper",
        }
    }

    const fn fill_class(self) -> &'static str {
        match self {
            Self::Ink => "f-ink",
            Self::Soft => "f-soft",
            Self::Grid => "f-grid",
            Self::Data => "f-data",
            Self::Figure => "f-figure",
            Self::Loss => "f-loss",
            Self::Late => "f-late",
            Self::Shade => "f-shade",
            Self::Paper => "f-paper",
        }
    }
}

/// Where a text stands against its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// Writes a coordinate to a tenth of a unit.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Writes a text; control characters, which XML forbids, are left out.
pub(crate) fn label(at: (f64, f64), anchor: Anchor, tone: Tone, content: &str) -> Text {
    let content: String = content.chars().filter(|c| !c.is_control()).collect();
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    Text::new(content)
        .set("x", px(at.0))
        .set("y", px(at.1))
        .set("text-anchor", anchor)
        .set("fill", tone.colour())
        .set("class", tone.fill_class())
}

/// Cuts a text to about so many units of width, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: f64, type_size: f64) -> String {
    let per_char = type_size * 0.56;
    let mut room = width;
    let mut out = String::new();
    for c in text.chars() {
        room -= per_char;
        if room < 0.0 {
            out.pop();
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// Draws a straight line.
pub(crate) fn line(from: (f64, f64), to: (f64, f64), tone: Tone) -> Line {
    Line::new()
        .set("x1", px(from.0))
        .set("y1", px(from.1))
        .set("x2", px(to.0))
        .set("y2", px(to.1))
        .set("stroke", tone.colour())
        .set("stroke-width", 1)
        .set("class", tone.stroke_class())
}

/// Draws a line along path data.
pub(crate) fn stroke(data: String, width: f64, tone: Tone) -> Path {
    Path::new()
        .set("d", data)
        .set("fill", "none")
        .set("stroke", tone.colour())
        .set("stroke-width", px(width))
        .set("stroke-linecap", "round")
        .set("stroke-linejoin", "round")
        .set("class", tone.stroke_class())
}

/// Fills the area that path data bounds.
pub(crate) fn area(data: String, opacity: f64, tone: Tone) -> Path {
    Path::new().set("d", data).set("fill", tone.colour()).set("fill-opacity", opacity).set("class", tone.fill_class())
}

/// Draws a filled rectangle.
pub(crate) fn block(at: (f64, f64), size: (f64, f64), tone: Tone) -> Rectangle {
    Rectangle::new()
        .set("x", px(at.0))
        .set("y", px(at.1))
        .set("width", px(size.0))
        .set("height", px(size.1))
        .set("fill", tone.colour())
        .set("class", tone.fill_class())
}

/// Draws a filled circle.
pub(crate) fn dot(at: (f64, f64), radius: f64, tone: Tone) -> Circle {
    Circle::new()
        .set("cx", px(at.0))
        .set("cy", px(at.1))
        .set("r", px(radius))
        .set("fill", tone.colour())
        .set("class", tone.fill_class())
}

/// Draws a circle's outline on the picture's ground.
pub(crate) fn ring(at: (f64, f64), radius: f64, tone: Tone) -> Circle {
    Circle::new()
        .set("cx", px(at.0))
        .set("cy", px(at.1))
        .set("r", px(radius))
        .set("fill", Tone::Paper.colour())
        .set("stroke", tone.colour())
        .set("stroke-width", 1.5)
        .set("class", format!("{} {}", Tone::Paper.fill_class(), tone.stroke_class()))
}

/// Adds a straight piece to path data, or begins a new one.
pub(crate) fn step(data: &mut String, command: char, at: (f64, f64)) {
    write!(data, "{command}{},{}", px(at.0), px(at.1)).expect("a String takes all that is written");
}
