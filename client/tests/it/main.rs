//! The program and its link as their users meet them: the real binary, and a listener that does what a story needs.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes fails the story and is shown")]

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
mod disk;
mod fake;
mod help;
mod json;
mod link;
mod program;
mod proxy;
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
mod reach;
mod resume;
mod run;
mod screen;
mod tls;
mod usage;
