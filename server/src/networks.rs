//! Whose network an address belongs to, by a database file that the operator keeps up to date, and by Team Cymru's DNS
//! where that is switched on.
//!
//! Looking up is a walk in memory: it waits for nothing and holds up no test. What is found is stored with the result,
//! so that it stays what was true then. No data is shipped, and nobody is asked over the network by default.

mod cymru;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cnc_model::network::AutonomousSystem;
use cnc_model::trace::{HopOutcome, HopSample, TraceSummary};
use cnc_model::{Item, Sample, Summary};
use maxminddb::{Reader, geoip2};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::cymru::Cymru;

/// How often it is looked whether the file has changed: it changes once a day at the most.
const LOOK: Duration = Duration::from_secs(30);

/// Why a database cannot be used.
#[derive(Debug, Error)]
#[error("cannot use {path} as the database of networks: {source}; give an ASN database in MaxMind's format (.mmdb)")]
pub struct DatabaseError {
    /// The file.
    path: PathBuf,
    /// What is wrong with it.
    source: maxminddb::MaxMindDbError,
}

/// The networks that are known: none without a file.
#[derive(Default)]
pub struct Networks {
    path: Option<PathBuf>,
    found: RwLock<Found>,
    cymru: Option<Cymru>,
}

type Database = Reader<Vec<u8>>;

#[derive(Default)]
struct Found {
    database: Option<Arc<Database>>,
    /// What the file was like when it was read, or could not be.
    stamp: Option<Stamp>,
}

/// By what a changed file is told from the same one: its time and its length.
type Stamp = (Duration, u64);

/// Reads a database as a whole.
///
/// # Errors
/// Tells which file it is and what is wrong with it.
pub fn open(path: &Path) -> Result<Reader<Vec<u8>>, DatabaseError> {
    Reader::open_readfile(path).map_err(|source| DatabaseError { path: path.to_owned(), source })
}

impl Networks {
    /// Takes the file of an operator who has one. One that cannot be read is warned of, and tried again when it changes.
    /// Team Cymru is asked for what it does not know, where that is wanted.
    #[must_use]
    pub fn new(path: Option<PathBuf>, cymru: bool) -> Self {
        let cymru = cymru.then(Cymru::by_system).and_then(|opened| {
            opened.inspect_err(|error| tracing::warn!(%error, "Team Cymru cannot be asked for networks")).ok()
        });
        Self::with(path, cymru)
    }

    fn with(path: Option<PathBuf>, cymru: Option<Cymru>) -> Self {
        let networks = Self { path, found: RwLock::default(), cymru };
        networks.refresh();
        networks
    }

    /// Gives the network of an address, as far as it is known now. What must be asked for is known at a later time.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<AutonomousSystem> {
        let database = self.found.read().unwrap_or_else(PoisonError::into_inner).database.clone();
        self.find(database.as_deref(), address)
    }

    fn find(&self, database: Option<&Database>, address: IpAddr) -> Option<AutonomousSystem> {
        let found = database.and_then(|database| look_up(database, address));
        found.or_else(|| self.cymru.as_ref()?.of(address.to_canonical()))
    }

    /// Has what may have to be asked for known by the time that a test ends: the addresses that its samples tell of.
    fn foresee(&self, sample: &Sample) {
        if let (Some(_), Sample::Hop(HopSample { outcome, .. })) = (&self.cymru, sample) {
            match outcome {
                HopOutcome::Hop(reply) | HopOutcome::Destination(reply) | HopOutcome::Unreachable(reply) => {
                    drop(self.of(reply.address));
                }
                HopOutcome::Silent => {}
            }
        }
    }

    /// Fills in the networks of what a client sent, whatever it says of them itself; `client` is its own network's number.
    pub fn annotate(&self, items: &mut [Item], client: Option<u32>) {
        for item in items {
            if let Item::Sample { sample, .. } = item {
                self.foresee(sample);
            } else if let Item::TestEnded { summary: Some(summary), .. } = item
                && let Summary::Trace(trace) = &mut **summary
            {
                self.annotate_path(trace, client);
            }
        }
    }

    fn annotate_path(&self, trace: &mut TraceSummary, client: Option<u32>) {
        let database = self.found.read().unwrap_or_else(PoisonError::into_inner).database.clone();
        for answerer in trace.hops.iter_mut().flat_map(|hop| &mut hop.addresses) {
            answerer.network = self.find(database.as_deref(), answerer.address);
        }
        trace.label(client);
    }

    /// Reads the file again where it has changed. One that cannot be read leaves the last good one in use.
    fn refresh(&self) {
        let Some(path) = &self.path else { return };
        let stamp = stamp(path);
        if stamp.is_some() && stamp == self.found.read().unwrap_or_else(PoisonError::into_inner).stamp {
            return;
        }
        let read = open(path);
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(database) => {
                tracing::info!(path = %path.display(), kind = database.metadata().database_type, "networks read");
                *found = Found { database: Some(Arc::new(database)), stamp };
            }
            Err(error) if found.stamp != stamp || found.database.is_none() => {
                tracing::warn!(%error, "networks stay unknown, or as they were");
                found.stamp = stamp;
            }
            Err(_) => {}
        }
    }

    /// Looks after the file, and asks for what is wanted, until told to stop.
    // Liveness: ended by `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let asking = async {
            if let Some(cymru) = &self.cymru {
                stop.run_until_cancelled(cymru.run()).await;
            }
        };
        tokio::join!(asking, Arc::clone(&self).watch(stop.clone()));
    }

    // Liveness: ended by `stop`.
    async fn watch(self: Arc<Self>, stop: CancellationToken) {
        if self.path.is_none() {
            return;
        }
        while stop.run_until_cancelled(sleep(LOOK)).await.is_some() {
            let networks = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || networks.refresh()).await {
                tracing::warn!(%error, "the database of networks cannot be looked after");
                return;
            }
        }
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Networks").field("path", &self.path).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    let changed = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((changed, data.len()))
}

/// An address that the database does not hold, or holds damaged, has no network.
fn look_up(database: &Database, address: IpAddr) -> Option<AutonomousSystem> {
    let found = database.lookup(address.to_canonical()).ok()?;
    let asn = found.decode::<geoip2::Asn<'_>>().ok()??;
    let name = asn.autonomous_system_organization.filter(|name| !name.is_empty()).map(str::to_owned);
    Some(AutonomousSystem { number: asn.autonomous_system_number?, name })
}

#[cfg(test)]
pub(crate) mod tests;
