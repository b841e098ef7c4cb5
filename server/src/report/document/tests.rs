//! The document against the page: the same words, no SVG, pictures drawn, and parts that any XML reader takes.

use std::io::{Cursor, Read as _};
use std::process::Command;
use std::time::Duration;

use cnc_model::session::Absence;
use resvg::usvg::roxmltree::{Document, Node};
use zip::ZipArchive;

use crate::report::Report;
use crate::report::tests::made_up::{self, BEGAN, MadeUp};

const WORDS: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

fn document(made: &MadeUp, operator: &str) -> Vec<u8> {
    let made_at = BEGAN.after(Duration::from_mins(5));
    Report { record: &made.record, samples: &made.samples, operator, made: made_at }.docx().expect("a document")
}

/// Gives the parts of a document.
fn parts(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(file)).expect("an archive");
    let mut parts = Vec::new();
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("its bytes");
        parts.push((part.name().to_owned(), bytes));
    }
    parts
}

fn part<'a>(parts: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let (_, bytes) = parts.iter().find(|(known, _)| known == name).expect("the part is there");
    std::str::from_utf8(bytes).expect("text")
}

/// Gives a text without its white space, by which page and document differ.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn paragraph_text(paragraph: Node<'_, '_>) -> String {
    let texts = paragraph.descendants().filter(|node| node.has_tag_name((WORDS, "t")));
    texts.filter_map(|node| node.text()).collect()
}

#[test]
fn it_says_what_the_page_says() {
    let made = made_up::session();
    let file = document(&made, "Example Helpdesk");
    // For looking at it: CNC_REPORT_DOCUMENT=/some/where.docx
    if let Some(path) = std::env::var_os("CNC_REPORT_DOCUMENT") {
        std::fs::write(path, &file).expect("a place to write");
    }
    let parts = parts(&file);
    let text = part(&parts, "word/document.xml");
    let document = Document::parse(text).expect("well-formed");
    let paragraphs: Vec<String> =
        document.descendants().filter(|n| n.has_tag_name((WORDS, "p"))).map(paragraph_text).collect();
    let said = squeezed(&paragraphs.concat());
    let made_at = BEGAN.after(Duration::from_mins(5));
    let report = Report { record: &made.record, samples: &made.samples, operator: "Example Helpdesk", made: made_at };
    let body = report.body().into_string();
    let page = Document::parse(&body).expect("well-formed");
    let is_drawn = |node: Node<'_, '_>| node.ancestors().any(|above| above.tag_name().name() == "svg");
    let mut words = 0;
    for node in page.descendants().filter(|node| node.is_text() && !is_drawn(*node)) {
        let text = squeezed(node.text().unwrap_or_default());
        assert!(said.contains(&text), "{text:?} is on the page alone");
        words += 1;
    }
    assert!(words > 300, "{words} texts: the page has many");
}

#[test]
fn its_pictures_are_drawn_and_described() {
    let made = made_up::session();
    let parts = parts(&document(&made, ""));
    let text = part(&parts, "word/document.xml");
    let document = Document::parse(text).expect("well-formed");
    let described: Vec<_> =
        document.descendants().filter(|n| n.tag_name().name() == "docPr").map(|n| (n.attribute("id"), n)).collect();
    let files: Vec<_> =
        parts.iter().filter(|(name, _)| name.starts_with("word/media/") && !name.ends_with('/')).collect();
    assert_eq!(described.len(), files.len());
    assert!(files.len() >= 5, "{} pictures", files.len());
    let alt = described[0].1.attribute("descr").unwrap_or_default();
    assert!(alt.starts_with("Round-trip time over time: from"), "{alt}");
    let mut numbers: Vec<_> = described.iter().map(|(number, _)| number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), described.len(), "each has its own number");
    for (name, bytes) in files {
        assert!(bytes.starts_with(b"\x89PNG\r\n"), "{name}");
        let colours = colours(bytes);
        assert!(colours > 20, "{name} has {colours} colours: type and lines have edges");
    }
}

/// Counts a picture's colours, up to a hundred.
fn colours(png: &[u8]) -> usize {
    let drawn = resvg::tiny_skia::Pixmap::decode_png(png).expect("a picture");
    let mut known = std::collections::BTreeSet::new();
    for pixel in drawn.pixels() {
        known.insert((pixel.red(), pixel.green(), pixel.blue()));
        if known.len() >= 100 {
            break;
        }
    }
    known.len()
}

