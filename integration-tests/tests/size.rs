//! No source file grows past what one reads in one go. Which files there are is git's to say.

use std::path::Path;
use std::process::Command;

/// Lines at which a file must be split; CONTRIBUTING.md aims at a third of it.
const SPLIT_AT: usize = 600;

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = Command::new("git").args(["ls-files", "*.rs", "*.proto"]).current_dir(&root).output().unwrap();
    assert!(files.status.success(), "{}", String::from_utf8_lossy(&files.stderr));
    let files = String::from_utf8(files.stdout).unwrap();
    assert!(files.lines().count() > 10, "these are not all files: {files}");
    let lines = |file: &&str| std::fs::read_to_string(root.join(file)).map_or(0, |text| text.lines().count());
    let long: Vec<_> = files.lines().filter(|file| lines(file) > SPLIT_AT).collect();
    assert!(long.is_empty(), "longer than {SPLIT_AT} lines: {long:?}");
}
