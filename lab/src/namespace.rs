//! One network namespace of the lab: opened once, entered by threads. Never makes or removes one.

use std::{
    fs::File,
    io,
    marker::PhantomData,
    os::fd::AsFd,
    panic,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip netns` keeps names.
pub(crate) const NAMES: &str = "/run/netns";
/// Where `ip` looks for a namespace's own files of `/etc`.
pub(crate) const FILES: &str = "/etc/netns";
const OWN: &str = "/proc/thread-self/ns/net";

/// A namespace that can be entered.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    name: Arc<str>,
    file: Arc<File>,
}

impl Namespace {
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        Ok(Self { name: name.into(), file: Arc::new(File::open(Path::new(NAMES).join(name))?) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on a thread of its own inside of the namespace and waits for it; its panics go on here.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().name(self.name.to_string());
            let thread = thread.spawn_scoped(scope, || Ok((enter(&self.file)?, work()).1))?;
            thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
        })
    }

    /// Starts `work` on a thread inside of the namespace.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<io::Result<T>>> {
        let file = Arc::clone(&self.file);
        let thread = thread::Builder::new().name(self.name.to_string());
        thread.spawn(move || Ok((enter(&file)?, work()).1))
    }

    pub(crate) fn enter(&self) -> io::Result<Entered> {
        let before = File::open(OWN)?;
        enter(&self.file)?;
        Ok(Entered { before, here: PhantomData })
    }
}

/// While it lives the thread that made it is inside of a host's namespace, with all threads and processes it starts.
#[derive(Debug)]
#[must_use = "dropping it leaves the namespace"]
pub struct Entered {
    before: File,
    /// Namespaces belong to threads: the guard must not move to another.
    here: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        enter(&self.before).expect("a thread may always go back to where it was");
    }
}

fn enter(namespace: &File) -> io::Result<()> {
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}
