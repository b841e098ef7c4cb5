//! Small servers of the tests' own on hosts of a network: DNS that tells what it is told to, HTTP that always answers
//! the same, and a relay that reads TLS. Sockets stay in the namespace where they were opened, whoever serves them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cnc_lab::Host;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How a DNS server answers.
#[derive(Debug, Clone)]
pub(crate) enum Answers {
    /// With these addresses to these names; nobody has any other, unless a liar has an address for them.
    Names { known: BTreeMap<&'static str, Ipv4Addr>, others: Option<Ipv4Addr> },
    /// Never.
    Nothing,
}

impl Answers {
    pub(crate) fn knowing(name: &'static str, address: [u8; 4]) -> Self {
        Self::Names { known: BTreeMap::from([(name, address.into())]), others: None }
    }
}

/// Serves DNS over UDP on port 53 of a host.
pub(crate) fn dns(host: &Host, answers: Answers, servers: &mut JoinSet<()>) {
    dns_at(host, 53, answers, servers);
}

/// Serves DNS over UDP on a port of a host.
pub(crate) fn dns_at(host: &Host, port: u16, answers: Answers, servers: &mut JoinSet<()>) {
    let address: IpAddr = host.v4().into();
    let open = || std::net::UdpSocket::bind((address, port)).expect("the port is free in a namespace of its own");
    let socket = host.run(open).expect("the namespace can be entered");
    socket.set_nonblocking(true).expect("a socket's option");
    let socket = UdpSocket::from_std(socket).expect("tokio runs");
    servers.spawn(async move {
        let mut question = [0; 512];
        // Liveness: ends with the test, which drops it.
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            if let Some(answer) = answer(&question[..length], &answers) {
                socket.send_to(&answer, from).await.ok();
            }
        }
    });
}

/// Writes the answer to a question (RFC 1035, section 4.1).
fn answer(question: &[u8], answers: &Answers) -> Option<Vec<u8>> {
    let Answers::Names { known, others } = answers else { return None };
    let mut at = 12;
    let mut labels = Vec::new();
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    // The name's end, the type and the class.
    let end = at + 5;
    let wants_v4 = question[at + 2] == 1;
    let found = known.get(labels.join(".").as_str()).or(others.as_ref());
    let address = found.filter(|_| wants_v4);
    let code = if found.is_some() { 0 } else { 3 };
    let mut answer = question[..2].to_vec();
    // An answer, recursion wanted and to be had; one question, and one answer where there is one.
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if let Some(address) = address {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}

/// Answers every HTTP request to a port of a host with the same bytes.
pub(crate) fn http(host: &Host, port: u16, answer: &'static str, servers: &mut JoinSet<()>) {
    let address: SocketAddr = (Ipv4Addr::UNSPECIFIED, port).into();
    let open = || std::net::TcpListener::bind(address).expect("the port is free in a namespace of its own");
    let listener = host.run(open).expect("the namespace can be entered");
    listener.set_nonblocking(true).expect("a socket's option");
    let listener = TcpListener::from_std(listener).expect("tokio runs");
    servers.spawn(async move {
        // Liveness: ends with the test, which drops it.
        while let Ok((stream, _)) = listener.accept().await {
            let mut lines = BufReader::new(stream).lines();
            while lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| !line.is_empty())) {}
            let mut stream = lines.into_inner().into_inner();
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
    });
}

/// Reads what comes to a port of a host by TLS, with the certificate in one folder, and passes it on to where it was
/// meant for, whose authority is in another: as who inspects TLS does.
pub(crate) fn relay(
    host: &Host,
    port: u16,
    shown: &TempDir,
    trusted: &TempDir,
    to: (Ipv4Addr, u16),
    servers: &mut JoinSet<()>,
) {
    let pem = |folder: &TempDir, name: &str| std::fs::read(folder.path().join(name)).expect("written");
    let cert = CertificateDer::from_pem_slice(&pem(shown, "cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&pem(shown, "key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let mut config = config.expect("versions").with_no_client_auth().with_single_cert(vec![cert], key).expect("sound");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem(trusted, "ca.pem")).expect("a certificate")).expect("an authority");
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();

    let open = || std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
    let listener = host.run(open).expect("the namespace can be entered");
    listener.set_nonblocking(true).expect("a socket's option");
    let listener = TcpListener::from_std(listener).expect("tokio runs");
    let host = host.clone();
    servers.spawn(async move {
        let mut passing = JoinSet::new();
        // Liveness: ends with the test, which drops it.
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, mut client, host) = (acceptor.clone(), client.clone(), host.clone());
            passing.spawn(async move {
                let Ok(mut near) = acceptor.accept(stream).await else { return };
                client.alpn_protocols = near.get_ref().1.alpn_protocol().map(<[u8]>::to_vec).into_iter().collect();
                let connect = || std::net::TcpStream::connect(to).expect("the server is there");
                let far = host.run(connect).expect("the namespace can be entered");
                far.set_nonblocking(true).expect("a socket's option");
                let far = TcpStream::from_std(far).expect("tokio runs");
                let name = ServerName::IpAddress(IpAddr::from(to.0).into());
                let mut far = TlsConnector::from(Arc::new(client)).connect(name, far).await.expect("it is trusted");
                // Either end may close first.
                tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
            });
        }
    });
}
