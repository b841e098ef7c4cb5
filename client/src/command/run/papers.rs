//! What a visit writes down: the outbox with its scribe, the journal, and the user's file.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::create;
use crate::backlog::Backlog;
use crate::clock::SessionClock;
use crate::journal::{Contents, Journal};
use crate::outbox::Outbox;
use crate::record::Recorder;
use crate::scribe::{Fault, Finished, MAX_FAULTS, Scribe};
use crate::state::SavedKey;

/// The papers of one visit.
#[derive(Debug)]
pub(super) struct Papers {
    pub(super) outbox: Arc<Outbox>,
    /// What an earlier run left of the session.
    pub(super) earlier: Contents,
    faults: Option<mpsc::Receiver<Fault>>,
    scribe: Option<Scribe>,
}

impl Papers {
    /// Opens the journal that belongs to a key, and the user's file: a new one for a new session, else the one from
    /// before goes on. Without a journal the session works; only a client that is killed cannot go on with it.
    pub(super) fn of(key: &SavedKey, save: Option<&Path>, clock: SessionClock) -> Result<Self, String> {
        let (tell, faults) = mpsc::channel(MAX_FAULTS);
        let opened = key.journal().map(|path| Journal::open(&path));
        let journal = opened.and_then(|opened| opened.map_err(|error| tell.try_send(Fault::Journal(error))).ok());
        let earlier = journal.as_ref().map(|journal| journal.contents().clone()).unwrap_or_default();
        let (journal, backlog) = match journal.map(|mut journal| journal.waiting().map(|waiting| (journal, waiting))) {
            Some(Ok((journal, waiting))) => (Some(journal), Backlog::restore(waiting)),
            Some(Err(_)) | None => (None, Backlog::default()),
        };
        let recorder = match save {
            Some(path) if key.resumed => {
                Some(Recorder::resume(path, clock.began()).map_err(|e| super::unwritable(path, &e))?)
            }
            Some(path) => Some(create(path, clock)?),
            None => None,
        };
        let outbox = Arc::new(Outbox::new(backlog));
        let scribe = Scribe::begin(&outbox, journal, recorder, tell).map_err(|error| error.to_string())?;
        Ok(Self { outbox, earlier, faults: Some(faults), scribe: Some(scribe) })
    }

    /// Gives what goes wrong with the files; the first caller hears of it.
    pub(super) fn faults(&mut self) -> mpsc::Receiver<Fault> {
        self.faults.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Waits until all is written. Tells whether the journal holds it all, and the first fault of the user's file.
    pub(super) fn finish(&mut self) -> (bool, Option<std::io::Error>) {
        let Finished { journal, recorded } = self.scribe.take().map(Scribe::finish).unwrap_or_default();
        (journal.is_some(), recorded)
    }

    /// Puts these away and goes on with others.
    pub(super) fn replace(&mut self, others: Self) {
        self.finish();
        *self = others;
    }
}
