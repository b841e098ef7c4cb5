//! How a client finds its session: by its key, else by a code, else as a walk-in. Decides nothing of what the session
//! then does.

use std::net::IpAddr;

use cnc_model::message::Hello;
use cnc_model::{ClientKey, Code};
use thiserror::Error;
use tokio::sync::oneshot;

use super::command::{Attached, Attaching, Command};
use super::{CodeStanding, Handle, Inbound, Outbound, Sessions};
use crate::limits::Over;
use crate::secret;
use crate::store::{StoreError, StoredSession};

/// Why a client is not let in.
#[derive(Debug, Error)]
pub enum AttachError {
    /// No waiting session has that code.
    #[error("no session waits for the code {0}: ask for it again, it holds for 30 minutes and for one device")]
    UnknownCode(Code),
    /// The client has no code and walk-ins are not allowed.
    #[error("this service needs a code: ask the support person for one")]
    CodeNeeded,
    /// A bound was reached.
    #[error(transparent)]
    Over(#[from] Over),
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener is stopping.
    #[error("the listener is stopping: it will be back in a moment")]
    Stopping,
}

/// Where a client's session was found.
enum Found {
    Live(Handle),
    Stored(Box<StoredSession>),
}

impl Sessions {
    /// Takes in a client's stream; from here on the session's task owns both directions.
    ///
    /// # Errors
    /// Fails when no session is meant, or none may be made.
    pub async fn attach(
        &self,
        hello: Hello,
        public_address: IpAddr,
        inbound: Inbound,
        outbound: Outbound,
    ) -> Result<(), AttachError> {
        let key_hash = secret::hash(hello.key.expose());
        let code = hello.code;
        let mut client = Box::new(Attaching { hello, key_hash, public_address, inbound, outbound });
        loop {
            let (reply, answer) = oneshot::channel();
            let command = Command::Attach { client, reply };
            let unsent = match self.find_for_client(key_hash, code, public_address).await? {
                Found::Live(handle) => handle.commands.send(command).await.err().map(|unsent| unsent.0),
                Found::Stored(stored) => self.go_on_with(*stored, Some(command)),
            };
            // Liveness: the task answers, or hands the client back as it ends.
            let attached = match unsent {
                Some(Command::Attach { client, .. }) => Attached::Gone(client),
                Some(_) | None => answer.await.map_err(|_| AttachError::Stopping)?,
            };
            match attached {
                Attached::Yes => return Ok(()),
                // Another device was faster with the same code.
                Attached::NotYours => return Err(code.map_or(AttachError::CodeNeeded, AttachError::UnknownCode)),
                // The session was being let go just then; it is found in the store.
                Attached::Gone(back) => client = back,
            }
        }
    }

    /// Finds the session of a key, else of a code, else makes one for a walk-in.
    async fn find_for_client(
        &self,
        key_hash: [u8; 32],
        code: Option<Code>,
        address: IpAddr,
    ) -> Result<Found, AttachError> {
        if self.shared.stop.is_cancelled() {
            return Err(AttachError::Stopping);
        }
        if let Some(handle) = self.shared.live().by_key(key_hash) {
            return Ok(Found::Live(handle));
        }
        if let Some(stored) = self.shared.store.by_key_hash(key_hash).await? {
            return Ok(Found::Stored(Box::new(stored)));
        }
        if let Some(code) = code {
            let hash = secret::hash(&code.bits().to_be_bytes());
            return self.shared.live().by_code(hash).map(Found::Live).ok_or(AttachError::UnknownCode(code));
        }
        if !self.shared.settings.walk_in {
            return Err(AttachError::CodeNeeded);
        }
        let place = self.shared.limits.walk_in(address)?;
        self.must_have_room()?;
        let id = self.open(self.new_id(), String::new(), self.default_plan(), Some(place)).id;
        self.handle(id).map(Found::Live).ok_or(AttachError::Stopping)
    }

    /// Tells what a code is worth. Asking consumes nothing.
    #[must_use]
    pub fn code(&self, code: Code) -> CodeStanding {
        self.shared.live().codes.standing(secret::hash(&code.bits().to_be_bytes()))
    }

    /// Tells whether a client's key has joined a session.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn knows_key(&self, key: &ClientKey) -> Result<bool, StoreError> {
        let hash = secret::hash(key.expose());
        let live = self.shared.live().by_key(hash).is_some();
        Ok(live || self.shared.store.by_key_hash(hash).await?.is_some())
    }
}
