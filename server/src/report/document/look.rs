//! How the document looks: its sheet, its styles, the measures of its tables. It knows nothing of what they hold.

use docx_rs::{
    BorderType, Docx, LineSpacing, LineSpacingType, ParagraphBorder, ParagraphBorderPosition, ParagraphBorders,
    ParagraphProperty, RunFonts, Shading, Style, StyleType,
};

/// The sheet in twentieths of a point: A4.
pub(super) const PAGE: (u32, u32) = (11_906, 16_838);
/// The sheet's margin at its sides: 16 mm.
pub(super) const MARGIN_ACROSS: u32 = 907;
/// Its margin at the head and the foot: 15 mm.
pub(super) const MARGIN_DOWN: u32 = 850;
/// What is left for the text across.
pub(super) const TEXT_WIDTH: usize = (PAGE.0 - 2 * MARGIN_ACROSS) as usize;

/// The room between a cell and the next one, and what a character takes in a cell, of as wide a font as any.
pub(super) const CELL_MARGIN: usize = 150;
pub(super) const CHARACTER: usize = 115;

/// Colours, as on the page where it is light.
pub(super) const INK: &str = "1C2530";
pub(super) const SOFT: &str = "5A6573";
pub(super) const RULE: &str = "D9DFE6";
pub(super) const CARD: &str = "F6F8FA";
pub(super) const DATA: &str = "1F5FA8";
pub(super) const LOSS: &str = "B3261E";
pub(super) const LATE: &str = "8F5A00";

/// Names of styles; those of headings are the ones by which word processors know them.
pub(super) const TITLE: &str = "Heading1";
pub(super) const CHAPTER: &str = "Heading2";
pub(super) const TEST: &str = "Heading3";
pub(super) const BODY: &str = "Normal";
pub(super) const KIND: &str = "Kind";
pub(super) const NOTE: &str = "Note";
pub(super) const HINT: &str = "Hint";
pub(super) const SMALL: &str = "Small";
pub(super) const CELL: &str = "Cell";
pub(super) const CAPTION: &str = "TableTitle";
pub(super) const GAP: &str = "Gap";
pub(super) const FOOT: &str = "Foot";

/// The text's font: word processors everywhere have it or know one like it.
const FONT: &str = "Arial";

/// Sets the styles.
pub(super) fn styles(docx: Docx) -> Docx {
    let fonts = RunFonts::new().ascii(FONT).hi_ansi(FONT).cs(FONT).east_asia(FONT);
    let plain = |id: &str, size: usize, colour: &str| named(id, id).size(size).color(colour);
    let heading = |id: &str, name: &str, level: usize, size: usize| {
        named(id, name).size(size).color(INK).bold().outline_lvl(level)
    };
    let keep = |property: ParagraphProperty| property.keep_next(true).keep_lines(true);
    let rule =
        ParagraphBorder::new(ParagraphBorderPosition::Bottom).val(BorderType::Single).size(12).space(3).color(INK);
    let ruled = |property: ParagraphProperty| property.set_borders(ParagraphBorders::with_empty().set(rule.clone()));
    let card = |property: ParagraphProperty| property.shading(Shading::new().fill(CARD));
    docx.default_fonts(fonts)
        .default_size(19)
        .default_line_spacing(spacing(0, 80).line(264).line_rule(LineSpacingType::Auto))
        .add_style(with(heading(TITLE, "heading 1", 0, 40), spacing(0, 160), keep))
        .add_style(with(heading(CHAPTER, "heading 2", 1, 26), spacing(400, 160), |p| ruled(keep(p))))
        .add_style(with(heading(TEST, "heading 3", 2, 22), spacing(320, 60), keep))
        .add_style(with(plain(KIND, 19, SOFT), spacing(0, 40), keep))
        .add_style(with(plain(NOTE, 18, SOFT), spacing(60, 80), |p| p))
        .add_style(with(plain(HINT, 19, INK), spacing(60, 100), card))
        .add_style(with(plain(SMALL, 16, SOFT), spacing(40, 100), |p| p))
        .add_style(with(plain(CELL, 18, INK), spacing(30, 30), |p| p))
        .add_style(with(plain(CAPTION, 18, INK).bold(), spacing(30, 40), keep))
        .add_style(with(plain(GAP, 8, INK), spacing(0, 0), |p| p))
        .add_style(with(plain(FOOT, 16, SOFT), spacing(0, 20), |p| p))
}

fn named(id: &str, name: &str) -> Style {
    Style::new(id, StyleType::Paragraph).name(name)
}

fn spacing(before: u32, after: u32) -> LineSpacing {
    LineSpacing::new().before(before).after(after)
}

fn with(mut style: Style, spacing: LineSpacing, change: impl FnOnce(ParagraphProperty) -> ParagraphProperty) -> Style {
    style = style.line_spacing(spacing);
    style.paragraph_property = change(style.paragraph_property);
    style
}
