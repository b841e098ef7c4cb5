//! A listener in process, its staff, and a client that speaks the protocol by hand.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::{Batch, ClientMessage, Hello, ListenerMessage, Welcome};
use cnc_model::session::SessionOverview;
use cnc_model::{ClientKey, Code, Item, Sequence, TestKind, Timestamp};
use cnc_proto::support::{CreateSession, CreatedSession};
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use cnc_proto::v1::support_client::SupportClient;
use cnc_server::config::Config;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// How long anything may take on a machine that compiles meanwhile.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running listener; it stops when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) data: TempDir,
    task: JoinHandle<()>,
    stop: Option<DropGuard>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), change).await
    }

    pub(crate) async fn start_in(data: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let listener = cnc_server::bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut config = Config { data: data.path().to_owned(), listen: address, ..Config::default() };
        change(&mut config);
        let opened = cnc_server::Opened::open(&config, listener).await.expect("opens");
        let stop = CancellationToken::new();
        let task = tokio::spawn(opened.run(stop.clone()));
        Self { address, data, task, stop: Some(stop.drop_guard()) }
    }

    /// Stops it as a signal does, and gives its data folder back.
    pub(crate) async fn stop(mut self) -> TempDir {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, self.task).await.expect("in time").expect("no panic");
        self.data
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn admin_token(&self) -> String {
        let file = self.data.path().join("admin.token");
        std::fs::read_to_string(file).expect("made at the start").trim().to_owned()
    }

    pub(crate) async fn staff(&self) -> Staff {
        staff(&self.url(), &self.admin_token()).await
    }

    /// Looks into the record as somebody with `sqlite3` would.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        count(self.data.path(), sql)
    }

    /// Asks over HTTP/1.1 as somebody at an address, which a trusted proxy here names.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut asked = request(method, path, None);
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        let stream = TcpStream::connect(self.address).await.expect("connects");
        http1(stream, asked.body(Full::default()).expect("a request")).await
    }

    /// Asks over HTTP/1.1 without TLS.
    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> (http::StatusCode, String) {
        let request = request("GET", path, token).body(Full::default()).expect("a request");
        let stream = TcpStream::connect(self.address).await.expect("connects");
        let (status, _, body) = http1(stream, request).await;
        (status, body)
    }
}

pub(crate) fn count(data: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(data.join("cnc.db")).expect("opens");
    connection.query_row(sql, (), |row| row.get(0)).expect("a number")
}

pub(crate) fn request(method: &str, path: &str, token: Option<&str>) -> http::request::Builder {
    let request = http::Request::builder().method(method).uri(path).header("host", "localhost");
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

pub(crate) type Answer = (http::StatusCode, http::HeaderMap, String);

/// Asks once over HTTP/1.1.
pub(crate) async fn http1<S>(stream: S, request: http::Request<Full<bytes::Bytes>>) -> Answer
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("speaks");
    let driving = tokio::spawn(connection);
    let response = sender.send_request(request).await.expect("answers");
    let answer = whole(response).await;
    driving.abort();
    answer
}

/// Asks once over HTTP/2.
pub(crate) async fn http2<S>(stream: S, request: http::Request<Full<bytes::Bytes>>) -> Answer
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let executor = TokioExecutor::new();
    let speaks = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await;
    let (mut sender, connection) = speaks.expect("speaks");
    let driving = tokio::spawn(connection);
    let response = sender.send_request(request).await.expect("answers");
    let answer = whole(response).await;
    driving.abort();
    answer
}

async fn whole(response: http::Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
}

/// Adds a token to each call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Staff = SupportClient<InterceptedService<Channel, Bearer>>;

pub(crate) async fn channel(url: &str) -> Channel {
    Channel::from_shared(url.to_owned()).expect("a URL").connect().await.expect("connects")
}

pub(crate) async fn staff(url: &str, token: &str) -> Staff {
    SupportClient::with_interceptor(channel(url).await, Bearer(format!("Bearer {token}").parse().expect("a header")))
}

