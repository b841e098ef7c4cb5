//! Carries a plan out: runs `ip`, `tc`, `nft` and `ethtool`, writes sysctls, removes what was made.
//! Decides nothing; `plan` does.

use std::{
    collections::BTreeMap,
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
};

use crate::{
    error::LabError,
    namespace::{FILES, NAMES, Namespace},
    plan::{OPTIONAL_SYSCTLS, PREFIX, Plan, Space},
};

/// What the lab runs, and Debian's packages for it.
const PROGRAMS: &[(&str, &str)] =
    &[("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables"), ("ethtool", "ethtool")];

/// How often devices are looked at while they come up. A look takes milliseconds, coming up seldom more than one.
const CARRIER_LOOKS: usize = 2_000;

/// Bits of `CapEff`: network administration, raw sockets, mounting namespaces' names.
const CAPABILITIES: u64 = 1 << 12 | 1 << 13 | 1 << 21;

/// The namespaces of one lab; dropping it removes them.
pub(crate) struct Spaces {
    names: Vec<String>,
    open: BTreeMap<String, Namespace>,
}

impl Spaces {
    /// Makes and fills all namespaces of a plan. What was made of a plan that fails is removed again.
    pub(crate) fn make(plan: &Plan) -> Result<Self, LabError> {
        // First of all, so that a failure half-way drops it.
        let names = plan.spaces.iter().map(|space| space.name.clone()).collect();
        let mut spaces = Self { names, open: BTreeMap::new() };
        run_batch(None, "ip", &["-batch", "-"], &plan.create)?;
        for name in &spaces.names {
            let namespace = Namespace::open(name).map_err(LabError::system(format!("cannot open namespace {name}")))?;
            spaces.open.insert(name.clone(), namespace);
        }
        spaces.fill(&plan.spaces)?;
        spaces.names.iter().try_for_each(|name| await_carriers(name))?;
        Ok(spaces)
    }

    pub(crate) fn get(&self, name: &str) -> &Namespace {
        self.open.get(name).expect("every planned namespace was opened")
    }

    /// Fills the namespaces side by side: each waits for programs most of the time.
    fn fill(&self, plans: &[Space]) -> Result<(), LabError> {
        thread::scope(|scope| {
            let threads: Vec<_> =
                plans.iter().map(|plan| scope.spawn(|| self.get(&plan.name).run(|| fill(plan)))).collect();
            threads.into_iter().try_for_each(|thread| {
                let entered = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                entered.map_err(LabError::system("cannot enter a namespace"))?
            })
        })
    }
}

impl Drop for Spaces {
    fn drop(&mut self) {
        remove(&self.names);
    }
}

/// Removes namespaces by name, those that exist.
fn remove(names: &[String]) {
    let existing = names.iter().filter(|name| Path::new(NAMES).join(name).exists());
    let batch = existing.fold(String::new(), |batch, name| batch + "netns del " + name + "\n");
    // Another process's sweep may have been faster: all that matters is that they are gone.
    drop(run_batch(None, "ip", &["-force", "-batch", "-"], &batch));
    for name in names {
        // Most have none.
        drop(fs::remove_dir_all(Path::new(FILES).join(name)));
    }
}

/// Runs inside of the namespace's thread; the programs it starts inherit the namespace.
fn fill(space: &Space) -> Result<(), LabError> {
    for (key, value) in &space.sysctls {
        fs::write(sysctl(key), value)
            .map_err(LabError::system(format!("cannot set sysctl {key} = {value}{}", hint(key))))?;
    }
    if space.is_node {
        for (key, value) in OPTIONAL_SYSCTLS {
            drop(fs::write(sysctl(key), value));
        }
    }
    for device in &space.real_frames {
        let off = ["-K", device, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off"];
        run_batch(Some(&space.name), "ethtool", &off, "")?;
    }
    let batches: [(&str, &[&str], &str); 3] =
        [("ip", &["-batch", "-"], &space.ip), ("tc", &["-batch", "-"], &space.tc), ("nft", &["-f", "-"], &space.nft)];
    for (program, arguments, text) in batches {
        if !text.is_empty() {
            run_batch(Some(&space.name), program, arguments, text)?;
        }
    }
    Ok(())
}

/// Waits until the kernel has noticed that both ends of every device are up: before that it drops what is sent, and on
/// a busy machine that takes a while.
fn await_carriers(space: &str) -> Result<(), LabError> {
    for _ in 0..CARRIER_LOOKS {
        let listing = run_batch(Some(space), "ip", &["-json", "link", "show", "up"], "")?;
        let links: Vec<serde_json::Value> = serde_json::from_slice(&listing).unwrap_or_default();
        // Those that the filter leaves out are listed as empty objects.
        let comes_up = |link: &serde_json::Value| link["link_type"] == "ether" && link["operstate"] != "UP";
        if !links.iter().any(comes_up) {
            return Ok(());
        }
    }
    let late = io::Error::from(io::ErrorKind::TimedOut);
    Err(LabError::system(format!("the devices of {space} do not come up"))(late))
}

/// What to do about the one setting that is refused for a reason nobody guesses.
fn hint(key: &str) -> &'static str {
    if key == "net.ipv4.tcp_congestion_control" {
        " (a namespace may have only what the machine's net.ipv4.tcp_allowed_congestion_control lists: add it there)"
    } else {
        ""
    }
}

/// `/proc/sys/net` shows the namespace of the thread that looks.
fn sysctl(key: &str) -> PathBuf {
    Path::new("/proc/sys").join(key.replace('.', "/"))
}

/// Runs a program to its end with `text` on standard input, and gives its output.
pub(crate) fn run_batch(
    space: Option<&str>,
    program: &str,
    arguments: &[&str],
    text: &str,
) -> Result<Vec<u8>, LabError> {
    let run = || {
        let mut command = Command::new(program);
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Dropped after writing: the program sees the end.
        child.stdin.take().expect("it is piped").write_all(text.as_bytes())?;
        child.wait_with_output()
    };
    let output = run().map_err(LabError::system(format!("cannot run {program}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(LabError::Command {
        command: format!("{program} {}", arguments.join(" ")),
        space: space.map(str::to_owned),
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Checks that a lab can be built here at all.
pub(crate) fn check_machine() -> Result<(), LabError> {
    if !may_make_namespaces() {
        return Err(LabError::NeedsRoot);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = |program: &str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    match PROGRAMS.iter().find(|(program, _)| !installed(program)) {
        None => Ok(()),
        Some(&(program, package)) => Err(LabError::Missing { program, package }),
    }
}

pub(crate) fn may_make_namespaces() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    effective.is_some_and(|bits| bits & CAPABILITIES == CAPABILITIES)
}

/// Removes the namespaces of labs whose process is gone: it was killed before it could do so itself.
pub(crate) fn sweep() -> io::Result<()> {
    let names = match fs::read_dir(NAMES) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut leftovers = Vec::new();
    for name in names {
        let Ok(name) = name?.file_name().into_string() else { continue };
        if owner(&name).is_some_and(|pid| pid != process::id() && !Path::new("/proc").join(pid.to_string()).exists()) {
            leftovers.push(name);
        }
    }
    if !leftovers.is_empty() {
        remove(&leftovers);
    }
    Ok(())
}

/// The process that a namespace's name tells.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}
