//! A host or router of a running lab, as tests use it: run a program there, or their own code.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    process::Command,
    thread::JoinHandle,
};

use crate::{
    capture::Capture,
    error::LabError,
    namespace::{Entered, FILES, Namespace},
};

/// A host or router of a running lab. It can be cloned and given away; when the lab ends, nothing reaches it any more.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) name: String,
    pub(crate) space: Namespace,
    pub(crate) v4: Vec<Ipv4Addr>,
    pub(crate) v6: Vec<Ipv6Addr>,
}

impl Host {
    /// Gives the name in the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the name of its namespace, as `ip netns` knows it.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.space.name()
    }

    /// Gives the IPv4 address on its first link.
    #[must_use]
    pub fn v4(&self) -> Ipv4Addr {
        self.v4[0]
    }

    /// Gives the IPv6 address on its first link.
    #[must_use]
    pub fn v6(&self) -> Ipv6Addr {
        self.v6[0]
    }

    /// Lists all its addresses, loopback and link-local ones aside.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.iter().copied().map(IpAddr::from).chain(self.v6.iter().copied().map(IpAddr::from))
    }

    /// Gives the command that runs `program` there (by `ip netns exec`, which becomes the program: same process, same exit code).
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.namespace(), program]);
        command
    }

    /// Gives programs that [`Host::command`] runs there a file of their own in place of `/etc/NAME`, like
    /// `resolv.conf` or `hosts`. It goes with the lab.
    ///
    /// # Errors
    /// [`LabError::System`] when it cannot be written.
    pub fn etc(&self, name: &str, text: &str) -> Result<(), LabError> {
        let write = || {
            let folder = Path::new(FILES).join(self.namespace());
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(name), text)
        };
        write().map_err(LabError::system(format!("cannot write /etc/{name} of {}", self.namespace())))
    }

    /// Runs `work` there on a thread of its own, and waits for it. A panic of `work` goes on here.
    ///
    /// # Errors
    /// [`LabError::System`] when the thread cannot start or enter the namespace.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        self.space.run(work).map_err(LabError::system(format!("cannot enter {}", self.namespace())))
    }

    /// Starts `work` there on a thread of its own. What it starts itself (an async runtime's threads, processes) is there too.
    ///
    /// # Errors
    /// [`LabError::System`] when the thread cannot start; joining gives an error when it could not enter the namespace.
    pub fn spawn_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<std::io::Result<T>>, LabError> {
        self.space.spawn(work).map_err(LabError::system(format!("cannot start a thread in {}", self.namespace())))
    }

    /// Gathers from now on what arrives at its first device.
    ///
    /// # Errors
    /// [`LabError::System`] when the namespace cannot be entered or the device not be listened to.
    pub fn capture(&self) -> Result<Capture, LabError> {
        Capture::start(&self.space)
    }

    /// Moves the calling thread there until the guard is dropped.
    ///
    /// # Errors
    /// [`LabError::System`] when the namespace cannot be entered.
    pub fn enter(&self) -> Result<Entered, LabError> {
        self.space.enter().map_err(LabError::system(format!("cannot enter {}", self.namespace())))
    }
}
