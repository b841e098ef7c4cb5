//! The console in a real browser, on a real listener with real clients. The stories are told in
//! `server/console/browser/stories`, a file each; this starts what they need.

mod hostile;
mod lab;
mod pace;
mod stories;
