//! The scribe: one thread that writes down what is put into the outbox, before the link may send it.
//!
//! It writes the user's file first and the journal then, so that the user's file knows of everything that was ever
//! sent. What is slow about a disk holds up the sending, never the measuring. Its first fault is told once; then it
//! writes there no more and the session goes on from memory.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::{fmt, io};

use cnc_model::{Item, Sequence};
use tokio::sync::mpsc;

use crate::journal::Journal;
use crate::outbox::{Outbox, Work};
use crate::record::Recorder;

/// The most faults that wait to be told: there is one of each file.
pub const MAX_FAULTS: usize = 2;

/// What went wrong with a file.
#[derive(Debug)]
pub enum Fault {
    /// The journal can no longer be written: without it a client that is killed loses what the listener does not have.
    Journal(io::Error),
    /// The journal cannot be read: so many items are lost, and leave gaps.
    Lost(usize, io::Error),
}

/// The scribe at work; it stops when dropped, its work done.
#[derive(Debug)]
pub struct Scribe {
    outbox: Arc<Outbox>,
    thread: Option<JoinHandle<Finished>>,
}

/// What the scribe leaves behind.
#[derive(Debug, Default)]
pub struct Finished {
    /// The journal, where it could be written to the end.
    pub journal: Option<Journal>,
    /// The first fault of the user's file.
    pub recorded: Option<io::Error>,
}

impl Scribe {
    /// Begins to write what is put into the outbox; without a journal or a file that is nothing yet.
    ///
    /// # Errors
    /// Fails when the system gives no thread; then nothing is written and the outbox works from memory.
    pub fn begin(
        outbox: &Arc<Outbox>,
        journal: Option<Journal>,
        recorder: Option<Recorder>,
        faults: mpsc::Sender<Fault>,
    ) -> io::Result<Self> {
        outbox.write_down(journal.is_some());
        let desk = Desk { outbox: Arc::clone(outbox), journal, broken: false, recorder, recorded: None, faults };
        let thread = std::thread::Builder::new().name("scribe".into()).spawn(move || desk.work());
        if thread.is_err() {
            outbox.write_no_more();
        }
        Ok(Self { outbox: Arc::clone(outbox), thread: Some(thread?) })
    }

    /// Waits until all is written, and gives the files back.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        self.stop()
    }

    fn stop(&mut self) -> Finished {
        self.outbox.close();
        // Liveness: the thread ends once what is in the outbox is written. Where it panicked, nothing was kept.
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

struct Desk {
    outbox: Arc<Outbox>,
    journal: Option<Journal>,
    /// Whether it is written no more.
    broken: bool,
    recorder: Option<Recorder>,
    /// The first fault of the recorder.
    recorded: Option<io::Error>,
    faults: mpsc::Sender<Fault>,
}

impl Desk {
    fn work(mut self) -> Finished {
        while let Some(Work { recorder, items, wanted, through }) = self.outbox.next_work() {
            if let Some(recorder) = recorder {
                // What is unwritten is in the file with this, and must not be in it twice.
                self.begin_record(recorder, items.as_ref().map(|(first, _)| *first));
            }
            self.record(items.as_ref(), through);
            let last = items.as_ref().map(|(first, items)| first.plus(items.len() as u64 - 1));
            self.journal(items, through);
            if let Some(last) = last {
                self.outbox.wrote(last);
            }
            if let Some((first, count)) = wanted {
                self.read_back(first, count);
            }
        }
        Finished { journal: self.journal.filter(|_| !self.broken), recorded: self.recorded }
    }

    fn record(&mut self, items: Option<&(Sequence, Vec<Item>)>, through: Sequence) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Some((first, items)) = items {
            for (n, item) in items.iter().enumerate() {
                recorder.record(first.plus(n as u64), item);
            }
        }
        recorder.acknowledged(through);
        if let Err(error) = recorder.flush() {
            self.recorded.get_or_insert(error);
            self.recorder = None;
        }
    }

    /// Writes the items that wait to a new file, up to the one before `until`.
    fn begin_record(&mut self, mut recorder: Recorder, until: Option<Sequence>) {
        let mut next = self.outbox.acknowledged_through().plus(1);
        loop {
            let (item, end) = self.outbox.get(next);
            if next >= until.unwrap_or(end).min(end) {
                break;
            }
            let items = match (item, &mut self.journal) {
                (Some(item), _) => vec![item],
                (None, Some(journal)) => journal.read(next).unwrap_or_else(|_| vec![Item::Unknown]),
                (None, None) => vec![Item::Unknown],
            };
            for item in items {
                recorder.record(next, &item);
                next = next.plus(1);
            }
        }
        self.recorder = Some(recorder);
    }

    fn journal(&mut self, items: Option<(Sequence, Vec<Item>)>, through: Sequence) {
        let Some(journal) = self.journal.as_mut().filter(|_| !self.broken) else { return };
        if let Err(error) = journal.write(items, through) {
            // An end that lags behind what was sent would mislead the next run. Reading from it goes on.
            journal.remove();
            self.broken = true;
            self.outbox.spool_no_more();
            self.tell(Fault::Journal(error));
        }
    }

    fn read_back(&mut self, mut first: Sequence, count: usize) {
        let end = first.plus(count as u64);
        while first < end {
            let left = usize::try_from(end.get() - first.get()).unwrap_or(usize::MAX);
            let read = self.journal.as_mut().map(|journal| journal.read(first));
            let items = match read.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())) {
                Ok(items) => items,
                Err(error) => {
                    self.tell(Fault::Lost(left, error));
                    // In their place something that keeps the others' sequences.
                    vec![Item::Unknown; left]
                }
            };
            let next = first.plus(items.len() as u64);
            self.outbox.read_back(first, items);
            first = next;
        }
    }

    fn tell(&self, fault: Fault) {
        // With so many told already the user knows.
        self.faults.try_send(fault).ok();
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => write!(
                f,
                "What is measured cannot be kept on the disk ({error}). Measuring goes on; if this program is stopped \
                 now, what the listener does not have yet is lost."
            ),
            Self::Lost(count, error) => {
                write!(f, "{count} items that waited on the disk cannot be read back ({error}) and are lost.")
            }
        }
    }
}
