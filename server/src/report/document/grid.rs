//! The page's tables and lists as tables. Columns have fixed widths, made from what they hold: word processors differ
//! in how they choose them.

use docx_rs::{
    AlignmentType, BorderType, LineSpacing, Paragraph, Table, TableBorder, TableBorderPosition, TableBorders,
    TableCell, TableCellBorder, TableCellBorderPosition, TableCellBorders, TableCellMargins, TableLayoutType, TableRow,
    WidthType,
};
use resvg::usvg::roxmltree::Node;

use super::inline::{Ink, is_of, text_of, word, words};
use super::look;

/// The widths of the two columns of a list: what, and its result.
const LIST: [usize; 2] = [2_900, look::TEXT_WIDTH - 2_900];
/// The widths of name and value in a table over the whole text.
const ONE: [usize; 2] = [2_200, look::TEXT_WIDTH - 2_200];
/// The widths of names and values in two tables side by side, and of the room between.
const TWO: [usize; 5] = [2_150, 2_750, 292, 2_150, look::TEXT_WIDTH - 7_342];
/// What is longer than this is broken.
const MOST_CHARACTERS: usize = 34;

/// Lays the facts of a session out in two columns, each a name above its value.
pub(super) fn facts(node: Node<'_, '_>) -> Table {
    let half = look::TEXT_WIDTH / 2;
    let facts: Vec<_> = elements(node).collect();
    let rows = facts.chunks(2).map(|pair| {
        let mut cells: Vec<_> = pair.iter().map(|fact| fact_cell(*fact).width(half, WidthType::Dxa)).collect();
        if cells.len() == 1 {
            cells.push(empty(half));
        }
        TableRow::new(cells).cant_split()
    });
    table(rows.collect(), &[half, half], false)
}

fn fact_cell(fact: Node<'_, '_>) -> TableCell {
    elements(fact).fold(TableCell::new(), |cell, part| {
        let paragraph = Paragraph::new().style(look::CELL);
        cell.add_paragraph(if part.has_tag_name("dt") {
            let name = paragraph.keep_next(true).line_spacing(LineSpacing::new().before(60).after(0));
            words(name, part, Ink::soft())
        } else {
            words(paragraph.line_spacing(LineSpacing::new().before(0).after(40)), part, Ink::default())
        })
    })
}

/// Lays a list out: what, and beside it its result.
pub(super) fn list(node: Node<'_, '_>) -> Table {
    let rows = elements(node).map(|item| {
        let parts: Vec<_> = elements(item).collect();
        let cells = match parts.as_slice() {
            [what, result] => vec![cell(&[wrapped(*what)], LIST[0]), cell(&[words_of(*result)], LIST[1])],
            _ => vec![cell(&[words_of(item)], look::TEXT_WIDTH).grid_span(2)],
        };
        TableRow::new(cells).cant_split()
    });
    table(rows.collect(), &LIST, true)
}

/// Lays tables of names and values out, two side by side.
pub(super) fn pairs(tables: &[Node<'_, '_>]) -> Table {
    let sides: Vec<Vec<Vec<TableCell>>> = tables.iter().map(|table| side(*table, tables.len() > 1)).collect();
    let widths: &[usize] = if sides.len() > 1 { &TWO } else { &ONE };
    let height = sides.iter().map(Vec::len).max().unwrap_or(0);
    let rows = (0..height).map(|row| {
        let mut cells = Vec::new();
        for (i, side) in sides.iter().enumerate() {
            if i > 0 {
                cells.push(empty(TWO[2]));
            }
            let none = || vec![empty(widths[0]), empty(widths[1])];
            cells.extend(side.get(row).cloned().unwrap_or_else(none));
        }
        TableRow::new(cells).cant_split()
    });
    table(rows.collect(), widths, false)
}

/// Gives the rows of one table, its title first.
fn side(table: Node<'_, '_>, beside: bool) -> Vec<Vec<TableCell>> {
    let (name, value) = if beside { (TWO[0], TWO[1]) } else { (ONE[0], ONE[1]) };
    let caption = table.children().find(|child| child.has_tag_name("caption"));
    let titles = caption.map(|caption| {
        let title = words(Paragraph::new().style(look::CAPTION), caption, Ink::default());
        vec![cell(&[title], name + value).grid_span(2)]
    });
    let rows = table.descendants().filter(|row| row.has_tag_name("tr")).filter_map(|row| {
        let mut parts = elements(row);
        let (what, is) = (parts.next()?, parts.next()?);
        let last = row.next_sibling_element().is_none();
        // A small table stays on one page.
        let what = words(Paragraph::new().style(look::CELL).keep_next(!last), what, Ink::soft());
        Some(vec![ruled(cell(&[what], name)), ruled(cell(&paragraphs(is), value))])
    });
    titles.into_iter().chain(rows).collect()
}

