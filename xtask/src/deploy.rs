//! `cargo xtask deploy-check`: the programs as they are handed out, run as people run them: the listener alone in an empty
//! root, and by its unit under a systemd of its own, both where the system lists foreign modules for names; and the report's
//! document, opened by a word processor. Also what the quicker checks of `deploy/` need before `cargo xtask test` runs them.

use anyhow::Result;

use crate::dist::Program;
use crate::npm;
use crate::run::{cargo, root, shown};
use crate::test::packages;

/// Installs what reads Terraform's and YAML's files.
///
/// # Errors
/// When a package cannot be had.
pub(crate) fn set_up() -> Result<()> {
    npm::packages(&root().join("deploy/check"))
}

/// Builds the static programs and runs the tests that are about them; as root.
///
/// # Errors
/// When something does not build, or a test fails.
pub(crate) fn check() -> Result<()> {
    packages::set_up(packages::TESTS)?;
    packages::set_up(packages::DOCUMENTS)?;
    let client = Program::Cnc.build()?;
    let listener = Program::CncListener.build()?;
    shown(cargo().args(["build", "--quiet", "-p", "cnc-client", "-p", "cnc-server"]))?;
    let mut tests = cargo();
    tests.args(["nextest", "run", "-p", "cnc-integration-tests", "--test", "deploy", "--run-ignored", "only"]);
    shown(tests.env("CNC_STATIC_CLIENT", client).env("CNC_STATIC_LISTENER", listener))?;
    shown(cargo().args(["nextest", "run", "-p", "cnc-server", "--lib", "--run-ignored", "only", "libreoffice"]))
}
