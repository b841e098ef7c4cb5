//! The link to the listener: one stream at a time, made again when it breaks.
//!
//! It carries the outbox there and events back, and decides nothing: what events mean is the session's. A batch is
//! sent as soon as the writer is free and holds what gathered meanwhile; no timer is in between.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::{ClientMessage, Farewell, Hello, Instruction, ListenerMessage, Welcome};
use cnc_model::{ClientKey, Code, TestKind};
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code as Status, Streaming};
use tower::service_fn;

use self::backoff::Backoff;
use self::reach::Reached;
use crate::clock::SessionClock;
use crate::config::ListenerUrl;
use crate::outbox::Outbox;
use crate::proxy::Proxy;
use crate::tls::Tls;

mod backoff;
mod io;
mod liveness;
mod reach;
mod words;

pub use cnc_probe::tunnel::TunnelError;
pub use liveness::kept_alive;
pub use reach::{Knock, Unreached};

/// The most events that wait for the session. When full, reading waits: HTTP/2's flow control reaches the listener.
pub const MAX_EVENTS: usize = 256;
/// How long the listener may take from hello to welcome, which it sends when the key is durable.
const WELCOME_WAIT: Duration = Duration::from_secs(10);
/// The largest message that a listener may send: a welcome with a long plan is a tenth of it.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// What is needed to come to a session.
#[derive(Debug)]
pub struct Way {
    /// The listener.
    pub url: ListenerUrl,
    /// TLS settings that speak HTTP/2; needed for `https`.
    pub tls: Option<Tls>,
    /// The proxy that leads to it.
    pub proxy: Option<Proxy>,
    /// The client's key.
    pub key: ClientKey,
    /// The code to join with.
    pub code: Option<Code>,
    /// The session's clock.
    pub clock: SessionClock,
    /// Whether the session is known to the listener from an earlier run: then the first attempt may fail too.
    pub resumed: bool,
    /// The first connection, where it is on its way already.
    pub knock: Option<Knock>,
}

/// What happens on the link.
#[derive(Debug)]
pub enum LinkEvent {
    /// The listener took the client in, for the first time or again.
    Welcome {
        /// What it said.
        welcome: Box<Welcome>,
        /// Its address; `None` where a proxy leads to a name that has none here.
        peer: Option<SocketAddr>,
        /// This end's address.
        local: IpAddr,
    },
    /// The listener gave an order.
    Instruction(Instruction),
    /// The session is over and all is stored. Nothing follows.
    Goodbye(Farewell),
    /// The stream broke; another attempt follows after the wait.
    Down {
        /// What was seen.
        why: Unreached,
        /// The wait.
        retry_in: Duration,
    },
    /// No further attempt is made. Nothing follows.
    GivenUp(Unreached),
}

/// Keeps the link up until the session is over or cannot be had. The first attempt must succeed, unless the session goes
/// on from an earlier run; after that it tries on until it is dropped.
pub async fn run(mut way: Way, outbox: Arc<Outbox>, events: mpsc::Sender<LinkEvent>) {
    let mut backoff = Backoff::new();
    let mut welcomed = way.resumed;
    loop {
        let knock = way.knock.take();
        let mut stream = Stream { way: &way, outbox: &outbox, events: &events, welcomed: false };
        let end = stream.run(knock).await;
        if std::mem::take(&mut stream.welcomed) {
            welcomed = true;
            backoff = Backoff::new();
        }
        let event = match end {
            Ok(farewell) => LinkEvent::Goodbye(farewell),
            Err(why) if welcomed && why.may_pass() => {
                let retry_in = backoff.wait(getrandom::u32().unwrap_or_default());
                if events.send(LinkEvent::Down { why, retry_in }).await.is_err() {
                    return;
                }
                sleep(retry_in).await;
                continue;
            }
            Err(why) => LinkEvent::GivenUp(why),
        };
        // Without anybody who listens there is nothing left to say.
        events.send(event).await.ok();
        return;
    }
}

/// One stream.
struct Stream<'a> {
    way: &'a Way,
    outbox: &'a Outbox,
    events: &'a mpsc::Sender<LinkEvent>,
    welcomed: bool,
}

