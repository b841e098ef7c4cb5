//! A listener that speaks `cnc.v1` by hand and sends what it likes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cnc_proto::v1;
use cnc_proto::v1::listener_message::Message;
use cnc_proto::v1::listener_server::{Listener, ListenerServer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// The listener. It stops when dropped.
pub(super) struct Hostile {
    pub(super) address: SocketAddr,
    streams: mpsc::Receiver<Stream>,
    _serving: JoinSet<()>,
}

/// One stream of a client.
pub(super) struct Stream {
    from_client: Streaming<v1::ClientMessage>,
    to_client: mpsc::Sender<Result<v1::ListenerMessage, Status>>,
    /// Every item that came.
    pub(super) items: Vec<v1::Item>,
}

struct Service {
    streams: mpsc::Sender<Stream>,
}

#[tonic::async_trait]
impl Listener for Service {
    type SessionStream = ReceiverStream<Result<v1::ListenerMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::ClientMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (to_client, messages) = mpsc::channel(1_024);
        let stream = Stream { from_client: request.into_inner(), to_client, items: Vec::new() };
        self.streams.send(stream).await.map_err(|_| Status::unavailable("the story is over"))?;
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

impl Hostile {
    /// Answers on a socket that is open already, with more routes beside the service.
    pub(super) fn start(socket: std::net::TcpListener, more: axum::Router) -> Self {
        let address = socket.local_addr().expect("bound");
        socket.set_nonblocking(true).expect("a socket can be");
        let socket = TcpListener::from_std(socket).expect("a listening socket");
        let (to_story, streams) = mpsc::channel(8);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It may say more than a sound listener says at once.
            let service = ListenerServer::new(Service { streams: to_story }).max_encoding_message_size(64 << 20);
            let routes = Routes::new(service).into_axum_router().merge(more);
            tonic::transport::Server::builder()
                .accept_http1(true)
                .add_routes(routes.into())
                .serve_with_incoming(TcpListenerStream::new(socket))
                .await
                .expect("serving");
        });
        Self { address, streams, _serving: serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next stream with its hello.
    pub(super) async fn stream(&mut self) -> Stream {
        let stream = timeout(PATIENCE, self.streams.recv()).await.expect("a client comes in time");
        let mut stream = stream.expect("serving");
        let hello = stream.message().await.and_then(|message| message.message);
        assert!(matches!(hello, Some(v1::client_message::Message::Hello(_))), "no hello but {hello:?}");
        stream
    }

    /// Waits for the next stream, and welcomes it.
    pub(super) async fn welcomed(&mut self, change: impl FnOnce(&mut v1::Welcome)) -> Stream {
        let stream = self.stream().await;
        stream.welcome(change).await;
        stream
    }
}

impl Stream {
    pub(super) async fn send(&self, message: Message) {
        // A client that has had enough may have closed it.
        self.to_client.send(Ok(v1::ListenerMessage { message: Some(message) })).await.unwrap_or_default();
    }

    /// Closes the stream with a last word.
    pub(super) async fn close(self, status: Status) {
        self.to_client.send(Err(status)).await.unwrap_or_default();
    }

    pub(super) async fn welcome(&self, change: impl FnOnce(&mut v1::Welcome)) {
        let mut welcome = v1::Welcome {
            session: "0123456789abcdef".into(),
            operator: "Example IT".into(),
            public_address: Ipv4Addr::new(192, 0, 2, 1).octets().to_vec(),
            speed_token: "token".into(),
            own_tests: 64,
            ..v1::Welcome::default()
        };
        change(&mut welcome);
        self.send(Message::Welcome(Box::new(welcome))).await;
    }

    pub(super) async fn instruct(&self, test: u32, instruction: Option<v1::instruction::Instruction>) {
        self.send(Message::Instruction(v1::Instruction { test, instruction })).await;
    }

    /// Asks for a test at once.
    pub(super) async fn run(&self, test: u32, what: v1::Test) {
        let when = Some(v1::When { when: Some(v1::when::When::AtOnce(v1::AtOnce {})) });
        let run = v1::RunTest { when, what: Some(what) };
        self.instruct(test, Some(v1::instruction::Instruction::Run(run))).await;
    }

    pub(super) async fn end(&self) {
        self.instruct(0, Some(v1::instruction::Instruction::End(v1::EndSession {}))).await;
    }

    pub(super) async fn goodbye(&self) {
        self.send(Message::Goodbye(v1::ListenerGoodbye { report_url: None, document_url: None })).await;
    }

    pub(super) async fn acknowledge(&self, through_sequence: u64) {
        self.send(Message::Acknowledge(v1::Acknowledge { through_sequence })).await;
    }

    /// Waits for the next message; `None` when the client has closed the stream.
    pub(super) async fn message(&mut self) -> Option<v1::ClientMessage> {
        timeout(PATIENCE, self.from_client.message()).await.expect("the client says something in time").ok()?
    }

    /// Takes items in, acknowledging them, until one is as wanted; `false` when the client closes the stream before.
    pub(super) async fn until(&mut self, wanted: impl Fn(&v1::Item) -> bool) -> bool {
        let mut seen = 0;
        loop {
            while let Some(item) = self.items.get(seen) {
                seen += 1;
                if wanted(item) {
                    return true;
                }
            }
            let Some(v1::ClientMessage { message }) = self.message().await else { return false };
            let Some(v1::client_message::Message::Batch(batch)) = message else { panic!("no batch: {message:?}") };
            self.acknowledge(batch.first_sequence + batch.items.len() as u64 - 1).await;
            self.items.extend(batch.items);
        }
    }

    /// Takes items in until a test has ended, and gives why it failed.
    pub(super) async fn failure(&mut self, test: u32) -> Option<v1::Failure> {
        let is_end = |item: &v1::Item| item.test == test && matches!(item.item, Some(v1::item::Item::TestEnded(_)));
        assert!(self.until(is_end).await, "the client left before test {test} ended");
        let ended = self.items.iter().find(|item| is_end(item)).and_then(|item| item.item.clone());
        let Some(v1::item::Item::TestEnded(ended)) = ended else { panic!("no end: {ended:?}") };
        match ended.outcome?.outcome? {
            v1::outcome::Outcome::Failed(failure) => Some(failure),
            v1::outcome::Outcome::Completed(_) | v1::outcome::Outcome::Cancelled(_) => None,
        }
    }

    pub(super) async fn consent(&mut self) {
        let is_consent = |item: &v1::Item| matches!(item.item, Some(v1::item::Item::Consent(_)));
        assert!(self.until(is_consent).await, "the client left without consent");
    }

    /// Tells whether anything was measured.
    pub(super) fn measured(&self) -> bool {
        use v1::item::Item;
        self.items.iter().any(|item| matches!(item.item, Some(Item::Sample(_) | Item::TestStarted(_))))
    }
}
