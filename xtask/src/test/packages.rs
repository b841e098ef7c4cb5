//! The system's programs that tests and benchmarks need, from the system's packages. Nothing that is there is touched.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::run::{command, find, quietly};
use crate::say;

/// A program, or a file by its path, and the Debian package that brings it.
pub(crate) type Needed = (&'static str, &'static str);

/// What the tests run.
pub(crate) const TESTS: &[Needed] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("ethtool", "ethtool"),
    ("setpriv", "util-linux"),
    ("sysctl", "procps"),
    ("ping", "iputils-ping"),
    ("iperf3", "iperf3"),
    ("curl", "curl"),
    ("chromium", "chromium"),
    ("shellcheck", "shellcheck"),
    ("openssl", "openssl"),
    ("sqlite3", "sqlite3"),
    ("promtool", PROMETHEUS),
    (NGINX, NGINX),
];
/// What opens the report's document, and looks at the pages that come of it.
pub(crate) const DOCUMENTS: &[Needed] =
    &[("soffice", "libreoffice-writer-nogui"), ("pdfinfo", POPPLER), ("pdfimages", POPPLER), ("pdftotext", POPPLER)];
const POPPLER: &str = "poppler-utils";
/// What the console is looked at with.
pub(crate) const BROWSER: &[Needed] = &[("chromium", "chromium")];
/// What a network with known faults is made by, what tells the truth about it, and the peers that are measured beside.
pub(crate) const PEERS: &[Needed] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("ethtool", "ethtool"),
    ("tcpdump", "tcpdump"),
    ("ping", "iputils-ping"),
    ("fping", "fping"),
    ("mtr", "mtr-tiny"),
    ("traceroute", "traceroute"),
    ("tracepath", "iputils-tracepath"),
    ("scamper", "scamper"),
    ("iperf3", "iperf3"),
    ("nuttcp", "nuttcp"),
    ("curl", "curl"),
];
const NGINX: &str = "nginx";
const PROMETHEUS: &str = "prometheus";
/// Packages that bring a service, named like them, and would run it for ever: the tests start what they need themselves.
const SERVICES: [&str; 2] = [NGINX, PROMETHEUS];
/// There while systemd runs the machine. In a container nobody does, and packages start nothing.
const SYSTEMD: &str = "/run/systemd/system";

/// Installs what is missing, as root or by sudo.
///
/// Without either what needs them skips itself, or fails, and says so.
///
/// # Errors
/// When root cannot install a package.
pub(crate) fn set_up(needed: &[Needed]) -> Result<()> {
    let mut packages: Vec<_> =
        needed.iter().filter(|(program, _)| find(program).is_none()).map(|&(_, package)| package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let Some(prefix) = privilege()? else {
        say::line(&format!("missing, and neither root nor sudo here: {}", packages.join(" ")));
        return Ok(());
    };
    if install(prefix, &packages).is_err() {
        apt_get(prefix, &["update"])?;
        install(prefix, &packages).with_context(|| format!("cannot install {}", packages.join(" ")))?;
    }
    for service in SERVICES.into_iter().filter(|service| packages.contains(service)) {
        still(prefix, service);
    }
    Ok(())
}

/// Ends a service that came with its package, and lets it begin no more.
fn still(prefix: &[&str], service: &str) {
    if !Path::new(SYSTEMD).is_dir() {
        return;
    }
    let words = [prefix, &["systemctl", "disable", "--now", service]].concat();
    if let Err(error) = quietly(command(words[0]).args(&words[1..])) {
        say::line(&format!("{service} was installed and may run now: {error:#}"));
    }
}

fn install(prefix: &[&str], packages: &[&str]) -> Result<()> {
    apt_get(prefix, &[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn apt_get(prefix: &[&str], args: &[&str]) -> Result<()> {
    // Another run, or the system itself, may be installing something just now.
    let patient = ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300"];
    let words = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive"], &patient, args].concat();
    quietly(command(words[0]).args(&words[1..]))
}

/// Gives the words before a command that needs root; `None` where root cannot be had.
fn privilege() -> Result<Option<&'static [&'static str]>> {
    let id = command("id").arg("-u").output().context("cannot run id")?;
    if id.stdout.trim_ascii() == b"0" {
        return Ok(Some(&[]));
    }
    let sudo = find("sudo").is_some() && quietly(command("sudo").args(["-n", "true"])).is_ok();
    Ok(sudo.then_some(&["sudo", "-n"]))
}