impl Stream<'_> {
    /// Runs it to its end: the listener's goodbye, with the report's address, or what broke it.
    async fn run(&mut self, knock: Option<Knock>) -> Result<Farewell, Unreached> {
        let Way { url, tls, proxy, .. } = self.way;
        let reached = reach::reach(url, tls.as_ref(), proxy.as_ref(), knock).await?;
        let heard = reached.io.heard();
        let end = self.talk(reached).await;
        match (&end, heard.http1_status()) {
            // However it looks from HTTP/2's side: who answers so is no listener.
            (Err(Unreached::NoListener { .. } | Unreached::Broken { .. }), Some(status)) => {
                Err(self.no_listener(words::of_http1(status)))
            }
            _ => end,
        }
    }

    async fn talk(&mut self, reached: Reached) -> Result<Farewell, Unreached> {
        let Reached { io, peer, local } = reached;
        let channel = self.channel(io).await?;
        // One batch waits while one is being written: what gathers meanwhile stays in the outbox.
        let (writer, written) = mpsc::channel::<v1::ClientMessage>(1);
        let hello = ClientMessage::Hello(self.hello());
        writer.try_send(hello.into()).expect("the channel is new and holds one");
        let mut client = ListenerClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let opening = async {
            let mut reader =
                client.session(ReceiverStream::new(written)).await.map_err(|status| self.ended(&status))?.into_inner();
            let first = self.read(&mut reader).await?;
            Ok::<_, Unreached>((reader, first))
        };
        let (mut reader, first) = timeout(WELCOME_WAIT, opening)
            .await
            .unwrap_or_else(|_| Err(self.no_listener("it did not answer in time")))?;
        let welcome = match first {
            ListenerMessage::Welcome(welcome) => welcome,
            ListenerMessage::Goodbye(farewell) => return Ok(farewell),
            ListenerMessage::Instruction(_) | ListenerMessage::Acknowledge(_) => {
                return Err(self.no_listener("it did not begin with a welcome"));
            }
        };
        self.outbox.reconnect(welcome.acknowledged).map_err(|error| self.no_listener(&error.to_string()))?;
        self.welcomed = true;
        self.tell(LinkEvent::Welcome { welcome: Box::new(welcome), peer, local }).await;
        // Liveness: reading ends with the stream, which the kernel or HTTP/2's keepalive ends when it is dead.
        tokio::select! {
            end = self.receive(&mut reader) => end,
            never = self.send(&writer) => match never {},
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            client_version: env!("CARGO_PKG_VERSION").into(),
            capabilities: TestKind::ALL.into(),
            key: self.way.key.clone(),
            code: self.way.code,
            clock_began: self.way.clock.began(),
            at: self.way.clock.at(),
        }
    }

    /// Speaks HTTP/2 over a connection.
    async fn channel(&self, io: io::Io) -> Result<Channel, Unreached> {
        let url = &self.way.url;
        let origin: Uri = url.to_string().parse().map_err(|_| self.no_listener("its address cannot be used"))?;
        // The connection is encrypted already where it has to be: tonic must not do it again.
        let plain = format!("http://{}", origin.authority().map_or("", |authority| authority.as_str()));
        let endpoint =
            Endpoint::from_shared(plain).map_err(|error| self.no_listener(&error.to_string()))?.origin(origin);
        let endpoint = kept_alive(endpoint, self.way.proxy.is_some());
        let mut io = Some(TokioIo::new(io));
        let once = service_fn(move |_: Uri| {
            let io = io.take().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected));
            async move { io }
        });
        let connected = timeout(WELCOME_WAIT, endpoint.connect_with_connector(once)).await;
        match connected {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(self.no_listener(&words::cause(&error))),
            Err(_) => Err(self.no_listener("it did not answer in time")),
        }
    }

    /// Reads until the listener says goodbye or the stream breaks.
    async fn receive(&self, reader: &mut Streaming<v1::ListenerMessage>) -> Result<Farewell, Unreached> {
        loop {
            match self.read(reader).await? {
                ListenerMessage::Acknowledge(through) => {
                    self.outbox.acknowledge(through).map_err(|error| self.no_listener(&error.to_string()))?;
                }
                ListenerMessage::Instruction(instruction) => self.tell(LinkEvent::Instruction(instruction)).await,
                ListenerMessage::Goodbye(farewell) => return Ok(farewell),
                // A second welcome changes nothing.
                ListenerMessage::Welcome(_) => {}
            }
        }
    }

    async fn read(&self, reader: &mut Streaming<v1::ListenerMessage>) -> Result<ListenerMessage, Unreached> {
        match reader.message().await {
            Ok(Some(message)) => {
                message.try_into().map_err(|error: cnc_proto::Invalid| self.no_listener(&error.to_string()))
            }
            Ok(None) => Err(Unreached::Broken { why: "the listener closed it".into() }),
            Err(status) => Err(self.ended(&status)),
        }
    }

    /// Sends what gathers, for as long as the stream is up.
    async fn send(&self, writer: &mpsc::Sender<v1::ClientMessage>) -> std::convert::Infallible {
        loop {
            // Liveness: a free place comes when the writer takes a batch; a closed channel ends with the reader.
            let Ok(place) = writer.reserve().await else { std::future::pending().await };
            let batch = self.outbox.next_batch().await;
            place.send(ClientMessage::Batch(batch).into());
        }
    }

    async fn tell(&self, event: LinkEvent) {
        // When nobody listens any more the link is about to be dropped.
        self.events.send(event).await.ok();
    }

    /// Puts the stream's end into words.
    fn ended(&self, status: &tonic::Status) -> Unreached {
        let why = match status.message() {
            "" => status.code().description().to_owned(),
            message => message.to_owned(),
        };
        match status.code() {
            Status::InvalidArgument
            | Status::NotFound
            | Status::AlreadyExists
            | Status::PermissionDenied
            | Status::FailedPrecondition
            | Status::Aborted
            | Status::OutOfRange
            | Status::Unauthenticated => Unreached::Refused { why },
            Status::ResourceExhausted => Unreached::Busy { why },
            Status::Unimplemented => self.no_listener(&why),
            Status::Ok
            | Status::Cancelled
            | Status::Unknown
            | Status::DeadlineExceeded
            | Status::Internal
            | Status::Unavailable
            | Status::DataLoss => match words::cause(status) {
                why if why == words::NOT_HTTP2 => self.no_listener(&why),
                why => Unreached::Broken { why },
            },
        }
    }

    fn no_listener(&self, why: &str) -> Unreached {
        Unreached::NoListener { host: self.way.url.host().to_string(), why: why.to_owned() }
    }
}
