//! Behind nginx, which ends TLS and speaks HTTP/2 without it to the listener: whose address counts, and a whole session.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;
use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_integration_tests::staff::Staff;
use cnc_integration_tests::store;
use cnc_model::message::{ClientMessage, Hello, ListenerMessage, Welcome};
use cnc_model::{ClientKey, Code, TestKind, Timestamp};
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tonic::Request;
use tonic::transport::Endpoint;

use super::curl::curl;
use super::place::Certificates;

/// How long nginx may take to start on a machine that compiles meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where nginx comes from, as the listener sees it: the one address that may name others.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Where the client comes from, as nginx sees it.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where somebody comes from who goes around nginx.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// Who everybody pretends to be.
const SPOOFED: &str = "203.0.113.66";

/// A listener behind a running nginx.
struct Behind {
    listener: Listener,
    certificates: Certificates,
    port: u16,
    _held: TcpSocket,
    _nginx: Child,
    /// Reads what nginx says, so that it never waits for a reader.
    _reading: JoinSet<()>,
}

impl Behind {
    async fn start() -> Option<Self> {
        let program_of_nginx = found_or_skip("nginx")?;
        let command = std::process::Command::new(program("cnc-listener"));
        let trusted = PROXY.to_string();
        let more = ["--behind-tls-proxy", "--trusted-proxies", &trusted];
        let listener = Listener::start_by(command, "127.0.0.1:0", QUICK, &more).await;
        let certificates = Certificates::make();
        // Held, so that nobody takes the port before nginx, which may share it.
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseport(true).expect("a socket's option");
        held.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let port = held.local_addr().expect("bound").port();
        let config = certificates.file("nginx.conf");
        std::fs::write(&config, settings(&certificates, port, &listener)).expect("written");
        let mut command = Command::new(program_of_nginx);
        command.arg("-c").arg(config).arg("-p").arg(certificates.folder()).args(["-e", "stderr"]);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut nginx = command.spawn().expect("nginx can be started");
        let mut said = BufReader::new(nginx.stderr.take().expect("it is piped")).lines();
        let listens = async {
            while let Some(line) = said.next_line().await.expect("its words can be read") {
                if line.contains("event method") {
                    return;
                }
            }
            panic!("nginx ended before it listened");
        };
        timeout(PATIENCE, listens).await.expect("nginx listens in time");
        let mut reading = JoinSet::new();
        // Liveness: nginx's end closes it.
        reading.spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Some(Self { listener, certificates, port, _held: held, _nginx: nginx, _reading: reading })
    }

    async fn staff(&self) -> Staff {
        Staff::connect_by(self.certificates.endpoint(self.port), Some(&self.listener.token())).await
    }
}

fn settings(certificates: &Certificates, port: u16, listener: &Listener) -> String {
    let folder = certificates.folder().display();
    let to = listener.address();
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port} ssl http2 reuseport;
                ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
                client_max_body_size 0;
                location /cnc.v1. {{
                    grpc_pass grpc://{to}; grpc_bind {PROXY};
                    grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                }}
                location / {{
                    proxy_pass http://{to}; proxy_bind {PROXY}; proxy_http_version 1.1;
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_buffering off; proxy_request_buffering off;
                }}
            }}
        }}"
    )
}

/// Joins from an address while pretending another, and gives where the listener says that it comes from.
async fn seen(endpoint: Endpoint, from: IpAddr, code: Code, key: u8) -> IpAddr {
    let channel = endpoint.local_address(Some(from)).connect().await.expect("it can be reached");
    let hello = Hello {
        client_version: "test".to_owned(),
        capabilities: TestKind::ALL.to_vec(),
        key: ClientKey::new([key; 32]),
        code: Some(code),
        clock_began: Timestamp::from_unix_us(0),
        at: Duration::ZERO,
    };
    let first = v1::ClientMessage::from(ClientMessage::Hello(hello));
    let mut request = Request::new(tokio_stream::once(first).chain(tokio_stream::pending()));
    request.metadata_mut().insert("x-forwarded-for", SPOOFED.parse().expect("plain text"));
    let mut inbound = ListenerClient::new(channel).session(request).await.expect("let in").into_inner();
    let first = inbound.message().await.expect("the stream holds").expect("a welcome");
    let ListenerMessage::Welcome(Welcome { public_address, .. }) = first.try_into().expect("sound") else {
        panic!("a welcome comes first")
    };
    public_address
}

#[tokio::test]
async fn the_address_is_the_clients_whatever_it_pretends() {
    let Some(behind) = Behind::start().await else { return };
    let mut staff = behind.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    assert_eq!(seen(behind.certificates.endpoint(behind.port), CLIENT, made.code, 1).await, CLIENT);
    assert_eq!(staff.session(made.session.id).await.overview.public_address, Some(CLIENT));
    let around = Endpoint::new(behind.listener.url().to_owned()).expect("a URL");
    let made = staff.create_session(Some("nothing")).await;
    assert_eq!(seen(around, STRANGER, made.code, 2).await, STRANGER);
}

#[tokio::test]
async fn wrong_codes_count_for_the_client_and_not_for_the_proxy() {
    let Some(behind) = Behind::start().await else { return };
    let ca = behind.certificates.file("ca.pem");
    let url = format!("https://localhost:{}/j/0000-0000", behind.port);
    let try_from = async |from: &str, pretended: &str| {
        let header = format!("X-Forwarded-For: {pretended}");
        let args = ["--interface", from, "--ipv4", "--header", &header, "--output", "/dev/null"];
        curl(&ca, &[&args[..], &["--write-out", "%{http_code}", &url]].concat()).await.1
    };
    for number in 0..10 {
        assert_eq!(try_from("127.0.0.2", &format!("203.0.113.{number}")).await, "404");
    }
    assert_eq!(try_from("127.0.0.2", SPOOFED).await, "429", "a new name does not help");
    assert_eq!(try_from("127.0.0.4", SPOOFED).await, "404", "others behind the same proxy are not held up");
}

#[tokio::test]
async fn a_session_goes_whole_through_it() {
    let Some(behind) = Behind::start().await else { return };
    let mut staff = behind.staff().await;
    let made = staff.create_session(Some("quick")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    assert!(made.link.starts_with("https://"), "links are for those in front: {}", made.link);
    let mut watcher = staff.watch(id).await;
    let mut command = std::process::Command::new(program("cnc"));
    command.arg("--allow-loopback").arg("--ca").arg(behind.certificates.file("ca.pem"));
    let client = Client::run_by(command, &format!("https://localhost:{}", behind.port), Some(&made.code.to_string()));
    watcher.plan_done().await;
    staff.end(id).await;
    watcher.over().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    let kinds = ["system", "ping", "download", "upload"];
    let completed = kinds.map(|kind| (kind.to_owned(), Some("completed".to_owned())));
    assert_eq!(store::outcomes(&behind.listener.store(), &session), completed, "{}", ended.said);
    assert_eq!(store::samples(&behind.listener.store(), &session), ended.samples_sent());
    assert!(behind.listener.report(&session).is_file());
}
