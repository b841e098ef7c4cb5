//! Late delivery: what an earlier session could not hand over is handed over before the next one begins.
//!
//! It uses the old session's key and says nothing new but what became of the tests that ran. The listener adds it to
//! the ended session and makes the report again. What the listener no longer knows is dropped: it has been told so.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::Farewell;
use cnc_model::{Goodbye, Item, SessionId, TestId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::alone::Alone;
use crate::backlog::Backlog;
use crate::clock::SessionClock;
use crate::journal::Journal;
use crate::link::{self, LinkEvent, MAX_EVENTS, Unreached, Way};
use crate::outbox::Outbox;
use crate::scribe::{MAX_FAULTS, Scribe};
use crate::session::interrupted;
use crate::state::SavedKey;

/// How long one delivery may take: a full backlog on a slow line. What is not through by then follows the next time.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the listener may take to say goodbye once it has everything: it makes the report first.
const GOODBYE: Duration = Duration::from_secs(15);

/// What came of it.
#[derive(Debug)]
pub enum Late {
    /// The listener has everything; so many items.
    Delivered {
        /// How many it had not had.
        items: u64,
        /// Where the report is.
        report_url: Option<String>,
    },
    /// The listener does not know the session any more, or does not want it.
    Unwanted,
    /// Not now; it is kept.
    NotNow,
}

/// Delivers what one session left behind, with what it had begun to take of runs without the listener. `way` is the way
/// to its listener for its key.
pub async fn deliver(key: SavedKey, way: Way, alone: &mut Vec<Alone>) -> Late {
    let Some(path) = key.journal() else { return Late::Unwanted };
    let Ok(mut left) = Left::open(&path, way) else {
        // A file that cannot be read now may be later.
        return Late::NotNow;
    };
    for run in alone.iter_mut() {
        for item in run.rest(&key.key, left.outbox.last()) {
            // Events find room where samples do not, and there are few.
            left.outbox.push(item).ok();
        }
    }
    let late = left.deliver(key.session).await;
    // The journal is closed before it is removed.
    drop(left);
    match &late {
        Late::Delivered { .. } | Late::Unwanted => {
            // First what would be looked for in the session's file.
            for run in alone.extract_if(.., |run| run.given().is_some_and(|(to, _)| *to == key.key)) {
                run.forget();
            }
            key.forget();
        }
        Late::NotNow => {}
    }
    late
}

/// What is left of a session.
struct Left {
    outbox: Arc<Outbox>,
    clock: SessionClock,
    /// Tests whose end must still be told.
    running: BTreeSet<TestId>,
    /// Whether the last word was said.
    said: bool,
    events: mpsc::Receiver<LinkEvent>,
    // Dropped in this order: nothing is taken from the outbox any more when the scribe ends.
    _linking: JoinSet<()>,
    _scribe: Scribe,
}

impl Left {
    fn open(path: &Path, way: Way) -> std::io::Result<Self> {
        let mut journal = Journal::open(path)?;
        let (running, said) = (journal.contents().running.clone(), journal.contents().left);
        let clock = way.clock;
        let outbox = Arc::new(Outbox::new(Backlog::restore(journal.waiting()?)));
        // Nobody is measuring who would have to be told of faults.
        let (faults, _) = mpsc::channel(MAX_FAULTS);
        let scribe = Scribe::begin(&outbox, Some(journal), None, faults)?;
        let (to_here, events) = mpsc::channel(MAX_EVENTS);
        let mut linking = JoinSet::new();
        linking.spawn(link::run(way, Arc::clone(&outbox), to_here));
        Ok(Self { outbox, clock, running, said, events, _linking: linking, _scribe: scribe })
    }

    async fn deliver(&mut self, session: Option<SessionId>) -> Late {
        let items = self.outbox.waiting();
        let mut by = Instant::now() + PATIENCE;
        let mut all = false;
        loop {
            let event = tokio::select! {
                () = self.outbox.all_acknowledged(), if !all => None,
                event = timeout_at(by, self.events.recv()) => Some(event),
            };
            let Some(event) = event else {
                all = true;
                by = Instant::now() + GOODBYE;
                continue;
            };
            match event {
                Ok(Some(LinkEvent::Welcome { welcome, .. })) => {
                    if session.is_some_and(|session| session != welcome.session) {
                        return Late::Unwanted;
                    }
                    self.say_goodbye();
                    all = false;
                }
                Ok(Some(LinkEvent::Instruction(_))) => {}
                Ok(Some(LinkEvent::Goodbye(Farewell { report_url, document_url: _ })))
                    if self.outbox.waiting() == 0 =>
                {
                    return Late::Delivered { items, report_url };
                }
                Ok(Some(LinkEvent::GivenUp(Unreached::Refused { .. }))) => return Late::Unwanted,
                Ok(Some(LinkEvent::Goodbye(_) | LinkEvent::Down { .. } | LinkEvent::GivenUp(_)) | None) | Err(_) => {
                    return if self.outbox.waiting() == 0 {
                        Late::Delivered { items, report_url: None }
                    } else {
                        Late::NotNow
                    };
                }
            }
        }
    }

    /// Says what became of the tests, and the last word, once.
    fn say_goodbye(&mut self) {
        let at = self.clock.at();
        let ends = std::mem::take(&mut self.running).into_iter().map(|test| {
            let ended = interrupted();
            Item::TestEnded { test, at, outcome: ended.outcome, summary: ended.summary.map(Box::new) }
        });
        let goodbye = Item::Goodbye { at, reason: Goodbye::Done };
        for item in ends.chain((!std::mem::replace(&mut self.said, true)).then_some(goodbye)) {
            // Events find room where samples do not.
            self.outbox.push(item).ok();
        }
    }
}
