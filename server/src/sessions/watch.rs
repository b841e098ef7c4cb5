//! Following a session: a bounded queue for each watcher, and what happens when one is too slow.

use std::collections::VecDeque;
use std::sync::Arc;

use cnc_model::SessionId;
use cnc_model::session::WatchEvent;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;

use super::command::Command;
use super::{Sessions, SessionsError};
use crate::limits::Place;

/// Events that wait for one watcher. A full queue costs that watcher its place: when it has read what is there it
/// gets a fresh snapshot, and nobody else notices.
pub(super) const WATCHER_EVENTS: usize = 1_024;

/// What a session's task sends to a watcher.
#[derive(Debug, Clone)]
pub(super) enum Watched {
    /// Something changed.
    Event(Arc<WatchEvent>),
    /// The session's task ends; nothing follows.
    Over,
}

/// A watcher's end at the session's task.
#[derive(Debug)]
pub(super) struct Watcher {
    events: mpsc::Sender<Watched>,
}

impl Watcher {
    /// Queues an event; tells whether the watcher keeps its place.
    pub(super) fn tell(&self, event: &Watched) -> bool {
        self.events.try_send(event.clone()).is_ok()
    }
}

/// What a watcher gets when it begins.
#[derive(Debug)]
pub(super) struct Seat {
    snapshot: WatchEvent,
    events: mpsc::Receiver<Watched>,
    /// Dropped with the watcher, which tells the task.
    _leaving: oneshot::Sender<()>,
}

/// Makes both ends of a watcher: its place at the task, the notice of its leaving, and its seat.
pub(super) fn seat(snapshot: WatchEvent) -> (Watcher, oneshot::Receiver<()>, Seat) {
    let (events, queue) = mpsc::channel(WATCHER_EVENTS);
    let (leaving, left) = oneshot::channel();
    (Watcher { events }, left, Seat { snapshot, events: queue, _leaving: leaving })
}

/// Someone seeing a session live.
#[derive(Debug)]
pub struct Watching {
    sessions: Sessions,
    id: SessionId,
    first: VecDeque<WatchEvent>,
    events: Option<Seat>,
    _place: Place<SessionId>,
}

impl Watching {
    pub(super) async fn begin(sessions: Sessions, id: SessionId) -> Result<Self, SessionsError> {
        let place = sessions.shared.limits.watcher(id)?;
        let mut watching = Self { sessions, id, first: VecDeque::new(), events: None, _place: place };
        watching.sit_down().await?;
        Ok(watching)
    }

    /// Takes a seat at a live session, or the stored snapshot of one that is over.
    async fn sit_down(&mut self) -> Result<(), SessionsError> {
        match self.sessions.ask(self.id, |reply| Command::Watch { reply }).await {
            Ok(mut seat) => {
                let empty = WatchEvent::Samples(Vec::new());
                self.first.push_back(std::mem::replace(&mut seat.snapshot, empty));
                self.events = Some(seat);
            }
            Err(SessionsError::Ended(_)) => {
                let record = Box::new(self.sessions.record(self.id).await?);
                self.first.push_back(WatchEvent::Snapshot { record, recent: Vec::new() });
                self.events = None;
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Gives the next event; `None` when the session is over and all was told.
    ///
    /// # Errors
    /// Fails when a fresh snapshot is needed and cannot be had.
    pub async fn next(&mut self) -> Result<Option<Arc<WatchEvent>>, SessionsError> {
        loop {
            if let Some(event) = self.first.pop_front() {
                return Ok(Some(Arc::new(event)));
            }
            let Some(seat) = &mut self.events else { return Ok(None) };
            // Liveness: the task sends `Over` or drops the sender as it ends.
            match seat.events.recv().await {
                Some(Watched::Event(event)) => return Ok(Some(event)),
                Some(Watched::Over) => return Ok(None),
                None => self.sit_down().await?,
            }
        }
    }

    /// Gives the events as a stream that ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Arc<WatchEvent>, SessionsError>> + Send {
        async_stream::stream! {
            let mut watching = self;
            loop {
                match watching.next().await {
                    Ok(Some(event)) => yield Ok(event),
                    Ok(None) => return,
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                }
            }
        }
    }
}
