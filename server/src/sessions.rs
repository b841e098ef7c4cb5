//! The registry of live sessions: finds the session that a client, a code or a member of staff means.
//!
//! Each session is a task of its own (`sessions/task.rs`) around the pure [`crate::session::Session`]. What is asked
//! of one goes through its bounded queue of commands; nothing here decides what a session does.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cnc_model::message::EchoToken;
use cnc_model::session::SessionOverview;
use cnc_model::{Code, Plan, SessionId};
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch as watched};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Tls;
use crate::clock::Clock;
use crate::config::Retention;
use crate::drive::{Drive, DriveSettings};
use crate::history;
use crate::limits::{Limits, Over, Place, Source};
use crate::networks::Networks;
use crate::secret;
use crate::session::{NewSession, Refusal, Session, Waits};
use crate::store::{Store, StoreError, StoredSession};

mod asking;
mod codes;
mod command;
mod documents;
mod exported;
mod joining;
mod reporting;
mod retention;
mod stream;
mod task;
#[cfg(test)]
mod tests;
mod watch;

pub use codes::CodeStanding;
pub use joining::AttachError;
pub(crate) use reporting::ReportError;
pub use stream::{Closing, Inbound, InboundError, OUTBOUND, Outbound};
pub use watch::Watching;

use codes::Codes;
use command::Command;
use task::Task;

/// What staff and clients may ask of one session and not yet have had: each of them waits for room, so a session
/// that is held up by the disk holds up only those who ask of it.
const COMMANDS: usize = 64;

/// How the registry is to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The organisation's name, shown to users.
    pub operator: String,
    /// How long sessions wait for what.
    pub waits: Waits,
    /// Whether a client may come without a code.
    pub walk_in: bool,
    /// The plan of walk-ins and of sessions made without naming one.
    pub default_plan: String,
    /// All plans.
    pub plans: Vec<Plan>,
    /// Where reports are written.
    pub reports: PathBuf,
    /// How long what is stored of ended sessions is kept.
    pub retention: Retention,
    /// How this listener is reached from outside, for links; without a trailing slash.
    pub public_url: Option<String>,
    /// Whose network an address belongs to.
    pub networks: Arc<Networks>,
    /// Whether clients' items are acknowledged only once BigQuery has them.
    pub after_export: bool,
    /// Whether the UDP echo is open.
    pub udp_echo: bool,
    /// Where documents are made of reports; `None` where they are not.
    pub drive: Option<DriveSettings>,
    /// The listener's certificate, where it speaks TLS itself.
    pub tls: Option<Arc<Tls>>,
}

/// Why something asked of the registry cannot be had.
#[derive(Debug, Error)]
pub enum SessionsError {
    /// There is no session of that id.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// The session is over: it can be read, not changed.
    #[error("session {0} has ended")]
    Ended(SessionId),
    /// There is no plan of that name.
    #[error("there is no plan {name:?}; there are: {known}")]
    UnknownPlan {
        /// What was asked for.
        name: String,
        /// The names of those that exist.
        known: String,
    },
    /// A bound was reached.
    #[error(transparent)]
    Over(#[from] Over),
    /// The session says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener is stopping.
    #[error("the listener is stopping: try again in a moment")]
    Stopping,
}

/// The registry. Cloning it gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

/// What the registry and every session's task hold together.
#[derive(Debug)]
struct Shared {
    store: Store,
    limits: Arc<Limits>,
    settings: Settings,
    clock: Clock,
    drive: Option<Drive>,
    /// Counts the attempts at documents.
    documents_tried: watched::Sender<u64>,
    live: Mutex<Live>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Where live sessions are found. Entries go when their task ends.
#[derive(Debug, Default)]
struct Live {
    handles: HashMap<SessionId, Handle>,
    /// By the hashes of codes that may still join.
    codes: Codes,
    /// By the hashes of their clients' keys.
    keys: HashMap<[u8; 32], SessionId>,
    /// By the hashes of the tokens that open the speed endpoints; each hash is the token for the UDP echo.
    speed_tokens: HashMap<[u8; 32], SessionId>,
}

impl Live {
    fn by_key(&self, hash: [u8; 32]) -> Option<Handle> {
        self.handles.get(self.keys.get(&hash)?).cloned()
    }

    fn by_code(&self, hash: [u8; 32]) -> Option<Handle> {
        self.handles.get(&self.codes.waiting(hash)?).cloned()
    }
}

#[derive(Debug, Clone)]
struct Handle {
    commands: mpsc::Sender<Command>,
    overview: Arc<Mutex<SessionOverview>>,
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, Live> {
        // A panic while it is held leaves whole entries behind, so it can go on.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a stored session, which may have items that are not where they must be to be acknowledged.
    fn restore(&self, stored: StoredSession) -> Session {
        let exported = stored.exported;
        let mut session = Session::restore(stored, self.settings.waits, self.clock.now());
        if self.settings.after_export {
            session.hold_back(exported);
        }
        session
    }
}

impl Sessions {
    /// Opens the registry and goes on with the sessions that had not ended when the listener stopped.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn start(store: Store, settings: Settings, limits: Arc<Limits>) -> Result<Self, SessionsError> {
        let open = store.open_sessions().await?;
        let drive = settings.drive.clone().map(Drive::new);
        let shared = Shared {
            store,
            limits,
            settings,
            clock: Clock::start(),
            drive: drive.clone(),
            documents_tried: watched::Sender::new(0),
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let sessions = Self { shared: Arc::new(shared) };
        for stored in open {
            sessions.go_on_with(stored, None);
        }
        sessions.shared.tasks.spawn(reporting::run(sessions.clone()));
        if let Some(drive) = drive {
            sessions.shared.tasks.spawn(documents::run(sessions.clone(), drive));
        }
        let networks = Arc::clone(&sessions.shared.settings.networks);
        sessions.shared.tasks.spawn(networks.run(sessions.shared.stop.child_token()));
        sessions.shared.tasks.spawn(retention::run(sessions.clone(), retention::EVERY));
        let sums = history::run(sessions.shared.store.clone(), sessions.shared.stop.child_token());
        sessions.shared.tasks.spawn(sums);
        Ok(sessions)
    }

