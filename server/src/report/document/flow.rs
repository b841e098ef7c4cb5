//! The page's elements, one after the other, as paragraphs and tables.

use docx_rs::{Paragraph, Pic, Run, Table};
use resvg::usvg::roxmltree::Node;

use super::inline::{Ink, anchor, is_of, words};
use super::{DocumentError, grid, look, raster};

/// English metric units in a twentieth of a point.
const EMU_A_TWIP: u32 = 635;
/// The widest that a picture gets: as wide as on paper.
const PICTURE_WIDTH: u32 = 9_400 * EMU_A_TWIP;
/// The highest: so that it fits a sheet beneath its heading.
const PICTURE_HEIGHT: u32 = 12_500 * EMU_A_TWIP;

/// A paragraph or a table.
pub(super) enum Block {
    /// A paragraph.
    Paragraph(Box<Paragraph>),
    /// A table.
    Table(Box<Table>),
}

/// The document as it grows.
pub(super) struct Flow<'a> {
    source: &'a str,
    marks: usize,
    /// What it holds.
    pub(super) blocks: Vec<Block>,
    /// What each picture shows, in words.
    pub(super) pictures: Vec<String>,
}

impl<'a> Flow<'a> {
    /// Begins a document of a page, given as its source.
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, marks: 0, blocks: Vec::new(), pictures: Vec::new() }
    }

    /// Adds what an element holds.
    pub(super) fn elements(&mut self, node: Node<'_, '_>) -> Result<(), DocumentError> {
        for child in node.children().filter(Node::is_element) {
            self.element(child)?;
        }
        Ok(())
    }

    fn element(&mut self, node: Node<'_, '_>) -> Result<(), DocumentError> {
        match node.tag_name().name() {
            "h1" => self.paragraph(node, look::TITLE, Ink::default()),
            "h2" => self.paragraph(node, look::CHAPTER, Ink::default()),
            "h3" => self.paragraph(node, look::TEST, Ink::default()),
            "p" | "figcaption" => self.paragraph(node, style_of(node), Ink::default()),
            "dl" if is_of(node, "facts") => self.table(grid::facts(node)),
            "dl" => self.definitions(node),
            "ol" | "ul" => self.table(grid::list(node)),
            "table" => self.tables(&[node]),
            "figure" => self.figure(node)?,
            "div" if is_of(node, "tables") => {
                let tables: Vec<_> = node.children().filter(|child| child.has_tag_name("table")).collect();
                self.tables(&tables);
            }
            _ if node.children().any(|child| child.is_text()) => self.paragraph(node, style_of(node), Ink::default()),
            _ => self.elements(node)?,
        }
        Ok(())
    }

    fn paragraph(&mut self, node: Node<'_, '_>, style: &str, ink: Ink) {
        let mut paragraph = Paragraph::new().style(style);
        if is_of(node, "result") {
            // Its picture follows on the same page.
            paragraph = paragraph.keep_next(true);
        }
        // Links lead to where a section begins.
        let heads = style == look::TEST || style == look::CHAPTER;
        let mark = node.parent().and_then(|section| section.attribute("id")).filter(|_| heads);
        if let Some(id) = mark {
            self.marks += 1;
            paragraph = paragraph.add_bookmark_start(self.marks, anchor(id));
        }
        paragraph = words(paragraph, node, ink);
        if mark.is_some() {
            paragraph = paragraph.add_bookmark_end(self.marks);
        }
        self.blocks.push(Block::Paragraph(Box::new(paragraph)));
    }

    fn definitions(&mut self, node: Node<'_, '_>) {
        for pair in node.children().filter(Node::is_element) {
            let mut paragraph = Paragraph::new().style(look::NOTE);
            for part in pair.children().filter(Node::is_element) {
                if part.has_tag_name("dt") {
                    paragraph = words(paragraph, part, Ink::bold()).add_run(Run::new().add_text(": ").bold());
                } else {
                    paragraph = words(paragraph, part, Ink::default());
                }
            }
            self.blocks.push(Block::Paragraph(Box::new(paragraph)));
        }
    }

    /// Adds tables that stand beside one another on the page.
    fn tables(&mut self, tables: &[Node<'_, '_>]) {
        let (pairs, wide): (Vec<_>, Vec<_>) = tables.iter().partition(|table| is_of(**table, "pairs"));
        if !pairs.is_empty() {
            self.table(grid::pairs(&pairs));
        }
        for table in wide {
            let caption = table.children().find(|child| child.has_tag_name("caption"));
            if let Some(caption) = caption {
                self.paragraph(caption, look::CAPTION, Ink::default());
            }
            self.table(grid::grid(table));
        }
    }

    /// Adds a table, and after it what keeps the next one apart.
    fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(Box::new(table)));
        self.blocks.push(Block::Paragraph(Box::new(Paragraph::new().style(look::GAP))));
    }

    fn figure(&mut self, node: Node<'_, '_>) -> Result<(), DocumentError> {
        let wide = node.descendants().find(|part| is_of(*part, "wide"));
        if let Some(svg) = wide.and_then(|wide| wide.first_element_child()) {
            let drawn = raster::render(&self.source[svg.range()])?;
            let (width, height) = fitting(drawn.width, drawn.height);
            let picture = Pic::new_with_dimensions(drawn.png, drawn.width, drawn.height).size(width, height);
            let paragraph = Paragraph::new().keep_next(true).add_run(Run::new().add_image(picture));
            self.blocks.push(Block::Paragraph(Box::new(paragraph)));
            let alt = node.descendants().find_map(|part| part.attribute("aria-label"));
            self.pictures.push(alt.unwrap_or_default().to_owned());
        }
        let captions = node.children().filter(|child| child.has_tag_name("figcaption"));
        captions.for_each(|caption| self.paragraph(caption, look::SMALL, Ink::default()));
        Ok(())
    }
}

/// Gives the size at which a picture of so many pixels fits the sheet.
fn fitting(width: u32, height: u32) -> (u32, u32) {
    let scaled = |of: u32, by: u32, to: u32| {
        u32::try_from(u64::from(of) * u64::from(by) / u64::from(to.max(1))).unwrap_or(u32::MAX)
    };
    let high = scaled(height, PICTURE_WIDTH, width);
    if high <= PICTURE_HEIGHT { (PICTURE_WIDTH, high) } else { (scaled(width, PICTURE_HEIGHT, height), PICTURE_HEIGHT) }
}

fn style_of(node: Node<'_, '_>) -> &'static str {
    let in_foot = node.ancestors().any(|above| above.has_tag_name("footer"));
    match node.attribute("class").unwrap_or_default() {
        "kind" => look::KIND,
        "note" => look::NOTE,
        "hint" => look::HINT,
        "how" => look::SMALL,
        _ if in_foot => look::SMALL,
        _ => look::BODY,
    }
}