/// Lays a table with a head out.
pub(super) fn grid(node: Node<'_, '_>) -> Table {
    let rows: Vec<_> = node.descendants().filter(|row| row.has_tag_name("tr")).collect();
    let widths = widths(&rows);
    let rows = rows.iter().map(|row| {
        let head = row.parent().is_some_and(|above| above.has_tag_name("thead"));
        let cells = elements(*row).zip(&widths).map(|(part, width)| {
            let paragraphs = paragraphs(part).into_iter().map(|paragraph| {
                let right = is_of(part, "n") || is_of(part, "figure");
                let paragraph = if right { paragraph.align(AlignmentType::Right) } else { paragraph };
                if head { paragraph.keep_next(true) } else { paragraph }
            });
            cell(&paragraphs.collect::<Vec<_>>(), *width)
        });
        TableRow::new(cells.collect()).cant_split()
    });
    table(rows.collect(), &widths, true)
}

/// Shares the text's width among columns: each has room for its longest word, and what is left goes to those whose
/// longest line wants more.
fn widths(rows: &[Node<'_, '_>]) -> Vec<usize> {
    let mut columns: Vec<Wish> = Vec::new();
    for row in rows {
        for (i, part) in elements(*row).enumerate() {
            if i == columns.len() {
                columns.push(Wish::default());
            }
            let lines: Vec<_> = part.children().filter(|child| child.has_tag_name("div")).collect();
            let lines = if lines.is_empty() { vec![part] } else { lines };
            for line in lines {
                columns[i].hold(&text_of(line));
            }
        }
    }
    share(&columns)
}

/// What a column wants, in twentieths of a point.
#[derive(Debug, Default, Clone, Copy)]
struct Wish {
    /// For its longest word.
    least: usize,
    /// For its longest line.
    most: usize,
}

impl Wish {
    fn hold(&mut self, line: &str) {
        // One more: few letters are wide ones.
        let wide = |text: &str| look::CELL_MARGIN + look::CHARACTER * (1 + text.chars().count().min(MOST_CHARACTERS));
        // What stands at a no-break space is one word.
        self.least = line.split([' ', '\n']).map(wide).fold(self.least, usize::max);
        self.most = self.most.max(wide(line));
    }
}

fn share(columns: &[Wish]) -> Vec<usize> {
    let total = |of: fn(&Wish) -> usize| columns.iter().map(of).sum::<usize>();
    let (least, wanted) = (total(|wish| wish.least), total(|wish| wish.most - wish.least));
    match look::TEXT_WIDTH.checked_sub(least) {
        Some(left) if wanted > 0 => {
            columns.iter().map(|wish| wish.least + left * (wish.most - wish.least) / wanted).collect()
        }
        // Nothing but single words, or too many of them.
        Some(_) | None => columns.iter().map(|wish| wish.least * look::TEXT_WIDTH / least.max(1)).collect(),
    }
}

/// Gives a cell's lines: its parts where it has some, else its words.
fn paragraphs(node: Node<'_, '_>) -> Vec<Paragraph> {
    let ink = if is_of(node, "absent") { Ink::absent() } else { Ink::default() };
    let head = node.ancestors().any(|above| above.has_tag_name("thead"));
    let ink = if head { Ink::soft() } else { ink };
    let is_line = |child: &Node<'_, '_>| child.has_tag_name("div");
    if !node.children().any(|child| is_line(&child)) {
        return vec![words(Paragraph::new().style(look::CELL), node, ink)];
    }
    let mut lines = Vec::new();
    let mut rest: Option<Paragraph> = None;
    for child in node.children() {
        if is_line(&child) {
            lines.extend(rest.take());
            lines.push(words(Paragraph::new().style(look::CELL), child, ink));
        } else {
            let begun = rest.take().unwrap_or_else(|| Paragraph::new().style(look::CELL));
            rest = Some(word(begun, child, ink));
        }
    }
    lines.extend(rest);
    lines
}

fn words_of(node: Node<'_, '_>) -> Paragraph {
    words(Paragraph::new().style(look::CELL), node, Ink::default())
}

/// Gives the words of an element that is itself within a line, such as a link.
fn wrapped(node: Node<'_, '_>) -> Paragraph {
    word(Paragraph::new().style(look::CELL), node, Ink::default())
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn cell(paragraphs: &[Paragraph], width: usize) -> TableCell {
    let filled = paragraphs.iter().cloned().fold(TableCell::new(), TableCell::add_paragraph);
    filled.width(width, WidthType::Dxa)
}

fn empty(width: usize) -> TableCell {
    cell(&[Paragraph::new().style(look::CELL)], width)
}

fn ruled(cell: TableCell) -> TableCell {
    let rule = TableCellBorder::new(TableCellBorderPosition::Top).border_type(BorderType::Single).size(4);
    cell.set_borders(TableCellBorders::with_empty().set(rule.color(look::RULE)))
}

fn table(rows: Vec<TableRow>, widths: &[usize], lines: bool) -> Table {
    let rule = |position| TableBorder::new(position).border_type(BorderType::Single).size(4).color(look::RULE);
    let mut borders = TableBorders::with_empty();
    if lines {
        borders = borders.set(rule(TableBorderPosition::InsideH)).set(rule(TableBorderPosition::Bottom));
    }
    Table::without_borders(rows)
        .set_grid(widths.to_vec())
        .width(widths.iter().sum(), WidthType::Dxa)
        .layout(TableLayoutType::Fixed)
        .margins(TableCellMargins::new().margin(0, look::CELL_MARGIN, 0, 0))
        .set_borders(borders)
}
