//! The peer: a tonic server that passes samples on to whoever watches, and does nothing else. It speaks as much of
//! `cnc.v1` as the load needs; a session goes by its code.
#![expect(clippy::print_stdout, reason = "it says its address to the process that started it")]

use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use anyhow::Result;
use cnc_proto::v1::{self, client_message, item, listener_server, watch_event};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::transport::{Identity, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// Events that wait for one watcher, as many as the listener keeps.
const WATCHER_EVENTS: usize = 1_024;

type Event = Result<v1::WatchEvent, Status>;

#[derive(Debug, Clone, Default)]
struct Relay {
    watchers: Arc<Mutex<HashMap<String, Vec<mpsc::Sender<Event>>>>>,
}

/// Serves until it is killed.
pub(super) async fn serve(certificates: Option<&Path>) -> Result<()> {
    let relay = Relay::default();
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", socket.local_addr()?);
    let mut server = tonic::transport::Server::builder();
    if let Some(folder) = certificates {
        let read = |name| std::fs::read(folder.join(name));
        server = server
            .tls_config(ServerTlsConfig::new().identity(Identity::from_pem(read("cert.pem")?, read("key.pem")?)))?;
    }
    let incoming = TcpListenerStream::new(socket).map(|accepted| {
        let stream = accepted?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    });
    server
        .add_service(listener_server::ListenerServer::new(relay.clone()))
        .add_service(Watch(relay))
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

impl Relay {
    fn pass_on(&self, session: &str, batch: v1::Batch) {
        let samples = (batch.first_sequence..)
            .zip(batch.items)
            .filter_map(|(sequence, item)| match item.item {
                Some(item::Item::Sample(sample)) => {
                    Some(v1::SequencedSample { sequence, test: item.test, sample: Some(sample) })
                }
                _ => None,
            })
            .collect();
        let event = v1::WatchEvent { event: Some(watch_event::Event::Samples(v1::Samples { samples })) };
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.get(session).into_iter().flatten() {
            // A full queue loses an event: this peer promises nothing.
            watcher.try_send(Ok(event.clone())).ok();
        }
    }
}

#[tonic::async_trait]
impl listener_server::Listener for Relay {
    type SessionStream = Pin<Box<dyn Stream<Item = Result<v1::ListenerMessage, Status>> + Send>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::ClientMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (relay, mut inbound) = (self.clone(), request.into_inner());
        let mut session = String::new();
        let nothing = async_stream::stream! {
            while let Some(message) = inbound.next().await {
                match message.map(|message| message.message) {
                    Ok(Some(client_message::Message::Hello(hello))) => session = hello.code.unwrap_or_default(),
                    Ok(Some(client_message::Message::Batch(batch))) => relay.pass_on(&session, batch),
                    Ok(None) => {}
                    Err(status) => yield Err(status),
                }
            }
        };
        Ok(Response::new(Box::pin(nothing)))
    }
}

/// The one call of `cnc.v1.Support` that the load makes.
#[derive(Debug, Clone)]
struct Watch(Relay);

impl tonic::server::NamedService for Watch {
    const NAME: &'static str = "cnc.v1.Support";
}

impl tonic::server::ServerStreamingService<v1::WatchSessionRequest> for Watch {
    type Response = v1::WatchEvent;
    type ResponseStream = ReceiverStream<Event>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<v1::WatchSessionRequest>) -> Self::Future {
        let (events, queue) = mpsc::channel(WATCHER_EVENTS);
        // The stream is up before the first sample: the load waits for this.
        events.try_send(Ok(v1::WatchEvent { event: None })).ok();
        let mut watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.entry(request.into_inner().session).or_default().push(events);
        std::future::ready(Ok(Response::new(ReceiverStream::new(queue))))
    }
}

impl<B> Service<http::Request<B>> for Watch
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let watch = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(tonic_prost::ProstCodec::default());
            Ok(grpc.server_streaming(watch, request).await)
        })
    }
}
