//! A DNS server of our own over UDP stands in for Team Cymru's.

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::TXT;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::*;

/// Answers as Team Cymru does, to what it knows; never to 198.51.100.0/24.
async fn serve(server: &UdpSocket) {
    let mut packet = [0; 512];
    loop {
        let (length, from) = server.recv_from(&mut packet).await.expect("received");
        let mut message = Message::from_vec(&packet[..length]).expect("a question").into_response();
        let question = message.queries[0].name().clone();
        let asked = question.to_utf8();
        let answers: &[&str] = match asked.as_str() {
            "8.8.8.8.origin.asn.cymru.com." => {
                &["3356 | 8.0.0.0/9 | US | arin | 1992-12-01", "15169 | 8.8.8.0/24 | US | arin | 2023-12-28"]
            }
            "AS15169.asn.cymru.com." | "as15169.asn.cymru.com." => {
                &["15169 | US | arin | 2000-03-30 | GOOGLE - Google LLC, US"]
            }
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.6.0.0.1.0.0.2.origin6.asn.cymru.com." => {
                &["3333 2121 | 2001:67::/32 | NL | ripencc | 2010-01-01"]
            }
            name if name.contains(".100.51.198.") => continue,
            _ => &[],
        };
        if answers.is_empty() {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        for answer in answers {
            let text = RData::TXT(TXT::new(vec![(*answer).to_owned()]));
            message.add_answer(Record::from_rdata(question.clone(), 60, text));
        }
        server.send_to(&message.to_vec().expect("an answer"), from).await.expect("sent");
    }
}

fn asking(server: &UdpSocket) -> Cymru {
    let address = server.local_addr().expect("bound");
    let mut connection = ConnectionConfig::udp();
    connection.port = address.port();
    let servers = vec![NameServerConfig::new(address.ip(), true, vec![connection])];
    let config = ResolverConfig::from_parts(None, vec![], servers);
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    Cymru::by(builder.build().expect("a resolver"))
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn what_was_asked_for_is_known_a_moment_later_and_nobody_waits() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let cymru = asking(&server);
    let began = Instant::now();
    let asked = ["8.8.8.8", "2001:67::1", "203.0.113.5", "198.51.100.7"].map(address);
    for address in asked {
        assert_eq!(cymru.of(address), None, "not known yet");
    }
    assert!(began.elapsed() < Duration::from_secs(1));
    let answered = async {
        // The last of them to be known has two questions.
        while cymru.of(asked[0]).is_none() || cymru.of(asked[1]).is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answered = timeout(Duration::from_secs(20), answered) => answered.expect("answers come in time"),
        () = serve(&server) => unreachable!("it goes on"),
        () = cymru.run() => unreachable!("it goes on"),
    }
    let google = AutonomousSystem { number: 15_169, name: Some("GOOGLE - Google LLC, US".into()) };
    assert_eq!(cymru.of(asked[0]), Some(google), "the smaller of two networks");
    assert_eq!(cymru.of(asked[1]), Some(AutonomousSystem { number: 3_333, name: None }), "the first of two, nameless");
    assert_eq!(cymru.of(asked[3]), None, "nobody answered");
}

#[tokio::test]
async fn private_addresses_are_nobody_s_business() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let cymru = asking(&server);
    for private in ["10.0.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "fe80::1", "fd00::1", "::1"] {
        assert_eq!(cymru.of(address(private)), None);
    }
    assert!(cymru.known().recent.is_empty() && cymru.wanted.capacity() == WAITING);
}

#[test]
fn odd_answers_are_none() {
    let table = [
        ("3561 | 216.88.0.0/14 | US | arin | 1998-09-25", Some((3_561, 14))),
        ("23028 3561 | 2001:db8::/32 | US | arin | ", Some((23_028, 32))),
        ("NA | 216.88.0.0/14", None),
        ("3561", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(origin(text), expected, "{text}");
    }
    assert_eq!(name("23028 | US | arin | 2002-01-04 | A, US").as_deref(), Some("A, US"));
    assert_eq!(name("23028 | US | arin | 2002-01-04 |  "), None);
}
