//! A client that speaks `cnc.v1` by hand and sends what it likes.

use std::time::Duration;

use cnc_integration_tests::staff::Staff;
use cnc_proto::v1;
use cnc_proto::v1::client_message::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

/// Longer than any answer takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of its own.
pub(super) async fn connect(url: &str) -> Channel {
    Endpoint::new(url.to_owned()).expect("a URL").connect().await.expect("the listener can be reached")
}

/// A sound hello with a key made of a number.
pub(super) fn hello(key: u64, code: Option<String>) -> v1::Hello {
    let key = key.to_be_bytes().repeat(4);
    v1::Hello { client_version: "0.1.0".into(), capabilities: vec![1, 2, 3, 4, 5], key, code, ..v1::Hello::default() }
}

pub(super) fn say(hello: v1::Hello) -> v1::ClientMessage {
    v1::ClientMessage { message: Some(Message::Hello(Box::new(hello))) }
}

pub(super) fn batch(first_sequence: u64, items: Vec<v1::Item>) -> v1::ClientMessage {
    v1::ClientMessage { message: Some(Message::Batch(v1::Batch { first_sequence, items })) }
}

pub(super) fn consent() -> v1::Item {
    v1::Item { test: 0, item: Some(v1::item::Item::Consent(v1::Consent::default())) }
}

/// Makes a session and gives its code.
pub(super) async fn code(staff: &mut Staff) -> String {
    staff.create_session(Some("ping")).await.code.to_string()
}

/// An open stream.
pub(super) struct Stream {
    pub(super) outbound: mpsc::Sender<v1::ClientMessage>,
    pub(super) inbound: Streaming<v1::ListenerMessage>,
}

impl Stream {
    /// Opens a stream that begins with these messages.
    pub(super) async fn open(channel: Channel, first: Vec<v1::ClientMessage>) -> Result<Self, Status> {
        let (outbound, queue) = mpsc::channel(first.len().max(256));
        for message in first {
            outbound.try_send(message).expect("there is room");
        }
        let mut listener = v1::listener_client::ListenerClient::new(channel);
        let inbound = listener.session(ReceiverStream::new(queue)).await?.into_inner();
        Ok(Self { outbound, inbound })
    }

    /// Reads until the listener ends the stream, and gives its last word.
    pub(super) async fn end(&mut self) -> Status {
        loop {
            match timeout(PATIENCE, self.inbound.message()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Status::ok("the stream ended"),
                Ok(Err(status)) => return status,
                Err(_) => return Status::new(Code::DeadlineExceeded, "no answer within the test's patience"),
            }
        }
    }
}

/// Sends these messages on a stream of their own, and gives the listener's last word.
pub(super) async fn answer(channel: Channel, messages: Vec<v1::ClientMessage>) -> Status {
    match timeout(PATIENCE, Stream::open(channel, messages)).await {
        Ok(Ok(mut stream)) => stream.end().await,
        Ok(Err(status)) => status,
        Err(_) => Status::new(Code::DeadlineExceeded, "no answer within the test's patience"),
    }
}
