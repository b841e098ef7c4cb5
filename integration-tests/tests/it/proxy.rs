//! A client whose only way to the listener is a company's proxy: the session and the speed tests go through it.

use std::net::SocketAddr;
use std::process::Command;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::program;
use cnc_model::{Outcome, Summary};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A proxy for one place, whatever it is called, and for no other.
async fn proxy(name: &'static str, to: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = front.local_addr().expect("bound");
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut through = JoinSet::new();
        while let Ok((mut near, _)) = front.accept().await {
            through.spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.expect("a request"));
                }
                assert!(head.starts_with(format!("CONNECT {name} HTTP/1.1\r\n").as_bytes()), "{head:?}");
                let mut far = TcpStream::connect(to).await.expect("the listener is there");
                near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
                // Either end may break off.
                copy_bidirectional(&mut near, &mut far).await.ok();
            });
        }
    });
    (address, serving)
}

#[tokio::test]
async fn speed_is_measured_through_the_proxy_and_says_so() {
    let listener = Listener::start(QUICK).await;
    let to = listener.url().replace("http://", "").parse().expect("an address");
    let (proxy, _serving) = proxy("listener.invalid:8080", to).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("quick")).await;
    let mut command = Command::new(program("cnc"));
    command.arg("--allow-loopback").env("http_proxy", format!("http://{proxy}"));
    for name in ["no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    let client = Client::run_by(command, "http://listener.invalid:8080", Some(&made.code.to_string()));
    let id = made.session.id;
    staff.watch(id).await.plan_done().await;
    staff.end(id).await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(ended.said.contains(&format!("through the proxy {proxy} (from http_proxy)")), "{}", ended.said);
    let record = staff.session(id).await;
    let loads: Vec<_> = record
        .tests
        .iter()
        .filter_map(|test| match &test.summary {
            Some(Summary::Throughput(load)) => Some((test.outcome.as_ref(), load)),
            Some(
                Summary::Ping(_)
                | Summary::Trace(_)
                | Summary::System(_)
                | Summary::Mtu(_)
                | Summary::Dns(_)
                | Summary::Http(_),
            )
            | None => None,
        })
        .collect();
    assert_eq!(loads.len(), 2, "{record:?}");
    for (outcome, load) in loads {
        assert_eq!(outcome, Some(&Outcome::Completed), "{load:?}");
        assert_eq!(load.measured.engine, "hyper http/1.1 through a proxy");
        assert!(load.bytes > 0 && load.idle_rtt.is_none() && load.measured.address.is_none(), "{load:?}");
    }
    let report = std::fs::read_to_string(listener.report(&id.to_string())).expect("a report");
    assert!(report.contains("through a proxy"), "the report says so too");
}
