//! Small servers of the tests' own on hosts of a network: DNS that tells what it is told to, and HTTP that always
//! answers the same. Sockets stay in the namespace where they were opened, whoever serves them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use cnc_lab::Host;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

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
    let address: IpAddr = host.v4().into();
    let open = || std::net::UdpSocket::bind((address, 53)).expect("the port is free in a namespace of its own");
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
