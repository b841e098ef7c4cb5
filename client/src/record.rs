//! The user's own copy of a session: every item as a line of JSON in a file.
//!
//! Beside the items, `{"type":"acknowledged","sequence":N}` says up to where the listener has everything; of several
//! acknowledgements that come at once the last stands for all. A file that a restarted client goes on with has the
//! header again; a sequence that is in it twice was made anew, and the later one is what was sent.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use cnc_model::session::SequencedSample;
use cnc_model::{Failure, Goodbye, Item, Outcome, Sequence, Timestamp};
use cnc_proto::json;
use serde::Serialize;

/// Writes items down. The first fault of the file is kept and told at the end: it must not disturb the measuring.
#[derive(Debug)]
pub struct Recorder {
    file: BufWriter<File>,
    acknowledged: Sequence,
    fault: Option<io::Error>,
}

impl Recorder {
    /// Begins a file, with a line that says what it is.
    ///
    /// # Errors
    /// Fails when the file cannot be made.
    pub fn create(path: &Path, began: Timestamp) -> io::Result<Self> {
        Self::begin(File::create(path)?, began)
    }

    /// Goes on with the file of a session that goes on, or begins one. A last line that was cut short is dropped.
    ///
    /// # Errors
    /// Fails when the file cannot be read or written.
    pub fn resume(path: &Path, began: Timestamp) -> io::Result<Self> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut lines = BufReader::new(&file);
        let (mut line, mut whole) = (Vec::new(), 0);
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        Self::begin(file, began)
    }

    fn begin(file: File, began: Timestamp) -> io::Result<Self> {
        let mut recorder = Self { file: BufWriter::new(file), acknowledged: Sequence::NONE, fault: None };
        let version = env!("CARGO_PKG_VERSION");
        recorder.write(&Header { kind: "session", client_version: version, began_at: began.to_string() });
        recorder.flush()?;
        Ok(recorder)
    }

    /// Notes up to where the listener has everything, unless that was said before.
    pub fn acknowledged(&mut self, through: Sequence) {
        if through > self.acknowledged {
            self.acknowledged = through;
            self.write(&Acknowledged { kind: "acknowledged", sequence: through.get() });
        }
    }

    /// Writes an item down.
    pub fn record(&mut self, sequence: Sequence, item: &Item) {
        let number = sequence.get();
        match item {
            Item::Sample { test, sample } => {
                let sample = SequencedSample { sequence, test: *test, sample: *sample };
                self.write(&json::sequenced_sample(&sample));
            }
            Item::Consent { at, names } => {
                self.write(&Consent {
                    kind: "consent",
                    sequence: number,
                    at_ms: at.as_secs_f64() * 1e3,
                    names: *names,
                });
            }
            Item::OwnTest { test, began, what } => self.write(&Own {
                kind: "own_test",
                sequence: number,
                test: test.get(),
                title: what.title(),
                clock_began_at: began.to_string(),
            }),
            Item::TestStarted { test, at } => self.write(&Started {
                kind: "test_started",
                sequence: number,
                test: test.get(),
                at_ms: at.as_secs_f64() * 1e3,
            }),
            Item::TestEnded { test, at, outcome, summary } => self.write(&Ended {
                kind: "test_ended",
                sequence: number,
                test: test.get(),
                at_ms: at.as_secs_f64() * 1e3,
                outcome: outcome.word(),
                failure: match outcome {
                    Outcome::Failed(failure) => Some(failure.into()),
                    Outcome::Completed | Outcome::Cancelled => None,
                },
                summary: summary.as_deref().map(json::summary),
            }),
            Item::Goodbye { at, reason } => {
                let reason = match reason {
                    Goodbye::Done => "done",
                    Goodbye::UserEnded => "user_ended",
                    Goodbye::ConsentRefused => "consent_refused",
                };
                self.write(&Left { kind: "goodbye", sequence: number, at_ms: at.as_secs_f64() * 1e3, reason });
            }
            // A client makes no such items.
            Item::Unknown => {}
        }
    }

    /// Brings all that was written to the file.
    ///
    /// # Errors
    /// Tells the first fault since the file was made.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.fault.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, object: &impl Serialize) {
        if self.fault.is_none() {
            self.fault = writeln!(self.file, "{}", json::line(object)).err();
        }
    }
}

#[derive(Serialize)]
struct Header {
    #[serde(rename = "type")]
    kind: &'static str,
    client_version: &'static str,
    began_at: String,
}

#[derive(Serialize)]
struct Acknowledged {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
}

#[derive(Serialize)]
struct Consent {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
    at_ms: f64,
    names: bool,
}

#[derive(Serialize)]
struct Own {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
    test: u32,
    title: String,
    clock_began_at: String,
}

#[derive(Serialize)]
struct Started {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
    test: u32,
    at_ms: f64,
}

#[derive(Serialize)]
struct Ended<'a, S> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
    test: u32,
    at_ms: f64,
    outcome: &'static str,
    failure: Option<FailureBody<'a>>,
    summary: Option<S>,
}

#[derive(Serialize)]
struct FailureBody<'a> {
    reason: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a Failure> for FailureBody<'a> {
    fn from(failure: &'a Failure) -> Self {
        let Failure { reason, message, hint } = failure;
        Self { reason: reason.word(), message, hint: hint.as_deref() }
    }
}

#[derive(Serialize)]
struct Left {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence: u64,
    at_ms: f64,
    reason: &'static str,
}
