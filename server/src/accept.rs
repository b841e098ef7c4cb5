//! The accept loop: one port for gRPC and HTTP, with or without TLS, and an orderly end.
//!
//! It knows connections and their limits, nothing of what is asked over them.

mod client_address;
mod direct;
mod liveness;
mod patient;
mod rewound;
mod shared;
mod streams;
mod tls;
mod unread;
mod validity;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use cnc_probe::bulk::Gathered;
use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use client_address::{ClientAddress, Forwarding};
pub use direct::{Direct, DirectBody};
pub use shared::Wire;
pub use tls::{Tls, TlsError};
pub use unread::{Taking, Unread};

use crate::limits::{Limits, Over};
use crate::metrics::Metrics;
use direct::{Beginning, Stream, Upload};
use patient::Patient;
use rewound::Rewound;
use shared::Shared;
use streams::Streams;

/// The most connections at a time, under the usual limit of open files; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 20_000;
/// How long a TLS handshake may take: many round trips of a bad mobile network.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may be open before its first request is here, and HTTP/1.1 may take for a request's head:
/// what merely holds a place is let go.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// How long a peer may leave what is written to it unread: the longest outage that TCP itself gets over in a session.
const WRITE_WITHIN: Duration = Duration::from_mins(1);
/// How long a peer may leave a body alone that it asked for: whoever takes a kilobyte a second is still let on.
const TAKE_WITHIN: Duration = Duration::from_mins(5);
/// How long an HTTP/2 connection may stay without a stream: whoever comes back so late connects again.
const QUIET: Duration = Duration::from_mins(10);
/// How long connections may take to end once asked to; then they are cut.
const END_WITHIN: Duration = Duration::from_secs(5);
/// The wait after the system would not give a connection, as when no file descriptor is left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// HTTP/2's windows: with the usual ones half the rate is lost on long ways.
const WINDOW_BYTES: u32 = 4 << 20;
/// The most that waits in TLS over HTTP/2, one record: small answers wait behind it where there is a load.
const SMALL_TLS_BYTES: usize = 16 << 10;
/// The most HTTP/2 streams of one connection: a client needs one, a console a few for each session it watches.
const MAX_STREAMS: u32 = 64;
/// The most bytes of a request's headers: tokens and a proxy's additions fit many times.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// The most headers of an HTTP/1.1 request.
const MAX_HEADERS: usize = 64;

/// What every connection is served with.
#[derive(Clone)]
pub struct Acceptor {
    /// What answers requests.
    pub router: axum::Router,
    /// How TLS is spoken; `None` for plain connections.
    pub tls: Option<Arc<Tls>>,
    /// Who may name clients' addresses.
    pub forwarding: Arc<Forwarding>,
    /// Where connections are counted.
    pub metrics: Arc<Metrics>,
    /// How many there may be.
    pub limits: Arc<Limits>,
}

