//! The program and its link as their users meet them: the real binary, and a listener that does what a story needs.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes fails the story and is shown")]

mod fake;
mod help;
mod json;
mod link;
mod program;
mod proxy;
mod resume;
mod run;
mod tls;
mod usage;
