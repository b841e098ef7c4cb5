//! Networks by Team Cymru's DNS (<https://www.team-cymru.com/ip-asn-mapping>): asked beside everything else, and known
//! once they are answered. It holds nobody up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cnc_model::network::AutonomousSystem;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Addresses that wait to be asked for: the hops of some dozen traces that end together. When full, a further one is
/// asked for when it is met again.
const WAITING: usize = 1_024;
/// Questions under way: enough for a path's hops at once, few enough to bother nobody.
const AT_ONCE: usize = 16;
/// How long one may take, name included.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Addresses remembered in each of two generations, some 10 MB in all. When one is full the older one is forgotten.
const REMEMBERED: usize = 32_768;
/// After so long a new generation begins: networks change hands seldom.
const GENERATION: Duration = Duration::from_hours(24);

/// Asks, and remembers what was answered.
pub(super) struct Cymru {
    resolver: TokioResolver,
    known: Mutex<Known>,
    wanted: mpsc::Sender<IpAddr>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<IpAddr>>,
}

/// What is known of addresses; nothing of one that was asked for and has no answer yet.
struct Known {
    recent: HashMap<IpAddr, Option<AutonomousSystem>>,
    older: HashMap<IpAddr, Option<AutonomousSystem>>,
    since: Instant,
}

impl Cymru {
    /// Asks by the system's DNS servers.
    pub(super) fn by_system() -> Result<Self, NetError> {
        let mut builder = TokioResolver::builder_tokio()?;
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        builder.build().map(Self::by)
    }

    pub(super) fn by(resolver: TokioResolver) -> Self {
        let (wanted, waiting) = mpsc::channel(WAITING);
        let known = Known { recent: HashMap::new(), older: HashMap::new(), since: Instant::now() };
        Self { resolver, known: Mutex::new(known), wanted, waiting: tokio::sync::Mutex::new(waiting) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what is known of an address, and has it asked for where that is nothing.
    pub(super) fn of(&self, address: IpAddr) -> Option<AutonomousSystem> {
        if !is_public(address) {
            return None;
        }
        let mut known = self.known();
        if let Some(found) = known.get(address) {
            return found.clone();
        }
        if self.wanted.try_send(address).is_ok() {
            known.put(address, None);
        }
        None
    }

    /// Asks for what is wanted.
    // Liveness: dropped by the one who serves.
    pub(super) async fn run(&self) {
        let mut waiting = self.waiting.lock().await;
        let mut asking = JoinSet::new();
        loop {
            tokio::select! {
                Some(address) = waiting.recv(), if asking.len() < AT_ONCE => {
                    let resolver = self.resolver.clone();
                    asking.spawn(async move { (address, timeout(ANSWER_WAIT, ask(&resolver, address)).await) });
                }
                Some(Ok((address, answer))) = asking.join_next() => match answer {
                    Ok(Ok(found)) => self.known().put(address, found),
                    // Nobody answered: it is asked again when it is met again.
                    Ok(Err(())) | Err(_) => self.known().forget(address),
                },
                else => return,
            }
        }
    }
}

impl Known {
    fn get(&self, address: IpAddr) -> Option<&Option<AutonomousSystem>> {
        self.recent.get(&address).or_else(|| self.older.get(&address))
    }

    fn put(&mut self, address: IpAddr, found: Option<AutonomousSystem>) {
        let is_new = !self.recent.contains_key(&address);
        if (is_new && self.recent.len() >= REMEMBERED) || self.since.elapsed() >= GENERATION {
            self.older = std::mem::take(&mut self.recent);
            self.since = Instant::now();
        }
        self.recent.insert(address, found);
    }

    fn forget(&mut self, address: IpAddr) {
        self.recent.remove(&address);
        self.older.remove(&address);
    }
}

/// Asks for one address; `Err` where nobody answered.
async fn ask(resolver: &TokioResolver, address: IpAddr) -> Result<Option<AutonomousSystem>, ()> {
    let origins = texts(resolver, question(address)).await?;
    // Of nested networks the smallest, as routers have it.
    let Some((number, _)) = origins.iter().filter_map(|text| origin(text)).max_by_key(|(_, bits)| *bits) else {
        return Ok(None);
    };
    // A number without its name is worth having.
    let names = texts(resolver, format!("AS{number}.asn.cymru.com.")).await.unwrap_or_default();
    Ok(Some(AutonomousSystem { number, name: names.iter().find_map(|text| name(text)) }))
}

async fn texts(resolver: &TokioResolver, question: String) -> Result<Vec<String>, ()> {
    let answer = match resolver.txt_lookup(question).await {
        Ok(answer) => answer,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(_) => return Err(()),
    };
    let text = |data: &RData| {
        let RData::TXT(text) = data else { return None };
        Some(text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>())
    };
    Ok(answer.answers().iter().filter_map(|record| text(&record.data)).collect())
}

/// Writes the name that stands for an address.
fn question(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.origin.asn.cymru.com.")
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("four bits are a digit");
            let nibbles: String = nibbles.flat_map(|nibble| [digit(nibble), '.']).collect();
            format!("{nibbles}origin6.asn.cymru.com.")
        }
    }
}

/// Reads `3561 | 216.88.0.0/14 | US | arin | 1998-09-25`: the number, the first of several, and the network's bits.
fn origin(text: &str) -> Option<(u32, u8)> {
    let mut fields = text.split('|').map(str::trim);
    let number = fields.next()?.split_whitespace().next()?.parse().ok()?;
    let (_, bits) = fields.next()?.split_once('/')?;
    Some((number, bits.parse().ok()?))
}

/// Reads `23028 | US | arin | 2002-01-04 | TEAM-CYMRU - Team Cymru Inc., US`: the name.
fn name(text: &str) -> Option<String> {
    let name: String = text.split('|').nth(4)?.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    (!name.is_empty()).then_some(name)
}

/// Tells whether an address is anybody's that others could know.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_unspecified())
                && !(shared || v4.is_broadcast())
        }
        // Only these are given out.
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
