//! Windows: `cnc.exe` is built, and does under Wine what it does here, as far as Wine carries it: of IPv6 that has no ICMP
//! function.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::sysroot::Sysroot;
use super::wine::{Wine, lines};
use super::{build_std, built, folder};
use crate::demo::listener::Listener;
use crate::demo::record::Record;
use crate::demo::{self, Client};
use crate::run::{cargo, shown};
use crate::say;
use crate::test::packages::{self, Needed};

const TARGET: &str = "x86_64-pc-windows-gnu";
const LINKER: &str = "x86_64-w64-mingw32-gcc-posix";
const NEEDED: &[Needed] = &[
    (LINKER, "gcc-mingw-w64-x86-64-posix"),
    ("/usr/x86_64-w64-mingw32/include/windows.h", "mingw-w64-x86-64-dev"),
    ("wine", "wine"),
    ("/usr/lib/wine/wine64", "wine64"),
];

/// How long the plan may take that ends within a quarter of a minute here.
const PLAN_MAY_TAKE: Duration = Duration::from_mins(2);
/// How long the client may need to leave.
const END_MAY_TAKE: Duration = Duration::from_secs(30);

/// Builds it and runs it.
pub(super) fn run(sysroot: &Sysroot) -> Result<()> {
    packages::set_up(NEEDED)?;
    shown(with_compiler(build_std(sysroot, "build", TARGET).args(["-p", "cnc-client"])))?;
    let program = built().join(TARGET).join("debug/cnc.exe");
    let wine = Wine::set_up(LINKER)?;
    say::line("windows    cnc.exe is built");
    help(&wine, &program)?;
    ping(&wine, &program, "127.0.0.1")?;
    trace(&wine, &program)?;
    session(&wine, &program)
}

/// Tells cargo and build scripts how to compile and link.
fn with_compiler(command: &mut Command) -> &mut Command {
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER).env("CC_x86_64_pc_windows_gnu", LINKER)
}

fn help(wine: &Wine, program: &Path) -> Result<()> {
    let output = wine.program(program).arg("--help").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && text.contains("Usage: cnc"), "--help says: {text}");
    Ok(())
}

fn ping(wine: &Wine, program: &Path, address: &str) -> Result<()> {
    let (code, lines) = lines(wine.program(program).args(["ping", address, "-c", "3", "-i", "100ms", "--json"]))?;
    let said = || format!("ping {address}: exit code {code:?}, {lines:#?}");
    ensure!(code == Some(0) && lines.len() == 4, said());
    for sample in &lines[..3] {
        ensure!(sample["outcome"] == "reply" && sample["from"] == address && sample["clock"] == "user", said());
        ensure!(sample["rtt_ms"].as_f64().is_some_and(|rtt| rtt > 0.0 && rtt < 1_000.0), said());
    }
    ensure!(lines[3]["engine"] == "icmp api" && lines[3]["received"] == 3, said());
    say::line(&format!("windows    ping {address}: 3 replies by the ICMP API"));
    Ok(())
}

fn trace(wine: &Wine, program: &Path) -> Result<()> {
    let (code, lines) = lines(wine.program(program).args(["trace", "-c", "2", "-n", "--json", "127.0.0.1"]))?;
    let said = || format!("trace: exit code {code:?}, {lines:#?}");
    let summary = lines.last().with_context(said)?;
    ensure!(code == Some(0) && summary["reached"] == true && summary["engine"] == "icmp api", said());
    ensure!(summary["hops"].as_array().map(Vec::len) == Some(1), said());
    ensure!(summary["hops"][0]["addresses"][0]["address"] == "127.0.0.1", said());
    say::line("windows    trace 127.0.0.1: reached by the ICMP API");
    Ok(())
}

/// Has a listener on this machine ask the program for a whole plan.
fn session(wine: &Wine, program: &Path) -> Result<()> {
    shown(cargo().args(["build", "--quiet", "-p", "cnc-server"]))?;
    let data = folder().join("listener");
    if data.is_dir() {
        std::fs::remove_dir_all(&data)?;
    }
    let mut listener = Listener::start(0, data)?;
    let session = listener.create_session("quick")?;
    let screen = folder().join("session.txt");
    let screen = File::create(&screen).with_context(|| format!("cannot write {}", screen.display()))?;
    let mut run = wine.program(program);
    run.args(["run", "--listener", &listener.url, "--code", &session.code, "--yes", "--allow-loopback"]);
    run.stdout(screen.try_clone()?).stderr(screen);
    let mut client = Client::start(&mut run)?;
    let record = Record::open(&listener.data.join("cnc.db"), &session.id)?;
    demo::wait_for("the plan", PLAN_MAY_TAKE, || {
        client.check()?;
        listener.check()?;
        record.plan_is_done()
    })?;
    listener.staff(&["session", "end", &session.id])?;
    client.wait(END_MAY_TAKE)?;
    let tests = record.tests()?;
    demo::show(&tests);
    demo::judge(&tests, &demo::ALLOWED)?;
    listener.stop()?;
    say::line("windows    a whole session with a listener on Linux");
    Ok(())
}
