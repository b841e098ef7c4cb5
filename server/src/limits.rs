//! What a peer may hold open or try: every bound with its reason, and what is said when it is reached.
//!
//! It counts and answers yes or no. Bounds on the size of messages, headers and bodies stand where those are read.

mod bounds;
mod echoes;
mod over;
mod pace;
mod places;
mod source;
mod tries;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cnc_model::SessionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use bounds::{Bounds, DOWNLOADS, HANDSHAKES, HELLOS, SESSIONS, STREAMS, WATCHERS};
pub use echoes::{ECHOES_A_SECOND, ECHOES_AT_ONCE};
pub use over::Over;
pub use pace::{ITEMS_A_SECOND, ITEMS_AT_ONCE, Pace};
pub use places::Place;
pub use source::Source;
pub use tries::WRONG_TRIES;

use crate::clock::Clock;
use crate::metrics::Metrics;
use echoes::Echoes;
use places::Places;
use tries::Tries;

/// The most clients' streams from one address: a whole office behind one address, not a whole botnet's worth.
pub const STREAMS_PER_ADDRESS: usize = 256;
/// The most live sessions of walk-ins from one address: an office in trouble; each is kept on disk.
pub const WALK_INS_PER_ADDRESS: usize = 64;
/// The most tests of one session that its client ran by itself: what a user tries in a week without the listener.
pub const OWN_TESTS: usize = 64;
/// The most watchers of one session: a whole shift, and a wall screen.
pub const WATCHERS_PER_SESSION: usize = 64;
/// The most downloads of programs at a time from one address: an office that joins at once.
pub const DOWNLOADS_PER_ADDRESS: usize = 16;
/// The most throughput transfers at a time from one address: one test of the most flows, and its counts.
pub const TRANSFERS_PER_ADDRESS: usize = 40;
/// The most connections from one address that is not a proxy's: its streams and transfers fit twice.
pub const CONNECTIONS_PER_ADDRESS: usize = 1_024;

/// Everything that is counted against a bound. Shared by all who let peers in.
#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    metrics: Arc<Metrics>,
    tries: Mutex<Tries>,
    streams: Places<Source>,
    hellos: Arc<Semaphore>,
    walk_ins: Places<Source>,
    watchers: Places<SessionId>,
    downloads: Places<Source>,
    transfers: Places<Source>,
    connections: Places<Source>,
    echoes: Mutex<Echoes>,
    handshakes: Arc<Semaphore>,
    sessions: usize,
}

