//! What stands within a line: the page's words as runs of text, told apart as the page's style sheet does.

use docx_rs::{BorderType, Hyperlink, HyperlinkType, Paragraph, Run, TextBorder};
use resvg::usvg::roxmltree::Node;

use super::look;

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ink {
    /// `None` as the line is.
    bold: Option<bool>,
    italic: bool,
    boxed: bool,
    colour: Option<&'static str>,
    /// In half points.
    size: Option<usize>,
}

impl Ink {
    /// Gives the look of what is not there.
    pub(super) fn absent() -> Self {
        Self { italic: true, colour: Some(look::SOFT), ..Self::default() }
    }

    /// Gives the look of a name beside its value.
    pub(super) fn soft() -> Self {
        Self { colour: Some(look::SOFT), ..Self::default() }
    }

    /// Gives the look of a word that is explained.
    pub(super) fn bold() -> Self {
        Self { bold: Some(true), ..Self::default() }
    }

    /// Gives the look within an element of this look.
    pub(super) fn within(self, node: Node<'_, '_>) -> Self {
        let mut ink = self;
        if node.has_tag_name("strong") {
            ink.bold = Some(true);
        }
        for class in classes(node) {
            match class {
                "absent" => (ink.italic, ink.colour) = (true, Some(look::SOFT)),
                "address" | "of" => (ink.size, ink.colour) = (Some(16), Some(look::SOFT)),
                "number" => (ink.bold, ink.colour) = (Some(false), Some(look::SOFT)),
                "badge" => {
                    (ink.bold, ink.boxed, ink.size, ink.colour) = (Some(false), true, Some(16), Some(look::SOFT));
                }
                "trouble" => ink.colour = Some(look::LOSS),
                "open" => ink.colour = Some(look::LATE),
                _ => {}
            }
        }
        ink
    }

    fn run(self, text: &str) -> Run {
        let mut run = Run::new().add_text(text);
        run = match self.bold {
            Some(true) => run.bold(),
            Some(false) => run.disable_bold(),
            None => run,
        };
        if self.italic {
            run = run.italic();
        }
        if let Some(colour) = self.colour {
            run = run.color(colour);
        }
        if let Some(size) = self.size {
            run = run.size(size);
        }
        if self.boxed {
            let colour = self.colour.unwrap_or(look::SOFT);
            run = run.text_border(TextBorder::new().border_type(BorderType::Single).size(4).space(1).color(colour));
        }
        run
    }
}

/// Gives an element's classes.
pub(super) fn classes<'a>(node: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    node.attribute("class").unwrap_or_default().split_ascii_whitespace()
}

/// Tells whether an element is of a class.
pub(super) fn is_of(node: Node<'_, '_>, class: &str) -> bool {
    classes(node).any(|of| of == class)
}

/// Adds an element's words to a paragraph.
pub(super) fn words(mut paragraph: Paragraph, node: Node<'_, '_>, ink: Ink) -> Paragraph {
    let ink = ink.within(node);
    for child in node.children() {
        paragraph = word(paragraph, child, ink);
    }
    paragraph
}

/// Adds a text, a link, or what another element holds to a paragraph.
pub(super) fn word(paragraph: Paragraph, node: Node<'_, '_>, ink: Ink) -> Paragraph {
    if let Some(text) = node.text().filter(|_| node.is_text()) {
        return paragraph.add_run(ink.run(text));
    }
    let Some(to) = node.attribute("href").and_then(|to| to.strip_prefix('#')) else {
        return words(paragraph, node, ink);
    };
    let blue = Ink { colour: Some(look::DATA), ..ink.within(node) };
    let leads = Hyperlink::new(anchor(to), HyperlinkType::Anchor);
    paragraph.add_hyperlink(leads.add_run(blue.run(&text_of(node))))
}

/// Gives all text of an element.
pub(super) fn text_of(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|part| part.text()).collect()
}

/// Gives the name of the place that an element of this id begins: word processors take no hyphens.
pub(super) fn anchor(id: &str) -> String {
    id.replace('-', "_")
}