pub(crate) async fn create(staff: &mut Staff) -> (SessionOverview, Code) {
    let wish = CreateSession { plan: None, label: "a test".into() };
    let created = staff.create_session(v1::CreateSessionRequest::from(wish)).await.expect("made").into_inner();
    let CreatedSession { session, code, .. } = created.try_into().expect("sound");
    (session, code)
}

/// A client's stream after its hello.
pub(crate) struct Client {
    to: mpsc::Sender<v1::ClientMessage>,
    from: Streaming<v1::ListenerMessage>,
    pub(crate) next: u64,
}

pub(crate) fn hello(key: u8, code: Option<Code>) -> Hello {
    Hello {
        client_version: "0.0.1".into(),
        capabilities: TestKind::ALL.to_vec(),
        key: ClientKey::new([key; 32]),
        code,
        clock_began: Timestamp::from_unix_us(1_800_000_000_000_000),
        at: Duration::from_secs(1),
    }
}

impl Client {
    /// Says hello; gives what it is refused with.
    pub(crate) async fn join(url: &str, hello: Hello) -> Result<(Self, Welcome), Status> {
        let (to, queue) = mpsc::channel(16);
        to.send(ClientMessage::Hello(hello).into()).await.expect("room");
        let mut listener = ListenerClient::new(channel(url).await);
        let from = listener.session(ReceiverStream::new(queue)).await?.into_inner();
        let mut client = Self { to, from, next: 1 };
        match client.receive().await? {
            Some(ListenerMessage::Welcome(welcome)) => Ok((client, welcome)),
            other => panic!("no welcome: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, items: Vec<Item>) {
        let first = Sequence::new(self.next);
        self.next += items.len() as u64;
        let batch = ClientMessage::Batch(Batch { first, items });
        self.to.send(batch.into()).await.expect("the stream is up");
    }

    /// Sends the first items again and again, reading meanwhile; gives what the stream ends with.
    pub(crate) async fn flood(self, items: Vec<Item>) -> Status {
        let Self { to, mut from, .. } = self;
        let batch = v1::ClientMessage::from(ClientMessage::Batch(Batch { first: Sequence::new(1), items }));
        let send = async {
            while to.send(batch.clone()).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        let read = async {
            loop {
                match from.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it ended without a word"),
                    Err(status) => return status,
                }
            }
        };
        tokio::select! {
            status = tokio::time::timeout(PATIENCE, read) => status.expect("in time"),
            () = send => unreachable!("it never ends"),
        }
    }

    pub(crate) async fn receive(&mut self) -> Result<Option<ListenerMessage>, Status> {
        let message = tokio::time::timeout(PATIENCE, self.from.message()).await.expect("in time")?;
        Ok(message.map(|message| message.try_into().expect("sound")))
    }

    /// Waits until something is acknowledged up to a sequence.
    pub(crate) async fn acknowledged(&mut self, through: u64) {
        loop {
            match self.receive().await.expect("the stream is up").expect("more") {
                ListenerMessage::Acknowledge(so_far) if so_far.get() >= through => return,
                ListenerMessage::Acknowledge(_)
                | ListenerMessage::Welcome(_)
                | ListenerMessage::Instruction(_)
                | ListenerMessage::Goodbye { .. } => {}
            }
        }
    }
}

/// A CA and a certificate of its for `localhost`, as files.
pub(crate) struct Certificates {
    pub(crate) folder: TempDir,
    pub(crate) roots: Arc<rustls::RootCertStore>,
    pub(crate) ca_pem: String,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ca = rcgen::CertificateParams::new([]).expect("sound");
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let ca_cert = ca.self_signed(&ca_key).expect("signed");
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("sound");
        let cert = own.signed_by(&key, &issuer).expect("signed");
        std::fs::write(folder.path().join("cert.pem"), cert.pem()).expect("written");
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).expect("written");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca_cert.der().clone()).expect("sound");
        Self { folder, roots: Arc::new(roots), ca_pem: ca_cert.pem() }
    }

    pub(crate) fn files(&self) -> cnc_server::config::TlsFiles {
        let path = |name| self.folder.path().join(name);
        cnc_server::config::TlsFiles { cert: path("cert.pem"), key: path("key.pem"), client_ca: None }
    }
}
