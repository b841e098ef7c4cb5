//! A listener for tests: it speaks the protocol over a real connection and does what a story tells it.

use std::net::SocketAddr;

use cnc_model::message::{Batch, ClientMessage, Hello, Instruction, ListenerMessage, Welcome};
use cnc_model::{Item, Sequence, SessionId, Test, Timestamp};
use cnc_proto::v1;
use cnc_proto::v1::listener_server::{Listener, ListenerServer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// The listener; it stops when dropped.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    streams: mpsc::Receiver<Stream>,
    _serving: JoinSet<()>,
}

/// One stream of a client.
pub(crate) struct Stream {
    from_client: Streaming<v1::ClientMessage>,
    to_client: mpsc::Sender<Result<v1::ListenerMessage, Status>>,
    items: Vec<(u64, Item)>,
    /// How many of them `until` has given.
    given: usize,
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
        let (to_client, messages) = mpsc::channel(64);
        let stream = Stream { from_client: request.into_inner(), to_client, items: Vec::new(), given: 0 };
        self.streams.send(stream).await.map_err(|_| Status::unavailable("the story is over"))?;
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (to_story, streams) = mpsc::channel(8);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let service = ListenerServer::new(Service { streams: to_story });
            let incoming = TcpListenerStream::new(listener);
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming)
                .await
                .expect("serving");
        });
        Self { address, streams, _serving: serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next stream.
    pub(crate) async fn stream(&mut self) -> Stream {
        self.streams.recv().await.expect("serving")
    }

    /// Waits for the next stream and its hello, and welcomes it.
    pub(crate) async fn welcome(&mut self, acknowledged: u64, planned: Vec<Test>) -> (Stream, Hello) {
        let mut stream = self.stream().await;
        let hello = stream.hello().await;
        let welcome = Welcome {
            session: SessionId::new(Timestamp::from_unix_us(1_800_000_000_000_000), 7),
            code: None,
            operator: "Example IT".into(),
            public_address: self.address.ip(),
            acknowledged: Sequence::new(acknowledged),
            consented: acknowledged > 0,
            planned,
            speed_token: "token".into(),
            echo_token: None,
            certificate_issuer: None,
            own_tests: 64,
        };
        stream.send(ListenerMessage::Welcome(welcome)).await;
        (stream, hello)
    }
}

impl Stream {
    pub(crate) async fn send(&self, message: ListenerMessage) {
        self.to_client.send(Ok(message.into())).await.expect("the client listens");
    }

    pub(crate) async fn instruct(&self, instruction: Instruction) {
        self.send(ListenerMessage::Instruction(instruction)).await;
    }

    pub(crate) async fn acknowledge(&self, through: u64) {
        self.send(ListenerMessage::Acknowledge(Sequence::new(through))).await;
    }

    pub(crate) async fn refuse(self, status: Status) {
        self.to_client.send(Err(status)).await.expect("the client listens");
    }

    pub(crate) async fn hello(&mut self) -> Hello {
        match self.message().await {
            Some(ClientMessage::Hello(hello)) => hello,
            other => panic!("no hello but {other:?}"),
        }
    }

    /// Waits for the next message; `None` when the client closed the stream.
    pub(crate) async fn message(&mut self) -> Option<ClientMessage> {
        let message = self.from_client.message().await.ok()??;
        Some(message.try_into().expect("a sound message"))
    }

    pub(crate) async fn batch(&mut self) -> Batch {
        match self.message().await {
            Some(ClientMessage::Batch(batch)) => batch,
            other => panic!("no batch but {other:?}"),
        }
    }

    /// Gives the next item, after those given before, that is as wanted. What comes is acknowledged.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Item) -> bool) -> Item {
        loop {
            while let Some((_, item)) = self.items.get(self.given) {
                self.given += 1;
                if wanted(item) {
                    return item.clone();
                }
            }
            let batch = self.batch().await;
            let last = batch.last().get();
            self.items.extend((batch.first.get()..).zip(batch.items));
            self.acknowledge(last).await;
        }
    }

    /// Everything that `until` took in.
    pub(crate) fn items(&self) -> &[(u64, Item)] {
        &self.items
    }
}
