//! Finds the product's own programs where the workspace's build leaves them.

use std::path::PathBuf;

/// Gives the path of `cnc` or `cnc-listener`, as built beside the running test.
///
/// # Panics
/// When it has not been built: cargo builds a package's programs for that package's own tests only.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("cargo leaves tests two folders deep");
    let found = [profile, test.parent().unwrap_or(profile)].map(|folder| folder.join(name));
    let built = "build it first: cargo build --workspace --all-targets";
    found.into_iter().find(|file| file.is_file()).unwrap_or_else(|| panic!("{name} is not there; {built}"))
}
