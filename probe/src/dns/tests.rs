//! Resolvers that answer rightly, deny, lie, cut, babble or are silent.

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{RData, Record};
use tokio::net::TcpListener;

use super::*;

/// How a server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Knows every name that does not look random.
    Honest,
    /// Knows every name.
    Lying,
    /// Knows none.
    Denying,
    /// Says that each answer is too long for UDP.
    Cutting,
    /// Sends the answer to another question first.
    Confused,
    /// Sends bytes that are no message.
    Babbling,
    Silent,
}

fn answered(question: &[u8], manner: Manner) -> Vec<u8> {
    let mut answer = Message::from_vec(question).expect("a question").into_response();
    let query = answer.queries[0].clone();
    let random = query.name().to_utf8().starts_with("cnc-");
    let knows = match manner {
        Manner::Lying => true,
        Manner::Denying => false,
        Manner::Honest | Manner::Cutting | Manner::Confused | Manner::Babbling | Manner::Silent => !random,
    };
    if knows {
        let data = if query.query_type() == RecordType::A {
            RData::A(A([192, 0, 2, 7].into()))
        } else {
            RData::AAAA(AAAA([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()))
        };
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    } else {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer.to_vec().expect("an answer")
}

async fn serve(socket: UdpSocket, tcp: TcpListener, manner: Manner) {
    let over_udp = async {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("received");
            let question = &buffer[..length];
            let answer = match manner {
                Manner::Silent => continue,
                Manner::Babbling => [&question[..2], b"?"].concat(),
                Manner::Cutting => {
                    let mut cut = Message::from_vec(question).expect("a question").into_response();
                    cut.metadata.truncation = true;
                    cut.to_vec().expect("an answer")
                }
                Manner::Confused => {
                    let mut other = answered(question, manner);
                    other[0] ^= 0xff;
                    socket.send_to(&other, from).await.expect("sent");
                    answered(question, manner)
                }
                Manner::Honest | Manner::Lying | Manner::Denying => answered(question, manner),
            };
            socket.send_to(&answer, from).await.expect("sent");
        }
    };
    let over_tcp = async {
        loop {
            let (mut stream, _) = tcp.accept().await.expect("accepted");
            let mut question = vec![0; stream.read_u16().await.expect("a length").into()];
            stream.read_exact(&mut question).await.expect("a question");
            let answer = answered(&question, manner);
            stream.write_u16(u16::try_from(answer.len()).expect("short")).await.expect("sent");
            stream.write_all(&answer).await.expect("sent");
        }
    };
    tokio::join!(over_udp, over_tcp);
}

/// Starts a server with UDP and TCP on the same port.
async fn server(manner: Manner, servers: &mut JoinSet<()>) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("bound");
    let udp = UdpSocket::bind(address).await.expect("the same port of UDP");
    servers.spawn(serve(udp, tcp, manner));
    address
}

#[tokio::test]
async fn each_resolver_is_told_apart() {
    let mut running = JoinSet::new();
    let manners = [
        Manner::Honest,
        Manner::Lying,
        Manner::Denying,
        Manner::Cutting,
        Manner::Confused,
        Manner::Babbling,
        Manner::Silent,
    ];
    let mut servers = Vec::new();
    for manner in manners {
        servers.push(server(manner, &mut running).await);
    }
    let nobody = UdpSocket::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    servers.push(nobody);
    let name = "www.example.org".parse().expect("a name");
    let answers = ask_all(&name, &servers, false).await.expect("asked");
    let told: Vec<_> = answers.iter().map(|one| (one.outcome, one.answers.len(), one.hijacks)).collect();
    let known = DnsOutcome::Answered(0);
    assert_eq!(
        told,
        [
            (known, 2, Some(false)),
            (known, 2, Some(true)),
            (DnsOutcome::Answered(3), 0, Some(false)),
            // A cut answer to the random name is asked for again, too.
            (known, 2, Some(false)),
            (known, 2, Some(false)),
            (DnsOutcome::Malformed, 0, None),
            (DnsOutcome::Timeout, 0, None),
            (DnsOutcome::Unreachable, 0, None),
        ]
    );
    assert!(answers[..5].iter().all(|one| one.rtt.is_some()) && answers[5..].iter().all(|one| one.rtt.is_none()));
}

#[tokio::test]
async fn the_system_is_asked_as_programs_do() {
    let name = "localhost".parse().expect("a name");
    let answers = ask_all(&name, &[], true).await.expect("asked");
    assert_eq!(answers.len(), 1);
    assert!(answers[0].address.is_none() && answers[0].found() && answers[0].rtt.is_some());
    let missing = ask_all(&"no-such-name.invalid".parse().expect("a name"), &[], true).await.expect("asked");
    assert_eq!((missing[0].outcome, missing[0].rtt), (DnsOutcome::NotFound, None));
}

#[tokio::test]
async fn an_address_is_no_name() {
    let failed = dns(&"192.0.2.1".parse().expect("an address"), &[], true).await;
    assert!(matches!(failed, Err(ProbeError::Unsupported { .. })), "{failed:?}");
}
