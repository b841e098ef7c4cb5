//! The report as a document for word processors. It is made from the page itself, element by element, so that both
//! say the same whatever the page comes to hold; pictures are rendered to PNG, since word processors drop SVG. It
//! writes no word of its own but the page numbers.

mod flow;
mod grid;
mod inline;
mod look;
mod raster;

use std::fmt::Write as _;
use std::io::Cursor;

use cnc_model::Timestamp;
use docx_rs::{Docx, Footer, NumPages, PageMargin, PageNum, Paragraph, Run};
use maud::Escaper;
use resvg::usvg::{self, roxmltree};
use thiserror::Error;

use super::words::iso;
use flow::{Block, Flow};

/// Why a document could not be made: mistakes of ours, not of those who measured.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The page is not well-formed.
    #[error("the report's page cannot be read: {0}")]
    Page(#[from] roxmltree::Error),
    /// A picture cannot be read.
    #[error("a picture of the report cannot be read: {0}")]
    Picture(#[from] usvg::Error),
    /// A picture cannot be drawn.
    #[error("a picture of the report cannot be drawn")]
    Drawing,
    /// The parts cannot be put together.
    #[error("the document's parts cannot be put together: {0}")]
    Packing(String),
}

/// What the library writes for each picture: no words for those who cannot see it, and the same number for all.
const NAMELESS: &str = r#"<wp:docPr id="1" name="Figure" />"#;

/// Makes the document of a page's body.
pub(super) fn docx(body: &str, made: Timestamp) -> Result<Vec<u8>, DocumentError> {
    let body: String = body.chars().filter(|&c| is_allowed(c)).collect();
    let page = roxmltree::Document::parse(&body)?;
    let mut flow = Flow::new(&body);
    flow.elements(page.root_element())?;
    let Flow { blocks, pictures, .. } = flow;
    let mut docx = look::styles(sheet(made));
    for block in blocks {
        docx = match block {
            Block::Paragraph(paragraph) => docx.add_paragraph(*paragraph),
            Block::Table(table) => docx.add_table(*table),
        };
    }
    let mut parts = docx.build();
    parts.document = named(&String::from_utf8_lossy(&parts.document), &pictures).into_bytes();
    let mut file = Cursor::new(Vec::new());
    parts.pack(&mut file).map_err(|error| DocumentError::Packing(error.to_string()))?;
    Ok(file.into_inner())
}

/// Tells whether XML may hold a character: what clients send may hold others.
const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn sheet(made: Timestamp) -> Docx {
    let number = Paragraph::new()
        .style(look::FOOT)
        .add_run(Run::new().add_text("Page "))
        .add_page_num(PageNum::new())
        .add_run(Run::new().add_text(" of "))
        .add_num_pages(NumPages::new());
    let edge = |twips| i32::try_from(twips).expect("a margin is small");
    let (across, down) = (edge(look::MARGIN_ACROSS), edge(look::MARGIN_DOWN));
    Docx::new()
        .page_size(look::PAGE.0, look::PAGE.1)
        .page_margin(PageMargin::new().top(down).bottom(down).left(across).right(across).header(300).footer(400))
        .created_at(&iso(made))
        .updated_at(&iso(made))
        .footer(Footer::new().add_paragraph(number))
}

/// Gives each picture its words and a number of its own, in the order in which they stand.
fn named(document: &str, pictures: &[String]) -> String {
    let mut out = String::with_capacity(document.len());
    let mut words = pictures.iter();
    for (i, piece) in document.split(NAMELESS).enumerate() {
        if i > 0 {
            let mut alt = String::new();
            write!(Escaper::new(&mut alt), "{}", words.next().map_or("", String::as_str))
                .expect("a String takes all that is written");
            write!(out, r#"<wp:docPr id="{i}" name="Picture {i}" descr="{alt}" />"#)
                .expect("a String takes all that is written");
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests;
