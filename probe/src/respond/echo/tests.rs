use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::*;

const TOKEN: EchoToken = [7; 32];

fn open(listen: &str) -> (EchoSocket, u16) {
    let socket = EchoSocket::bind(SocketAddr::new(listen.parse().expect("an address"), 0)).expect("opened");
    let port = socket.local_addr().expect("bound").port();
    (socket, port)
}

/// Asks an echo on `listen`, at `at`, with each of the payloads, and gives what came back, and from where.
async fn ask(listen: &str, at: IpAddr, payloads: Vec<Vec<u8>>) -> Vec<Option<(Vec<u8>, SocketAddr)>> {
    let (socket, port) = open(listen);
    let asking = tokio::task::spawn_blocking(move || {
        let own = if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let client = UdpSocket::bind(own).expect("a port");
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("an option");
        let mut echo = vec![0; MOST_BYTES];
        let mut answers = Vec::new();
        for payload in payloads {
            client.send_to(&payload, (at, port)).expect("sent");
            // Behind one that may be left unanswered comes one that is answered.
            client.send_to(&[&TOKEN[..], b"end"].concat(), (at, port)).expect("sent");
            let mut answer = None;
            loop {
                let (length, from) = client.recv_from(&mut echo).expect("answered");
                if echo[..length].ends_with(b"end") {
                    break;
                }
                answer = Some((echo[..length].to_vec(), from));
            }
            answers.push(answer);
        }
        answers
    });
    tokio::select! {
        answers = asking => answers.expect("no panic"),
        failed = socket.run(|asked| asked.token == Some(TOKEN) && asked.from == at) => panic!("{failed:?}"),
    }
}

#[tokio::test]
async fn what_begins_with_the_token_is_given_back_as_it_came_and_nothing_else() {
    let with_token = |bytes: usize| TOKEN.into_iter().chain((0..=u8::MAX).cycle()).take(bytes).collect::<Vec<_>>();
    let answered = [with_token(32), with_token(56), with_token(1_472), with_token(65_507)];
    let not = [vec![], with_token(31), vec![6; 56], vec![0; 9_000]];
    for (listen, at) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1")] {
        let at = at.parse().expect("an address");
        let came = ask(listen, at, [&answered[..], &not[..]].concat()).await;
        for (came, sent) in came.iter().zip(&answered) {
            assert_eq!(came.as_ref().map(|(bytes, _)| bytes), Some(sent), "{} bytes", sent.len());
        }
        assert!(came[answered.len()..].iter().all(Option::is_none), "{at}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_answer_comes_from_the_address_that_was_asked() {
    for listen in ["0.0.0.0", "::"] {
        // Not the address that this machine would choose.
        let at = IpAddr::from([127, 3, 2, 1]);
        let own = IpAddr::from(Ipv4Addr::LOCALHOST);
        let payload = [&TOKEN[..], b"where from?"].concat();
        let (socket, port) = open(listen);
        let asking = tokio::task::spawn_blocking(move || {
            let client = UdpSocket::bind((own, 0)).expect("a port");
            client.set_read_timeout(Some(Duration::from_secs(5))).expect("an option");
            client.send_to(&payload, (at, port)).expect("sent");
            client.recv_from(&mut [0; 100]).expect("answered").1.ip()
        });
        tokio::select! {
            from = asking => assert_eq!(from.expect("no panic"), at, "on {listen}"),
            failed = socket.run(|asked| asked.from == own) => panic!("{failed:?}"),
        }
    }
}
