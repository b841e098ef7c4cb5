//! `cargo xtask deploy-check`: the listener as it is handed out, run as people run it: alone in an empty root, and by its
//! unit under a systemd of its own. Also what the quicker checks of `deploy/` need before `cargo xtask test` runs them.

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

/// Builds the static listener and runs the tests that are about it; as root.
///
/// # Errors
/// When something does not build, or a test fails.
pub(crate) fn check() -> Result<()> {
    packages::set_up(packages::TESTS)?;
    let program = Program::CncListener.build()?;
    shown(cargo().args(["build", "--quiet", "-p", "cnc-client", "-p", "cnc-server"]))?;
    let mut tests = cargo();
    tests.args(["nextest", "run", "-p", "cnc-integration-tests", "--test", "deploy", "--run-ignored", "only"]);
    shown(tests.env("CNC_STATIC_LISTENER", program))
}
