//! A listener inside of the lab, for as long as the command runs. Owns its data folder and its log.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use cnc_lab::{Host, Lab};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{interval, timeout},
};

use super::{built, tell};
use crate::run::{cargo, shown};

/// From start to the first healthy answer: a first start makes a database and keys on a busy machine.
const START: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile.
const ASK: Duration = Duration::from_millis(50);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(2);
/// From being told to end until it is killed: it has to say goodbye to clients and close its store.
const END: Duration = Duration::from_secs(10);

/// A running `cnc-listener`.
pub(super) struct Listener {
    child: Child,
    address: SocketAddr,
    data: TempDir,
}

impl Listener {
    /// Builds and starts it on the host that has the address, and waits until it is healthy.
    pub(super) async fn start(lab: &Lab, at: &str) -> Result<Self> {
        let (host, address) = place(lab, at)?;
        shown(cargo().args(["build", "--quiet", "--package", "cnc-server"]))?;
        let data = tempfile::Builder::new().prefix("cnc-lab-").tempdir().context("cannot make a data folder")?;
        let log = File::create(data.path().join("listener.log")).context("cannot make the listener's log")?;
        let program = built()?.join("cnc-listener");
        let mut command = host.command(program.to_str().context("the target folder's name is no Unicode")?);
        // Plain HTTP beyond loopback: nobody but this lab's hosts can reach it.
        command.args(["serve", "--behind-tls-proxy", "--listen", &address.to_string(), "--data"]).arg(data.path());
        // `cnc speed` needs no session in a lab.
        command.arg("--public-speed");
        command.stdout(log.try_clone()?).stderr(log);
        // A group of its own: the terminal's Ctrl-C is for the command.
        let child = Command::from(command).process_group(0).kill_on_drop(true).spawn();
        let mut listener = Self { child: child.context("cannot start the listener")?, address, data };
        match timeout(START, listener.healthy(&host)).await {
            Ok(healthy) => healthy?,
            Err(_) => bail!("the listener is not healthy after {START:?}:\n{}", listener.log()),
        }
        Ok(listener)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Tells it to end and waits until it has.
    pub(super) async fn stop(mut self) -> Result<()> {
        tell(&self.child, Signal::TERM);
        if let Ok(status) = timeout(END, self.child.wait()).await {
            status?;
        } else {
            self.child.kill().await?;
        }
        Ok(())
    }

    async fn healthy(&mut self, host: &Host) -> Result<()> {
        let mut turns = interval(ASK);
        loop {
            // Liveness: `start` gives up after START.
            turns.tick().await;
            if let Some(status) = self.child.try_wait()? {
                bail!("the listener ended ({status}):\n{}", self.log());
            }
            let address = self.address;
            if host.run(|| answers(address))? {
                return Ok(());
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.data.path().join("listener.log")).unwrap_or_default()
    }
}

/// Finds the host and the address: `10.77.1.2:4443`, `[fd77::1]:4443` or `server:4443`.
fn place(lab: &Lab, at: &str) -> Result<(Host, SocketAddr)> {
    let named = || {
        let (name, port) = at.rsplit_once(':')?;
        Some(SocketAddr::new(lab.host(name).ok()?.v4().into(), port.parse().ok()?))
    };
    let found = at.parse().ok().or_else(named).and_then(|address: SocketAddr| {
        let host = lab.hosts().find(|host| host.addresses().any(|ip| ip == address.ip()))?;
        Some((host, address))
    });
    found.with_context(|| {
        let addresses = |host: Host| host.addresses().map(|ip| format!("{} {ip}", host.name())).collect::<Vec<_>>();
        let known = lab.hosts().flat_map(addresses).collect::<Vec<_>>().join(", ");
        format!("`{at}` is no place for a listener in this network: write ADDR:PORT or HOST:PORT; there are: {known}")
    })
}

/// Asks once, from the thread's own network, whether the listener is healthy.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
