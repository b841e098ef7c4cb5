//! A client that speaks `cnc.v1` and measures nothing: for loads and stories that a real one cannot be made to have.

use std::time::Duration;

use cnc_model::message::{Batch, ClientMessage, Hello, ListenerMessage};
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::{ClientKey, Code, Item, Sample, Sequence, TestId, TestKind, Timestamp};
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;

/// Messages that wait for the connection; a full queue waits.
const OUTBOUND: usize = 64;
/// How long the listener may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A joined client.
#[derive(Debug)]
pub struct WireClient {
    sequence: Sequence,
    outbound: mpsc::Sender<v1::ClientMessage>,
    inbound: Streaming<v1::ListenerMessage>,
}

impl WireClient {
    /// Connects and says hello.
    ///
    /// # Panics
    /// When the listener cannot be reached or does not answer.
    pub async fn connect(url: &str, code: Code, key: [u8; 32]) -> Self {
        let endpoint = Endpoint::new(url.to_owned()).expect("the listener's address is a URL");
        Self::connect_by(&endpoint, code, key).await
    }

    /// Connects by an endpoint with settings of its own, and says hello.
    ///
    /// # Panics
    /// When the listener cannot be reached or does not answer.
    pub async fn connect_by(endpoint: &Endpoint, code: Code, key: [u8; 32]) -> Self {
        Self::hello(endpoint, Some(code), key, Duration::ZERO).await
    }

    /// Connects and says hello when its own clock has run for some time already.
    ///
    /// # Panics
    /// When the listener cannot be reached or does not answer.
    pub async fn connect_at(url: &str, code: Code, key: [u8; 32], at: Duration) -> Self {
        let endpoint = Endpoint::new(url.to_owned()).expect("the listener's address is a URL");
        Self::hello(&endpoint, Some(code), key, at).await
    }

    /// Connects without a code, and says hello.
    ///
    /// # Panics
    /// When the listener cannot be reached or does not answer.
    pub async fn walk_in(url: &str, key: [u8; 32]) -> Self {
        let endpoint = Endpoint::new(url.to_owned()).expect("the listener's address is a URL");
        Self::hello(&endpoint, None, key, Duration::ZERO).await
    }

    /// Connects by its key to the session that it has joined, after so many items.
    ///
    /// # Panics
    /// When the listener does not welcome it.
    pub async fn come_back(url: &str, key: [u8; 32], items: u64) -> Self {
        let mut client = Self::walk_in(url, key).await;
        client.hear("the welcome", |message| matches!(message, ListenerMessage::Welcome(_))).await;
        client.sequence = Sequence::new(items);
        client
    }

    async fn hello(endpoint: &Endpoint, code: Option<Code>, key: [u8; 32], at: Duration) -> Self {
        let channel = endpoint.connect().await.expect("the listener can be reached");
        let (outbound, queue) = mpsc::channel(OUTBOUND);
        let hello = Hello {
            client_version: "test".to_owned(),
            capabilities: TestKind::ALL.to_vec(),
            key: ClientKey::new(key),
            code,
            clock_began: Timestamp::from_unix_us(0),
            at,
        };
        outbound.send(ClientMessage::Hello(hello).into()).await.expect("there is room");
        let answer = ListenerClient::new(channel).session(ReceiverStream::new(queue)).await;
        let inbound = answer.expect("the listener answers").into_inner();
        Self { sequence: Sequence::NONE, outbound, inbound }
    }

    /// Waits for the welcome, agrees, and waits until that is durable.
    ///
    /// # Panics
    /// When the listener does not welcome or acknowledge.
    pub async fn consent(&mut self) {
        self.hear("the welcome", |message| matches!(message, ListenerMessage::Welcome(_))).await;
        self.send(vec![Item::Consent { at: Duration::ZERO, names: false }]).await;
        self.stored().await;
    }

    /// Sends items, waiting for room.
    ///
    /// # Panics
    /// When the stream is closed.
    pub async fn send(&mut self, items: Vec<Item>) {
        let batch = Batch { first: self.sequence.plus(1), items };
        self.sequence = batch.last();
        self.outbound.send(ClientMessage::Batch(batch).into()).await.expect("the stream is open");
    }

    /// Waits until all that was sent is durable.
    ///
    /// # Panics
    /// When the listener does not say so in time.
    pub async fn stored(&mut self) {
        let last = self.sequence;
        let is_last = move |message: &ListenerMessage| match message {
            ListenerMessage::Acknowledge(through) => *through >= last,
            ListenerMessage::Welcome(_) | ListenerMessage::Instruction(_) | ListenerMessage::Goodbye { .. } => false,
        };
        self.hear("the acknowledgement", is_last).await;
    }

    /// Reads what the listener says next; `None` when it has closed the stream.
    ///
    /// # Panics
    /// When the stream breaks.
    pub async fn next(&mut self) -> Option<v1::ListenerMessage> {
        self.inbound.message().await.expect("the stream holds")
    }

    async fn hear(&mut self, what: &str, wanted: impl Fn(&ListenerMessage) -> bool) {
        loop {
            let message = timeout(PATIENCE, self.next()).await.unwrap_or_else(|_| panic!("{what} does not come"));
            let message = message.unwrap_or_else(|| panic!("the stream ended before {what}"));
            if wanted(&ListenerMessage::try_from(message).expect("what the listener says is sound")) {
                return;
            }
        }
    }
}

/// Makes a ping's sample: a reply after 10 ms to a probe sent at some time of the test.
#[must_use]
pub fn reply(test: TestId, seq: u32, at: Duration) -> Item {
    let from = [192, 0, 2, 1].into();
    let reply = PingReply { rtt: Duration::from_millis(10), from, ttl: None, clock: Clock::Kernel };
    Item::Sample { test, sample: Sample::Ping(PingSample { seq, at, outcome: PingOutcome::Reply(reply) }) }
}
