//! The BigQuery emulator that the tests and the benchmark export to, in a Python environment of its own under `target/`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::run::{command, quietly, root};
use crate::say;

/// What is installed, each at a version that was tried with the others.
const PACKAGES: &[&str] = &["bqemulator==1.4.0", "duckdb==1.5.5", "duckdb-extension-spatial==1.5.5", "numpy==2.4.6"];
/// The emulator insists on an extension of its database, which it would download: the package above carries the file.
const INSTALL_EXTENSION: &str = "import duckdb, os, duckdb_extension_spatial as spatial
folder = os.path.join(os.path.dirname(spatial.__file__), 'extensions', 'v' + duckdb.__version__)
connection = duckdb.connect()
connection.execute(f\"INSTALL '{folder}/spatial.duckdb_extension'\")
connection.execute('LOAD spatial')";

/// Sets it up unless it is there at these versions. Where that is not possible its tests skip themselves, and it is said.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn set_up() -> Result<()> {
    let place = place();
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(place.join("ready")).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    fs::create_dir_all(place.join("home")).with_context(|| format!("cannot make {}", place.display()))?;
    match install(&place) {
        Ok(()) => fs::write(place.join("ready"), wanted).context("cannot note that the emulator is ready"),
        Err(error) => {
            let why = format!("{error:#}");
            let why = why.lines().rev().find(|line| line.to_ascii_lowercase().contains("error")).unwrap_or(&why);
            say::line(&format!("no BigQuery emulator, whose tests skip themselves: {}", why.trim()));
            Ok(())
        }
    }
}

fn install(place: &std::path::Path) -> Result<()> {
    let python = place.join("venv/bin/python");
    say::begin("installing the BigQuery emulator … ");
    quietly(command("python3").args(["-m", "venv"]).arg(place.join("venv")))?;
    quietly(command(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    quietly(command(&python).args(["-c", INSTALL_EXTENSION]).env("HOME", place.join("home")))
}

/// Where it lies: beside what cargo builds.
fn place() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    root().join(target).join("bqemulator")
}
