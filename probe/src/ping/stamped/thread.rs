//! The threads that run pings: each begins with its first ping, ends with its last, and waits for whatever comes first.
//!
//! They are no tasks of a runtime, so that pings of several runtimes share them, and no task delays a probe.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::Instant;

use super::line::{Line, Newcomer};

/// How many threads there are at most: what one cannot do, since it asks for a whole core, a second one does beside it.
const THREADS: usize = 2;

/// What waits for each thread; `None` where it does not run.
static DESKS: [Mutex<Option<Desk>>; THREADS] = [const { Mutex::new(None) }; THREADS];

/// A thread's number. Pings are spread over them in turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(usize);

/// Where others leave what a thread is to do.
struct Desk {
    /// As many as pings begin at one time; each is waited for by a task.
    newcomers: Vec<Newcomer>,
    /// Whether a ping may have been left.
    is_left: bool,
    /// Wakes the thread.
    bell: UnixStream,
}

/// The thread's own.
struct Pinger {
    number: Number,
    /// Where it hears the bell.
    ear: UnixStream,
    lines: Vec<Line>,
}

/// Begins a ping on a thread.
pub(super) fn start(newcomer: Newcomer, number: Number) -> io::Result<()> {
    let mut desk = number.desk();
    if let Some(desk) = &mut *desk {
        desk.newcomers.push(newcomer);
        desk.ring();
        return Ok(());
    }
    let (bell, ear) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ear.set_nonblocking(true)?;
    // It ends when there is no ping any more.
    std::thread::Builder::new()
        .name("cnc-ping".into())
        .spawn(move || Pinger { number, ear, lines: Vec::new() }.run())?;
    *desk = Some(Desk { newcomers: vec![newcomer], is_left: false, bell });
    Ok(())
}

impl Number {
    /// Gives the next one's turn.
    pub(super) fn next() -> Self {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        Self(TURN.fetch_add(1, Ordering::Relaxed) % THREADS)
    }

    /// Has the thread let go of pings that nobody waits for.
    pub(super) fn wake(self) {
        if let Some(desk) = &mut *self.desk() {
            desk.is_left = true;
            desk.ring();
        }
    }

    fn desk(self) -> MutexGuard<'static, Option<Desk>> {
        DESKS[self.0].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn ring(&self) {
        // Where there is no room it has been rung often enough.
        (&self.bell).write_all(&[1]).ok();
    }
}

impl Pinger {
    fn run(mut self) {
        let _end = End(self.number);
        // Liveness: each ping ends by its count and timeout, or with the future that waits for it.
        while self.look_at_desk() {
            let ready = self.wait();
            for (line, _) in self.lines.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
                line.take();
            }
            let now = Instant::now();
            self.lines.iter_mut().for_each(|line| line.act(now));
            self.lines.iter_mut().for_each(Line::tell);
            self.lines.retain(|line| !line.is_empty());
        }
    }

    /// Takes what waits for the thread, and says whether there is anything left to do.
    fn look_at_desk(&mut self) -> bool {
        loop {
            let mut guard = self.number.desk();
            let Some(desk) = guard.as_mut() else { return false };
            let (newcomers, is_left) = (std::mem::take(&mut desk.newcomers), std::mem::take(&mut desk.is_left));
            if newcomers.is_empty() && self.lines.is_empty() {
                *guard = None;
                return false;
            }
            drop(guard);
            for newcomer in newcomers {
                match self.lines.iter_mut().find(|line| line.has_seat_for(&newcomer)) {
                    Some(line) => line.seat(newcomer.run),
                    None => self.lines.push(Line::of(newcomer)),
                }
            }
            if is_left {
                self.lines.iter_mut().for_each(Line::dismiss_left);
                self.lines.retain(|line| !line.is_empty());
            }
            if !self.lines.is_empty() {
                return true;
            }
        }
    }

    /// Waits until something is due, something came, or the bell rings, and says to which lines something came.
    fn wait(&mut self) -> Vec<bool> {
        let flags = PollFlags::IN | PollFlags::ERR;
        let sockets = self.lines.iter().map(|line| PollFd::from_borrowed_fd(line.socket(), flags));
        let mut all: Vec<_> =
            std::iter::once(PollFd::from_borrowed_fd(self.ear.as_fd(), flags)).chain(sockets).collect();
        let next = self.lines.iter().filter_map(Line::next).min();
        let left = next.map(|next| timespec(next.saturating_duration_since(Instant::now())));
        // Interrupted, it finds nothing.
        poll(&mut all, left.as_ref()).ok();
        let mut ready = all.iter().map(|fd| !fd.revents().is_empty());
        let is_rung = ready.next().unwrap_or(false);
        let ready = ready.collect();
        if is_rung {
            // As much as there is: its content says nothing.
            (&self.ear).read_to_end(&mut Vec::new()).ok();
        }
        ready
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

/// Clears the desk if the thread panics: those who wait for it are told, and the next ping begins another.
struct End(Number);

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.desk() = None;
        }
    }
}
