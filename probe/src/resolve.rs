//! From names to addresses by the system's resolver, and from addresses to names by DNS. Neither is ever on the
//! measuring path.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::{Family, HostName};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::proto::rr::RData;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::ProbeError;

mod sources;

pub use sources::keep_to_what_is_carried;

/// How long the system may take to find a name: what its own resolver takes for one server that does not answer.
pub const RESOLVE_WAIT: Duration = Duration::from_secs(5);
/// How long all names of a path together may take: they are an extra, a dead DNS server must not hold a result.
pub const NAMES_WAIT: Duration = Duration::from_secs(2);
/// The most addresses looked up at once: a path has no more; the rest stays without names.
pub const MAX_NAMES: usize = 256;

/// Finds a host's addresses of a family by the system's resolver, in the system's order, each once. An address as
/// text is taken as it is.
///
/// # Errors
/// Fails when the name has no address, has none of the family, or when nobody answers within [`RESOLVE_WAIT`].
pub async fn resolve(host: &HostName, family: Family) -> Result<Vec<IpAddr>, ProbeError> {
    let name = || host.as_str().to_owned();
    let found = match host.address() {
        Some(address) => vec![address],
        None => match timeout(RESOLVE_WAIT, tokio::net::lookup_host((host.as_str(), 0))).await {
            Ok(Ok(found)) => found.map(|socket| socket.ip()).collect(),
            Ok(Err(source)) => return Err(ProbeError::NameNotFound { name: name(), source }),
            Err(_) => return Err(ProbeError::NameTimeout { name: name() }),
        },
    };
    if found.is_empty() {
        return Err(ProbeError::NameNotFound { name: name(), source: io::ErrorKind::NotFound.into() });
    }
    let mut addresses = Vec::with_capacity(found.len());
    for address in found {
        if family.admits(address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(ProbeError::NoAddress { name: name(), family }) } else { Ok(addresses) }
}

/// Finds the names of addresses by reverse DNS with the system's servers, all at once, within [`NAMES_WAIT`]. Those
/// without an answer by then are left out. What this machine calls itself and others in its own files is not looked at.
pub async fn reverse_names(addresses: &[IpAddr]) -> BTreeMap<IpAddr, String> {
    let resolver = TokioResolver::builder_tokio().and_then(|mut builder| {
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        builder.build()
    });
    match resolver {
        Ok(resolver) => names_from(&resolver, addresses).await,
        Err(_) => BTreeMap::new(),
    }
}

async fn names_from(resolver: &TokioResolver, addresses: &[IpAddr]) -> BTreeMap<IpAddr, String> {
    let deadline = Instant::now() + NAMES_WAIT;
    let mut names = BTreeMap::new();
    let mut questions = JoinSet::new();
    for &address in addresses.iter().take(MAX_NAMES) {
        let resolver = resolver.clone();
        questions.spawn(async move { (address, reverse_name(&resolver, address).await) });
    }
    // Liveness: ends at the deadline.
    while let Ok(Some(answer)) = timeout_at(deadline, questions.join_next()).await {
        if let Ok((address, Some(name))) = answer {
            names.insert(address, name);
        }
    }
    names
}

async fn reverse_name(resolver: &TokioResolver, address: IpAddr) -> Option<String> {
    let lookup = resolver.reverse_lookup(address).await.ok()?;
    lookup.answers().iter().find_map(|record| {
        let RData::PTR(name) = &record.data else {
            return None;
        };
        // What a stranger's DNS says is kept only where it is a host's name: it stands on screens and pages.
        let text = name.0.to_utf8();
        let text = text.strip_suffix('.').unwrap_or(&text);
        text.parse::<HostName>().is_ok().then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::op::Message;
    use hickory_resolver::proto::rr::rdata::PTR;
    use hickory_resolver::proto::rr::{Name, Record};
    use tokio::net::UdpSocket;

    use super::*;

    fn host(text: &str) -> HostName {
        text.parse().expect("valid")
    }

    #[tokio::test]
    async fn addresses_are_taken_as_they_are_and_held_against_the_family() {
        let one = resolve(&host("192.0.2.1"), Family::Any).await.expect("an address");
        assert_eq!(one, ["192.0.2.1".parse::<IpAddr>().expect("valid")]);
        let wrong = resolve(&host("192.0.2.1"), Family::V6).await;
        assert!(matches!(wrong, Err(ProbeError::NoAddress { .. })), "{wrong:?}");
    }

    #[tokio::test]
    async fn localhost_is_found_and_what_is_not_there_is_told() {
        let local = resolve(&host("localhost"), Family::V4).await.expect("localhost");
        assert_eq!(local, ["127.0.0.1".parse::<IpAddr>().expect("valid")]);
        let missing = resolve(&host("no-such-name.invalid"), Family::Any).await.expect_err("reserved");
        assert_eq!(missing.reason(), cnc_model::Reason::NameNotFound);
    }

    /// Answers for 192.0.2.1 with a name, for 192.0.2.2 with one that is no host's, and for others never.
    async fn serve_names(server: &UdpSocket) {
        let mut packet = [0; 512];
        loop {
            let (length, from) = server.recv_from(&mut packet).await.expect("received");
            let mut message = Message::from_vec(&packet[..length]).expect("a question").into_response();
            let question = message.queries[0].name().clone();
            let name = match question.to_utf8().split('.').next() {
                Some("1") => Name::from_ascii("router.example.").expect("a name"),
                Some("2") => Name::from_labels(["<b>".as_bytes(), b"example"]).expect("a name"),
                _ => continue,
            };
            message.add_answer(Record::from_rdata(question, 60, RData::PTR(PTR(name))));
            server.send_to(&message.to_vec().expect("an answer"), from).await.expect("sent");
        }
    }

    #[tokio::test]
    async fn names_are_found_and_neither_silence_nor_odd_names_do_harm() {
        let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = server.local_addr().expect("bound");
        let mut connection = ConnectionConfig::udp();
        connection.port = address.port();
        let servers = vec![NameServerConfig::new(address.ip(), true, vec![connection])];
        let config = ResolverConfig::from_parts(None, vec![], servers);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.build().expect("a resolver");
        let addresses: Vec<_> = (1..=3).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        let began = Instant::now();
        let names = tokio::select! { names = names_from(&resolver, &addresses) => names, () = serve_names(&server) => unreachable!() };
        assert_eq!(names, BTreeMap::from([(addresses[0], "router.example".to_owned())]));
        assert!(began.elapsed() < NAMES_WAIT * 2);
    }
}
