//! `cnc.v1.Listener`: reads a client's hello, then hands both directions of its stream to the session.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::{ClientMessage, Hello};
use cnc_proto::v1;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Services, status};
use crate::accept::ClientAddress;
use crate::limits::{Limits, Over, Pace, Place, Source};
use crate::metrics::Lasting;
use crate::sessions::{AttachError, Inbound, InboundError, OUTBOUND};

/// How long a stream may be open before its hello is here; a client sends it at once.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Where clients come in.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) services: Services,
}

type Outgoing = Pin<Box<dyn Stream<Item = Result<v1::ListenerMessage, Status>> + Send>>;

#[tonic::async_trait]
impl v1::listener_server::Listener for Door {
    type SessionStream = Outgoing;

    async fn session(&self, request: Request<Streaming<v1::ClientMessage>>) -> Result<Response<Outgoing>, Status> {
        let address = request.extensions().get::<ClientAddress>().copied();
        let ClientAddress(address) = address.ok_or_else(|| Status::internal("the peer's address is not known"))?;
        let limits = &self.services.limits;
        let place = limits.stream(address).map_err(status::over)?;
        let waiting = limits.hello().map_err(status::over)?;
        let mut incoming = request.into_inner();
        let hello = hello(&mut incoming).await?;
        drop(waiting);
        let (outbound, queue) = mpsc::channel(OUTBOUND);
        let tries_a_code = self.tries(&hello, address).await?;
        let attached =
            self.services.sessions.attach(hello, address, inbound(incoming, Arc::clone(limits)), outbound).await;
        if tries_a_code && !matches!(attached, Err(AttachError::UnknownCode(_))) {
            self.services.limits.tried_right(address);
        }
        if let Err(error) = attached {
            self.services.metrics.client_refused();
            tracing::debug!(%error, "a client was not let in");
            return Err(status::not_attached(&error));
        }
        Ok(Response::new(outgoing(queue, (place, self.services.metrics.stream()))))
    }
}

impl Door {
    /// Tells whether a hello tries a code; a key that has joined comes back without one, whatever was tried before.
    async fn tries(&self, hello: &Hello, address: IpAddr) -> Result<bool, Status> {
        let known = async { self.services.sessions.knows_key(&hello.key).await.map_err(|error| status::store(&error)) };
        if hello.code.is_none() || known.await? {
            return Ok(false);
        }
        self.services.limits.try_one(address).map_err(|over| {
            self.services.metrics.client_refused();
            status::over(over)
        })?;
        Ok(true)
    }
}

async fn hello(incoming: &mut Streaming<v1::ClientMessage>) -> Result<Hello, Status> {
    let first = timeout(HELLO_WITHIN, incoming.message()).await.map_err(|_| status::no_hello("none came"))??;
    let message = first.ok_or_else(|| status::no_hello("the stream ended"))?;
    match ClientMessage::try_from(message).map_err(|error| status::invalid(&error))? {
        ClientMessage::Hello(hello) => Ok(hello),
        ClientMessage::Batch(_) => Err(status::no_hello("it was a batch")),
    }
}

/// What comes after the hello, checked. Messages of a kind that only a newer client knows are passed over.
fn inbound(incoming: Streaming<v1::ClientMessage>, limits: Arc<Limits>) -> Inbound {
    let mut pace = Pace::from(limits.now());
    Box::pin(incoming.filter_map(move |message| {
        let checked = match message {
            Ok(message) if !pace.take(items(&message), limits.now()) => {
                Some(Err(InboundError::TooMuch(limits.reached(Over::Items))))
            }
            Ok(message) => match ClientMessage::try_from(message) {
                Ok(message) => Some(Ok(message)),
                Err(error) if error.is_unknown() => None,
                Err(error) => Some(Err(InboundError::Invalid(error.to_string()))),
            },
            Err(broken) => Some(Err(InboundError::Broken(broken.message().to_owned()))),
        };
        std::future::ready(checked)
    }))
}

/// Counts what a message holds, before it is read any further.
fn items(message: &v1::ClientMessage) -> usize {
    match &message.message {
        Some(v1::client_message::Message::Batch(batch)) => batch.items.len(),
        Some(v1::client_message::Message::Hello(_)) | None => 0,
    }
}

/// What a stream holds for as long as it lasts.
type Held = (Place<Source>, Lasting);

type Queue = mpsc::Receiver<Box<Result<cnc_model::message::ListenerMessage, crate::sessions::Closing>>>;

fn outgoing(queue: Queue, held: Held) -> Outgoing {
    Box::pin(ReceiverStream::new(queue).map(move |message| {
        let _held = &held;
        message.map(v1::ListenerMessage::from).map_err(|closing| status::closing(&closing))
    }))
}