    /// Gives the organisation's name, as users see it.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.shared.settings.operator
    }

    /// Draws the id of a session to be made.
    #[must_use]
    pub fn new_id(&self) -> SessionId {
        SessionId::new(self.shared.clock.now().wall, secret::random_u64())
    }

    /// Makes a session of a new id that waits for a client with its code.
    ///
    /// # Errors
    /// Fails when there is no such plan.
    pub fn create(&self, id: SessionId, plan: Option<&str>, label: String) -> Result<SessionOverview, SessionsError> {
        let plan = match plan {
            Some(name) => self.plan(name)?,
            None => self.default_plan(),
        };
        self.must_have_room()?;
        Ok(self.open(id, label, plan, None))
    }

    fn must_have_room(&self) -> Result<(), Over> {
        let live = self.shared.live().handles.len();
        self.shared.limits.room_for_session(live)
    }

    fn open(&self, id: SessionId, label: String, plan: Plan, walk_in: Option<Place<Source>>) -> SessionOverview {
        let now = self.shared.clock.now();
        let code = Code::from_random(secret::random_u64());
        let new = NewSession {
            id,
            label,
            plan,
            code,
            code_hash: secret::hash(&code.bits().to_be_bytes()),
            walk_in: walk_in.is_some(),
        };
        let session = Session::create(new, self.shared.settings.waits, now);
        let overview = session.overview().clone();
        // A new session's id is its own, so nothing comes back.
        self.run(session, None, walk_in);
        overview
    }

    /// Goes on with a stored session, obeying a first command; gives that back if the session is live already.
    fn go_on_with(&self, stored: StoredSession, first: Option<Command>) -> Option<Command> {
        self.run(self.shared.restore(stored), first, None)
    }

    fn run(&self, session: Session, first: Option<Command>, place: Option<Place<Source>>) -> Option<Command> {
        let overview = session.overview().clone();
        let id = overview.id;
        let (commands, queue) = mpsc::channel(COMMANDS);
        let overview = Arc::new(Mutex::new(overview));
        let mut live = self.shared.live();
        if live.handles.contains_key(&id) {
            return first;
        }
        // A walk-in's code is for reading out, not for joining.
        if let Some(hash) = session.code_hash().filter(|_| !session.overview().walk_in) {
            live.codes.insert(hash, id);
        }
        if let Some(hash) = session.key_hash() {
            live.keys.insert(hash, id);
        }
        let speed_token = secret::token();
        live.speed_tokens.insert(secret::hash(speed_token.as_bytes()), id);
        let unsent = first.and_then(|first| commands.try_send(first).err()).map(TrySendError::into_inner);
        live.handles.insert(id, Handle { commands, overview: Arc::clone(&overview) });
        drop(live);
        // Boxed, or the future would hold it three times: as what it captures, what it passes on, and what it runs.
        let mut task = Box::new(Task::new(session, Arc::clone(&self.shared), queue, overview, speed_token));
        self.shared.tasks.spawn(async move {
            let _place = place;
            task.run().await;
        });
        unsent
    }

    fn plan(&self, name: &str) -> Result<Plan, SessionsError> {
        let plans = &self.shared.settings.plans;
        plans.iter().find(|plan| plan.name == name).cloned().ok_or_else(|| SessionsError::UnknownPlan {
            name: name.to_owned(),
            known: plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    fn default_plan(&self) -> Plan {
        let name = &self.shared.settings.default_plan;
        self.plan(name).unwrap_or_else(|_| Plan { name: name.clone(), description: String::new(), stages: Vec::new() })
    }

    /// Follows a session: a snapshot first, then what changes. A follower that falls behind gets a new snapshot.
    ///
    /// # Errors
    /// Fails when the session is unknown, there are as many watchers as there may be, or the record cannot be read.
    pub async fn watch(&self, id: SessionId) -> Result<Watching, SessionsError> {
        Watching::begin(self.clone(), id).await
    }

    /// Gives the live sessions, in no order.
    #[must_use]
    pub fn overviews(&self) -> Vec<SessionOverview> {
        let live = self.shared.live();
        live.handles.values().map(|h| h.overview.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// Tells whether a token opens the speed endpoints now.
    #[must_use]
    pub fn speed_token_valid(&self, token: &str) -> bool {
        self.shared.live().speed_tokens.contains_key(&secret::hash(token.as_bytes()))
    }

    /// Tells whether a token opens the UDP echo now.
    #[must_use]
    pub fn echo_token_valid(&self, token: &EchoToken) -> bool {
        self.shared.live().speed_tokens.contains_key(token)
    }

    /// Lets all clients go, waits until everything taken in is durable, and ends the tasks.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        // Liveness: every task ends on `stop` once its commits are answered.
        self.shared.tasks.wait().await;
    }

    fn handle(&self, id: SessionId) -> Option<Handle> {
        self.shared.live().handles.get(&id).cloned()
    }
}