#[test]
fn every_part_is_well_formed_and_none_is_svg() {
    for made in [made_up::session(), made_up::silence(), MadeUp::empty("")] {
        for (name, bytes) in parts(&document(&made, "Example Helpdesk")) {
            let kind = name.rsplit('.').next().expect("a last piece");
            if ["xml", "rels"].contains(&kind) {
                let text = std::str::from_utf8(&bytes).expect("text");
                assert!(Document::parse(text).is_ok(), "{name}");
                assert!(!text.to_ascii_lowercase().contains("svg"), "{name}");
            } else {
                assert!(kind == "png" || name.ends_with('/'), "{name}");
            }
        }
    }
}

#[test]
fn links_lead_to_places_that_exist() {
    let made = made_up::session();
    let parts = parts(&document(&made, ""));
    let document = Document::parse(part(&parts, "word/document.xml")).expect("well-formed");
    let all = |name: &str, attribute: &str| -> Vec<String> {
        let nodes = document.descendants().filter(|node| node.has_tag_name((WORDS, name)));
        nodes.filter_map(|node| node.attribute((WORDS, attribute)).map(str::to_owned)).collect()
    };
    let (links, marks) = (all("hyperlink", "anchor"), all("bookmarkStart", "name"));
    assert!(links.len() > 10, "{links:?}");
    for link in &links {
        assert!(marks.contains(link), "{link} of {marks:?}");
    }
}

#[test]
fn hostile_text_stays_text() {
    const EVIL: &str = "</w:t></w:r>\u{0}\u{8}\u{fffe}<w:p/>&amp;\"'";
    let mut made = made_up::session();
    made.record.overview.label = EVIL.into();
    made.record.overview.plan = EVIL.into();
    let parts = parts(&document(&made, EVIL));
    let document = Document::parse(part(&parts, "word/document.xml")).expect("well-formed");
    let title = document.descendants().find(|n| n.has_tag_name((WORDS, "p")) && paragraph_text(*n).contains("</w:t>"));
    assert_eq!(paragraph_text(title.expect("the title")).matches("<w:p/>&amp;\"'").count(), 1);
}

#[test]
fn a_hundred_thousand_samples_make_no_large_document() {
    let mut made = MadeUp::empty("long");
    made_up::long(&mut made, 100_000);
    let size = document(&made, "").len();
    assert!(size < 400_000, "{size} bytes");
}

/// Runs a program that must succeed, and gives what it said.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "wants LibreOffice, half a gigabyte: cargo xtask deploy-check"]
fn libreoffice_makes_pages_of_it() {
    let mut made = made_up::session();
    made.record.absences =
        vec![Absence { from: BEGAN.after(Duration::from_secs(80)), until: Some(BEGAN.after(Duration::from_secs(90))) }];
    let bytes = document(&made, "Example Helpdesk");
    let pictures = parts(&bytes).iter().filter(|(_, bytes)| bytes.starts_with(b"\x89PNG")).count();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("report.docx"), bytes).expect("written");
    // A profile of its own: two of them at one time would take each other for the same.
    let profile = format!("-env:UserInstallation=file://{}", file("profile").display());
    let mut convert = Command::new("soffice");
    convert.args([&profile, "--headless", "--convert-to", "pdf", "--outdir"]).arg(folder.path());
    said(convert.arg(file("report.docx")));
    let pdf = file("report.pdf");
    // For looking at it: CNC_REPORT_PAGES=/some/where.pdf
    if let Some(path) = std::env::var_os("CNC_REPORT_PAGES") {
        std::fs::copy(&pdf, path).expect("a place to write");
    }

    let about = said(Command::new("pdfinfo").arg(&pdf));
    let pages = about.lines().find_map(|line| line.strip_prefix("Pages:")).expect("a number of pages");
    let pages: usize = pages.trim().parse().expect("a number");
    assert!((4..=12).contains(&pages), "{pages} pages");
    let listed = said(Command::new("pdfimages").arg("-list").arg(&pdf));
    // Beneath two lines of heading: page, number, and what it is. What a picture shows through by is a mask of its own.
    let shown = listed.lines().filter(|line| line.split_whitespace().nth(2) == Some("image")).count();
    assert!(pictures > 3 && shown == pictures, "{shown} of {pictures} pictures are shown:\n{listed}");
    let words = said(Command::new("pdftotext").args(["-layout"]).arg(&pdf).arg("-"));
    for told in ["Anna Berger", "What was measured", "When the client was away", &format!("Page {pages} of {pages}")] {
        assert!(words.contains(told), "{told:?} is on no page");
    }
    let blank = words.split('\u{c}').take(pages).position(|page| page.trim().lines().count() < 3);
    assert_eq!(blank, None, "a page with nothing on it");
}
