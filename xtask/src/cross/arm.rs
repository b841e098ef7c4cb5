//! 64-bit ARM: the unit suites of what runs at users, built for it and run under qemu.

use anyhow::Result;

use super::build_std;
use super::sysroot::Sysroot;
use crate::run::shown;
use crate::say;
use crate::test::packages::{self, Needed};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
/// Where the C library of that processor lies.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";
const NEEDED: &[Needed] = &[
    ("qemu-aarch64", "qemu-user"),
    (LINKER, "gcc-aarch64-linux-gnu"),
    ("/usr/aarch64-linux-gnu/lib/libc.so.6", "libc6-dev-arm64-cross"),
];
/// The crates whose unit tests run.
const CRATES: [&str; 4] = ["cnc-model", "cnc-proto", "cnc-probe", "cnc-client"];

/// The tests that cannot run under qemu, each with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("kernel::tcp::tests::a_connection_tells_what_it_sent", TCP_INFO),
    ("respond::sockets::tests::connections_are_summed_while_they_are_open_and_after", TCP_INFO),
    (
        "ping::icmp::tests::each_kind_of_socket_is_stamped_by_the_kernel_and_tells_the_ttl",
        "qemu-user does not pass on the kernel's stamps",
    ),
];
const TCP_INFO: &str = "qemu-user does not pass on what the kernel counts of a connection (TCP_INFO)";

/// Builds and runs them.
pub(super) fn run(sysroot: &Sysroot) -> Result<()> {
    packages::set_up(NEEDED)?;
    let mut test = build_std(sysroot, "test", TARGET);
    test.args(CRATES.iter().flat_map(|name| ["-p", name])).args(["--lib", "--no-fail-fast"]);
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("qemu-aarch64 -L {LIBRARIES}"));
    test.env("CC_aarch64_unknown_linux_gnu", LINKER);
    test.arg("--").args(LEFT_OUT.iter().flat_map(|(name, _)| ["--skip", name]));
    shown(&mut test)?;
    for (name, reason) in LEFT_OUT {
        say::line(&format!("arm        left out: {name} ({reason})"));
    }
    say::line(&format!("arm        the unit tests of {} pass under qemu", CRATES.join(", ")));
    Ok(())
}
