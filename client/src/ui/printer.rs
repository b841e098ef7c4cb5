//! Prints in a thread of its own, so that a screen that stands still (a pipe that nobody reads, a terminal after
//! Ctrl-S) holds up nothing else. What does not fit in the queue is not shown, and that is said.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::TermLike;

/// The most that waits to be printed: far more than a whole session says. When it is full further lines are counted
/// and not shown: the record has everything.
const MAX_WAITING: usize = 1_024;
/// How long the program waits at its end for a screen that takes nothing.
const PATIENCE: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&Term) -> io::Result<()> + Send>;

/// The thread's other end.
pub(super) struct Printer {
    /// Begins with the first job: output for programs has none, and answers sooner without a thread.
    jobs: OnceLock<Option<SyncSender<Job>>>,
    term: Term,
    progress: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    /// What did not fit and was not told yet.
    dropped: AtomicU64,
    /// How many jobs were taken, and how many are done.
    counts: Mutex<(u64, u64)>,
    done: Condvar,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { jobs: OnceLock::new(), term: Term::buffered_stdout(), progress: Arc::default() }
    }

    /// Begins the thread. Without one it is printed at once.
    fn begin(&self) -> Option<SyncSender<Job>> {
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let (term, progress) = (self.term.clone(), Arc::clone(&self.progress));
        let thread = std::thread::Builder::new().name("screen".into()).spawn(move || print(&waiting, &term, &progress));
        thread.is_ok().then_some(jobs)
    }

    /// Has something printed, behind all that came before.
    pub(super) fn put(&self, job: impl FnOnce(&Term) -> io::Result<()> + Send + 'static) {
        let Some(jobs) = self.jobs.get_or_init(|| self.begin()) else {
            // With standard output closed the measuring goes on.
            job(&self.term).ok();
            return;
        };
        // Counted first: the thread may be faster.
        self.progress.count(|(taken, _)| *taken += 1);
        if jobs.try_send(Box::new(job)).is_err() {
            self.progress.count(|(taken, _)| *taken -= 1);
            self.progress.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is printed, or nothing more gets printed.
    pub(super) fn finish(&self) {
        let mut counts = self.progress.counts.lock().unwrap_or_else(PoisonError::into_inner);
        while counts.1 < counts.0 {
            let before = counts.1;
            // Liveness: the thread tells each job that is done; a screen that takes nothing is not waited for.
            let (now, waited) =
                self.progress.done.wait_timeout(counts, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            counts = now;
            if waited.timed_out() && counts.1 == before {
                return;
            }
        }
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer").finish_non_exhaustive()
    }
}

impl Progress {
    fn count(&self, change: impl FnOnce(&mut (u64, u64))) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.done.notify_all();
    }
}

fn print(jobs: &Receiver<Job>, term: &Term, progress: &Progress) {
    // Liveness: ends with the last printer.
    while let Ok(job) = jobs.recv() {
        // With standard output closed the measuring goes on: the record matters, the screen may be gone.
        job(term).ok();
        let dropped = progress.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let lines = if dropped == 1 { "1 line was" } else { "lines were" };
            let count = if dropped == 1 { String::new() } else { format!("{dropped} ") };
            term.write_line(&format!("({count}{lines} not shown: nothing was read here in time)"))
                .and_then(|()| term.flush())
                .ok();
        }
        progress.count(|(_, done)| *done += 1);
    }
}

/// Writes to standard error, in its turn.
pub(super) fn fault(lines: &[String]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    lines.iter().try_for_each(|line| writeln!(stderr, "{line}"))
}

/// Bars that are drawn by the printer, a whole frame at a time.
#[derive(Debug)]
pub(super) struct Frames {
    printer: Arc<Printer>,
    size: Term,
    frame: Mutex<Vec<Stroke>>,
}

#[derive(Debug)]
enum Stroke {
    Up(usize),
    Down(usize),
    Right(usize),
    Left(usize),
    Line(String),
    Text(String),
    Clear,
}

impl Frames {
    pub(super) fn new(printer: &Arc<Printer>) -> Self {
        Self { printer: Arc::clone(printer), size: Term::stdout(), frame: Mutex::default() }
    }

    fn add(&self, stroke: Stroke) {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner).push(stroke);
    }
}

impl Stroke {
    fn draw(&self, term: &Term) -> io::Result<()> {
        match self {
            Self::Up(n) => term.move_cursor_up(*n),
            Self::Down(n) => term.move_cursor_down(*n),
            Self::Right(n) => term.move_cursor_right(*n),
            Self::Left(n) => term.move_cursor_left(*n),
            Self::Line(text) => term.write_line(text),
            Self::Text(text) => term.write_str(text),
            Self::Clear => term.clear_line(),
        }
    }
}

impl TermLike for Frames {
    fn width(&self) -> u16 {
        self.size.size().1
    }

    fn height(&self) -> u16 {
        self.size.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.add(Stroke::Up(n));
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.add(Stroke::Down(n));
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.add(Stroke::Right(n));
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.add(Stroke::Left(n));
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(Stroke::Line(text.to_owned()));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(Stroke::Text(text.to_owned()));
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add(Stroke::Clear);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame.lock().unwrap_or_else(PoisonError::into_inner));
        self.printer.put(move |term| frame.iter().try_for_each(|stroke| stroke.draw(term)).and_then(|()| term.flush()));
        Ok(())
    }
}
