//! Asks resolvers for a name's addresses, each directly and all at once, and the system's own resolver as programs do
//! (`dns/1`). A resolver that answers for a name that nobody has is told as well.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cnc_model::dns::{DnsOutcome, ResolverAnswer};
use cnc_model::{Family, HostName};
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::{ProbeError, resolve};

/// How long one question waits before it is sent once more, and then for its answer: as stub resolvers do.
const TRY_WAIT: Duration = Duration::from_millis(1_500);
const TRIES: usize = 2;
/// The most of an answer that is read over UDP (RFC 6891 lets larger ones come only where they are asked for).
const MAX_UDP_BYTES: usize = 4_096;
/// The most addresses kept of one answer.
const MAX_ANSWERS: usize = 64;
/// The most resolvers asked: systems take three.
pub const MAX_RESOLVERS: usize = 8;
/// Where DNS servers listen.
const PORT: u16 = 53;

/// Asks each server, and the system's own resolver where wanted. The answers come in the order of the servers, the
/// system's own last.
///
/// # Errors
/// Fails where the name is an address: there is nothing to ask.
pub async fn dns(name: &HostName, servers: &[IpAddr], system: bool) -> Result<Vec<ResolverAnswer>, ProbeError> {
    let servers: Vec<_> = servers.iter().map(|&server| SocketAddr::new(server, PORT)).collect();
    ask_all(name, &servers, system).await
}

async fn ask_all(name: &HostName, servers: &[SocketAddr], system: bool) -> Result<Vec<ResolverAnswer>, ProbeError> {
    let not_a_name = || ProbeError::Unsupported { what: "an address has no addresses to ask for: give a name" };
    if name.address().is_some() {
        return Err(not_a_name());
    }
    let mut asked = Name::from_utf8(name.as_str()).map_err(|_| not_a_name())?;
    asked.set_fqdn(true);
    let nobodys = nobodys_name();
    let mut questions = JoinSet::new();
    for (at, &server) in servers.iter().take(MAX_RESOLVERS).enumerate() {
        let (asked, nobodys) = (asked.clone(), nobodys.clone());
        questions.spawn(async move { (at, ask_resolver(server, asked, nobodys).await) });
    }
    let own = async { if system { Some(ask_system(name).await) } else { None } };
    let (own, mut answers) = tokio::join!(own, questions.join_all());
    answers.sort_unstable_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).chain(own).collect())
}

/// Makes a name that nobody has registered, so that only somebody who lies has an address for it. It need not be hard
/// to guess.
fn nobodys_name() -> Name {
    let random = RandomState::new().hash_one(std::process::id());
    let mut name = Name::from_ascii(format!("cnc-{random:016x}.com")).expect("letters and digits make a name");
    name.set_fqdn(true);
    name
}

/// Asks the system as programs do: with its files, caches and search rules.
async fn ask_system(name: &HostName) -> ResolverAnswer {
    let began = Instant::now();
    let (outcome, answers) = match resolve(name, Family::Any).await {
        Ok(answers) => (DnsOutcome::Answered(0), answers),
        Err(ProbeError::NameTimeout { .. }) => (DnsOutcome::Timeout, Vec::new()),
        Err(_) => (DnsOutcome::NotFound, Vec::new()),
    };
    let rtt = (outcome == DnsOutcome::Answered(0)).then(|| began.elapsed());
    ResolverAnswer { address: None, rtt, outcome, answers, hijacks: None }
}

