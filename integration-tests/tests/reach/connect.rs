//! Behind a company's proxy that knows CONNECT alone: the real client to a whole session, and curl by HTTP/1.1.

use std::net::SocketAddr;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_integration_tests::store;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::curl::curl;
use super::place::{HIDDEN_NAME, Place};

/// A proxy that alone knows where a name is; it ends when dropped.
struct Proxy {
    address: SocketAddr,
    /// The first line of each request.
    asked: mpsc::Receiver<String>,
    _serving: JoinSet<()>,
}

impl Proxy {
    async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (told, asked) = mpsc::channel(64);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut tunnels = JoinSet::new();
            // Liveness: ends with the test, which drops it.
            while let Ok((near, _)) = listener.accept().await {
                tunnels.spawn(tunnel(near, to, told.clone()));
            }
        });
        Self { address, asked, _serving: serving }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn tunnel(near: TcpStream, to: SocketAddr, told: mpsc::Sender<String>) {
    let mut near = BufReader::new(near);
    let mut first = String::new();
    near.read_line(&mut first).await.expect("a line");
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert_ne!(near.read_line(&mut line).await.expect("a line"), 0, "a request ends with an empty line");
    }
    let allowed = first.starts_with(&format!("CONNECT {HIDDEN_NAME}:443 "));
    told.send(first).await.expect("the story goes on");
    if !allowed {
        near.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.ok();
        return;
    }
    let mut far = TcpStream::connect(to).await.expect("the listener");
    near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
    // Either side may break off; the tunnel ends with it.
    copy_bidirectional(&mut near, &mut far).await.ok();
}

#[tokio::test]
async fn the_client_goes_through_to_a_whole_session() {
    let place = Place::start().await;
    let mut proxy = Proxy::start(place.listener.address()).await;
    let mut staff = place.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    let mut watcher = staff.watch(id).await;
    let mut command = std::process::Command::new(program("cnc"));
    for name in ["no_proxy", "NO_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.env("HTTPS_PROXY", proxy.url()).arg("--allow-loopback");
    command.arg("--ca").arg(place.certificates.file("ca.pem"));
    let client = Client::run_by(command, &format!("https://{HIDDEN_NAME}"), Some(&made.code.to_string()));
    watcher.plan_done().await;
    staff.end(id).await;
    watcher.over().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(proxy.asked.try_recv().expect("it was asked"), format!("CONNECT {HIDDEN_NAME}:443 HTTP/1.1\r\n"));
    let outcomes = store::outcomes(&place.listener.store(), &session);
    assert_eq!(outcomes, [("system".to_owned(), Some("completed".to_owned()))], "{}", ended.said);
    assert!(place.listener.report(&session).is_file());
}

#[tokio::test]
async fn curl_goes_through_by_either_version() {
    if found_or_skip("curl").is_none() {
        return;
    }
    let place = Place::start().await;
    let proxy = Proxy::start(place.listener.address()).await;
    let ca = place.certificates.file("ca.pem");
    let url = format!("https://{HIDDEN_NAME}/healthz");
    for (asked, spoken) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let args = [asked, "--proxy", &proxy.url(), "--write-out", "%{http_version} %{http_code}", &url];
        assert_eq!(curl(&ca, &args).await, (Some(0), format!("ok\n{spoken} 200")));
    }
}