impl Acceptor {
    /// Accepts until told to stop, then lets running requests end for a while.
    // Liveness: ended by `shutdown`; connections get `END_WITHIN` after it.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let cut = CancellationToken::new();
        loop {
            let place = tokio::select! {
                () = shutdown.cancelled() => break,
                // Liveness: a connection that ends gives its place back; the semaphore is never closed.
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // Boxed, or its task would have room for it twice: before it begins and while it runs.
                    let connection =
                        Box::pin(self.clone().connection(stream, peer, shutdown.clone(), connections.clone()));
                    let cut = cut.clone();
                    connections.spawn(async move {
                        let _place = place;
                        tokio::select! {
                            () = connection => {}
                            () = cut.cancelled() => {}
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        connections.close();
        if timeout(END_WITHIN, connections.wait()).await.is_err() {
            tracing::debug!(left = connections.len(), "connections are cut");
            cut.cancel();
            // What HTTP/2 streams still do is abandoned with the runtime.
            timeout(ACCEPT_RETRY, connections.wait()).await.unwrap_or_default();
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken, tasks: TaskTracker) {
        let _open = self.metrics.connection();
        let Ok(_place) = self.limits.connection(peer.ip(), self.forwarding.trusts(peer.ip())) else { return };
        if let Err(error) = stream.set_nodelay(true).and_then(|()| liveness::watch(&stream)) {
            tracing::debug!(%error, "a connection ended at once");
            return;
        }
        let stream = Shared::of(stream);
        let wire = stream.wire();
        let Some(tls) = self.tls.as_ref().map(|tls| tls.acceptor()) else {
            return self.serve(Box::new(stream), (peer, wire), shutdown, tasks).await;
        };
        // The handshake of many round trips is boxed: its state is far larger than what follows.
        let handshake = Box::pin(async {
            let mut turn = self.limits.handshake();
            if turn.is_none() {
                self.limits.reached(Over::Handshakes);
                turn = self.limits.handshake_turn().await;
            }
            let _turn = turn;
            tls.accept(Gathered::new(stream)).await
        });
        match timeout(HANDSHAKE_WITHIN, handshake).await {
            Ok(Ok(mut stream)) => {
                let session = stream.get_mut().1;
                if session.alpn_protocol() == Some(b"h2") {
                    session.set_buffer_limit(Some(SMALL_TLS_BYTES));
                }
                self.serve(Box::new(stream), (peer, wire), shutdown, tasks).await;
            }
            Ok(Err(error)) => {
                self.metrics.handshake_failed();
                tracing::debug!(%peer, %error, "TLS handshake failed");
            }
            Err(_) => {
                self.metrics.handshake_failed();
                tracing::debug!(%peer, "TLS handshake took too long");
            }
        }
    }

    /// Serves a connection: an upload that comes first has it to itself, all else is hyper's.
    async fn serve(
        self,
        stream: Stream,
        (peer, wire): (SocketAddr, Wire),
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) {
        let within = Instant::now() + REQUEST_WITHIN;
        // Liveness: bounded here; what is read and what is taken in then is bounded where it is.
        let Ok(beginning) = timeout_at(within, Box::pin(direct::beginning(stream, &shutdown))).await else {
            tracing::debug!(%peer, "connection asked for nothing");
            return;
        };
        let (stream, answer) = match beginning {
            Beginning::Other { stream, read } => (Rewound::new(read, stream), None),
            Beginning::Upload(upload) => match Box::pin(self.take_upload(upload, peer, &wire)).await {
                Some((stream, read, answer)) => (Rewound::new(read, stream), Some(answer)),
                None => return,
            },
        };
        self.serve_by_hyper(Begun { stream, answer, within }, (peer, wire), shutdown, tasks).await;
    }

    /// Lets an upload be answered; gives back its connection, with the answer, when nobody wanted its body.
    async fn take_upload(
        &self,
        mut upload: Box<Upload>,
        peer: SocketAddr,
        wire: &Wire,
    ) -> Option<(Stream, Bytes, Response<Body>)> {
        let mut request = upload.request();
        request.extensions_mut().insert(wire.clone());
        let Ok(response) = self.answer(request, peer).await;
        match timeout(WRITE_WITHIN, upload.answer(response)).await {
            Ok(Ok(refused)) => refused,
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "connection ended badly");
                None
            }
            Err(_) => {
                self.limits.reached(Over::SlowReader);
                None
            }
        }
    }

    async fn serve_by_hyper(
        self,
        Begun { stream, answer, within }: Begun,
        (peer, wire): (SocketAddr, Wire),
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) {
        let asked = Arc::new(AtomicBool::new(false));
        let limits = Arc::clone(&self.limits);
        let unread = Unread::default();
        let known = Mutex::new(answer);
        let service = service_fn({
            let (asked, unread) = (Arc::clone(&asked), unread.clone());
            move |request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(unread.clone());
                request.extensions_mut().insert(wire.clone());
                // The first request may have been answered already, when it was found out that hyper is to serve it.
                match known.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    Some(answer) => Either::Left(std::future::ready(Ok(answer))),
                    None => Either::Right(self.answer(request, peer)),
                }
            }
        });
        let streams = Streams::of(tasks);
        let builder = builder(streams.clone());
        let slow = {
            let limits = Arc::clone(&limits);
            move || {
                limits.reached(Over::SlowReader);
            }
        };
        let mut connection =
            pin!(builder.serve_connection(TokioIo::new(Patient::new(stream, WRITE_WITHIN, slow)), service));
        let mut quiet = pin!(streams.quiet(QUIET));
        let mut left_alone = pin!(unread.left_alone(TAKE_WITHIN));
        let mut first_request = pin!(tokio::time::sleep_until(within));
        let mut ending = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "connection ended badly");
                    }
                    return;
                }
                () = shutdown.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = quiet.as_mut(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = left_alone.as_mut() => {
                    limits.reached(Over::SlowReader);
                    tracing::debug!(%peer, "connection leaves alone what it asked for");
                    return;
                }
                () = first_request.as_mut(), if !first_request.is_elapsed() => {
                    if !asked.load(Ordering::Relaxed) {
                        tracing::debug!(%peer, "connection asked for nothing");
                        return;
                    }
                }
            }
        }
    }

    fn answer(
        &self,
        mut request: Request<Body>,
        peer: SocketAddr,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let address = self.forwarding.client(peer.ip(), request.headers());
        request.extensions_mut().insert(ClientAddress(address));
        self.router.clone().oneshot(request)
    }
}

/// A connection that hyper is to serve.
struct Begun {
    stream: Rewound<Stream>,
    /// The answer to its first request, where that was asked for already.
    answer: Option<Response<Body>>,
    /// Until when its first request has to be here.
    within: Instant,
}

fn builder(streams: Streams) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(streams);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_headers(MAX_HEADERS)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(liveness::PING_EVERY)
        .keep_alive_timeout(liveness::PONG_WITHIN)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES);
    builder
}