/// Asks one resolver for both kinds of address side by side, as programs do, and for a name that nobody has.
async fn ask_resolver(server: SocketAddr, name: Name, nobodys: Name) -> ResolverAnswer {
    let began = Instant::now();
    let addresses = async {
        let both = tokio::join!(ask(server, &name, RecordType::A), ask(server, &name, RecordType::AAAA));
        (both, began.elapsed())
    };
    let (((v4, v6), rtt), lie) = tokio::join!(addresses, ask(server, &nobodys, RecordType::A));
    let outcome = match (&v4, &v6) {
        (Err(failed), _) | (_, Err(failed)) => *failed,
        (Ok(v4), Ok(v6)) => DnsOutcome::Answered(if v4.code == 0 { v6.code } else { v4.code }),
    };
    let mut answers = Vec::new();
    for address in [v4, v6].into_iter().flatten().flat_map(|answer| answer.addresses) {
        if !answers.contains(&address) && answers.len() < MAX_ANSWERS {
            answers.push(address);
        }
    }
    let hijacks = match lie {
        Ok(answer) if !answer.addresses.is_empty() => Some(true),
        Ok(Answer { code: 3, .. }) => Some(false),
        Ok(_) | Err(_) => None,
    };
    let rtt = matches!(outcome, DnsOutcome::Answered(_)).then_some(rtt);
    ResolverAnswer { address: Some(server.ip()), rtt, outcome, answers, hijacks }
}

/// What one question brought.
struct Answer {
    code: u16,
    addresses: Vec<IpAddr>,
}

/// Asks one question over UDP, and again over TCP where the answer was cut.
async fn ask(server: SocketAddr, name: &Name, kind: RecordType) -> Result<Answer, DnsOutcome> {
    let mut question = Message::query();
    question.add_query(Query::query(name.clone(), kind));
    question.metadata.recursion_desired = true;
    let bytes = question.to_vec().map_err(|_| DnsOutcome::Malformed)?;
    let answer = over_udp(server, &question, &bytes).await?;
    let answer = if answer.metadata.truncation {
        timeout(TRY_WAIT, over_tcp(server, &bytes)).await.map_err(|_| DnsOutcome::Timeout)??
    } else {
        answer
    };
    if !belongs(&question, &answer) {
        return Err(DnsOutcome::Malformed);
    }
    let addresses = answer.answers.iter().filter_map(|record| record.data.ip_addr()).collect();
    Ok(Answer { code: answer.metadata.response_code.into(), addresses })
}

async fn over_udp(server: SocketAddr, question: &Message, bytes: &[u8]) -> Result<Message, DnsOutcome> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0)).await.map_err(|error| outcome(&error))?;
    socket.connect(server).await.map_err(|error| outcome(&error))?;
    for _ in 0..TRIES {
        socket.send(bytes).await.map_err(|error| outcome(&error))?;
        if let Ok(answer) = timeout(TRY_WAIT, receive(&socket, question)).await {
            return answer;
        }
    }
    Err(DnsOutcome::Timeout)
}

/// Takes the first datagram that answers the question; a late or forged one for another is passed over.
async fn receive(socket: &UdpSocket, question: &Message) -> Result<Message, DnsOutcome> {
    let mut buffer = vec![0; MAX_UDP_BYTES];
    loop {
        // Liveness: the caller sets a time limit.
        let length = socket.recv(&mut buffer).await.map_err(|error| outcome(&error))?;
        match Message::from_vec(&buffer[..length]) {
            Ok(answer) if belongs(question, &answer) => return Ok(answer),
            Err(_) if buffer.get(..2) == Some(&question.metadata.id.to_be_bytes()) => {
                return Err(DnsOutcome::Malformed);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8]) -> Result<Message, DnsOutcome> {
    let mut stream = TcpStream::connect(server).await.map_err(|error| outcome(&error))?;
    let length = u16::try_from(question.len()).map_err(|_| DnsOutcome::Malformed)?;
    let framed = [&length.to_be_bytes()[..], question].concat();
    stream.write_all(&framed).await.map_err(|error| outcome(&error))?;
    let length = stream.read_u16().await.map_err(|error| outcome(&error))?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await.map_err(|error| outcome(&error))?;
    Message::from_vec(&answer).map_err(|_| DnsOutcome::Malformed)
}

fn belongs(question: &Message, answer: &Message) -> bool {
    let asked = |message: &Message| message.queries.first().map(|query| (query.name().clone(), query.query_type()));
    answer.metadata.id == question.metadata.id && asked(answer) == asked(question)
}

/// Puts what the system says about a socket into an outcome.
fn outcome(error: &io::Error) -> DnsOutcome {
    if error.kind() == io::ErrorKind::TimedOut { DnsOutcome::Timeout } else { DnsOutcome::Unreachable }
}

#[cfg(test)]
mod tests;
