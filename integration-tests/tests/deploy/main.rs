//! What people deploy by: the files of `deploy/`, read as the programs that they are for read them, and the listener run
//! as they run it. Nothing here reaches Google or pulls an image: docs/deploy.md says what was therefore never tried.

mod backup;
mod booted;
mod containers;
mod files;
mod google;
mod names;
mod prometheus;
mod root;
mod settings;
mod terraform;
mod units;