impl Limits {
    /// Begins with nothing counted; `transfers` is the operator's bound on throughput transfers.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, transfers: usize, bounds: Bounds) -> Self {
        let Bounds { streams, hellos, sessions, watchers, downloads, handshakes } = bounds;
        Self {
            clock: Clock::start(),
            metrics,
            tries: Mutex::default(),
            streams: Places::new(streams, STREAMS_PER_ADDRESS),
            hellos: Arc::new(Semaphore::new(hellos)),
            walk_ins: Places::new(sessions, WALK_INS_PER_ADDRESS),
            watchers: Places::new(watchers, WATCHERS_PER_SESSION),
            downloads: Places::new(downloads, DOWNLOADS_PER_ADDRESS),
            transfers: Places::new(transfers, TRANSFERS_PER_ADDRESS),
            connections: Places::new(usize::MAX, CONNECTIONS_PER_ADDRESS),
            echoes: Mutex::default(),
            handshakes: Arc::new(Semaphore::new(handshakes)),
            sessions,
        }
    }

    /// Counts a bound that was reached, and gives it back.
    pub fn reached(&self, over: Over) -> Over {
        self.metrics.limit_reached(over);
        over
    }

    /// Gives the time that bounds count by.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now().elapsed
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an address try a code or token. The try counts as wrong until [`Self::tried_right`] is told otherwise, so
    /// that many tries at once are not looked at as one.
    ///
    /// # Errors
    /// Says how long to wait after too many wrong ones.
    pub fn try_one(&self, address: IpAddr) -> Result<(), Over> {
        self.tries().begin(Source::of(address), self.now()).map_err(|wait| self.reached(Over::WrongTries { wait }))
    }

    /// Takes a try back that was right.
    pub fn tried_right(&self, address: IpAddr) {
        self.tries().forgive(Source::of(address));
    }

    /// Takes a place for a stream that waits for its hello.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn hello(&self) -> Result<OwnedSemaphorePermit, Over> {
        Arc::clone(&self.hellos).try_acquire_owned().map_err(|_| self.reached(Over::Hellos))
    }

    /// Takes a place for a client's stream.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn stream(&self, address: IpAddr) -> Result<Place<Source>, Over> {
        self.place(&self.streams, address, Over::Streams, Over::StreamsPerAddress)
    }

    /// Tells whether there is room for a session beside the live ones.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn room_for_session(&self, live: usize) -> Result<(), Over> {
        if live < self.sessions { Ok(()) } else { Err(self.reached(Over::Sessions)) }
    }

    /// Takes a place for a walk-in's session.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn walk_in(&self, address: IpAddr) -> Result<Place<Source>, Over> {
        self.place(&self.walk_ins, address, Over::Sessions, Over::WalkIns)
    }

    /// Takes a place for a watcher.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn watcher(&self, session: SessionId) -> Result<Place<SessionId>, Over> {
        let taken = self.watchers.take(session, true);
        taken.map_err(|full| self.reached(full.which(Over::Watchers, Over::WatchersPerSession)))
    }

    /// Takes a place for a program's download.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn download(&self, address: IpAddr) -> Result<Place<Source>, Over> {
        self.place(&self.downloads, address, Over::Downloads, Over::DownloadsPerAddress)
    }

    /// Takes a place for a throughput transfer.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn transfer(&self, address: IpAddr) -> Result<Place<Source>, Over> {
        self.place(&self.transfers, address, Over::Transfers, Over::TransfersPerAddress)
    }

    /// Takes a place for a connection. `is_proxy` says that many clients come from this address.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn connection(&self, peer: IpAddr, is_proxy: bool) -> Result<Place<Source>, Over> {
        let each = !is_proxy && !is_own(peer);
        let taken = self.connections.take(Source::of(peer), each);
        taken.map_err(|_| self.reached(Over::ConnectionsPerAddress))
    }

    /// Lets a datagram of so many bytes be given back.
    ///
    /// # Errors
    /// Fails when its sender has wanted too many.
    pub fn echo(&self, address: IpAddr, bytes: usize) -> Result<(), Over> {
        let mut echoes = self.echoes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_let = echoes.take(Source::of(address), bytes, self.now());
        drop(echoes);
        if is_let { Ok(()) } else { Err(self.reached(Over::Echoes)) }
    }

    /// Takes a place for a TLS handshake, if one is free.
    #[must_use]
    pub fn handshake(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.handshakes).try_acquire_owned().ok()
    }

    /// Waits for a place for a TLS handshake.
    // Liveness: every handshake ends within its time; the caller bounds the wait as well.
    pub async fn handshake_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.handshakes).acquire_owned().await.ok()
    }

    fn place(&self, places: &Places<Source>, address: IpAddr, all: Over, each: Over) -> Result<Place<Source>, Over> {
        let taken = places.take(Source::of(address), !is_own(address));
        taken.map_err(|full| self.reached(full.which(all, each)))
    }
}

/// Tells whether an address is this machine's own: the operator's, or that of a proxy that names no clients. Bounds
/// for each address would hold up everybody at once there, and keep nobody off.
#[must_use]
pub fn is_own(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_minutes() {
        for (seconds, said) in [(0, "a minute"), (60, "a minute"), (61, "2 minutes"), (600, "10 minutes")] {
            let over = Over::WrongTries { wait: Duration::from_secs(seconds) };
            assert!(over.to_string().ends_with(&format!("try again in {said}")), "{over}");
        }
    }

    #[test]
    fn this_machine_is_bounded_in_all_only() {
        let limits = Limits::new(Arc::default(), TRANSFERS_PER_ADDRESS + 1, Bounds::default());
        let own: IpAddr = "127.0.0.1".parse().expect("an address");
        let other: IpAddr = "192.0.2.1".parse().expect("an address");
        let held: Vec<_> = (0..TRANSFERS_PER_ADDRESS).map(|_| limits.transfer(other).expect("room")).collect();
        assert_eq!(limits.transfer(other).err(), Some(Over::TransfersPerAddress));
        let last = limits.transfer(own).expect("room");
        assert_eq!(limits.transfer(own).err(), Some(Over::Transfers));
        drop((held, last));
        assert!(limits.transfer(other).is_ok());
    }
}
