//! One HTTP/2 connection to the listener: it carries a load, and small requests beside it.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::exchange::{broken, check};
use super::open::{Alpn, Cut, Opened, Peer};
use super::upload::body::Noise;
use crate::ProbeError;

/// How much a stream and the connection may have on their way: what 1 Gbit/s holds over 60 ms.
const WINDOW_BYTES: u32 = 8 << 20;
/// How much HTTP/2 holds back of a body to send: little, or small requests would wait in this program.
const SEND_BYTES: usize = 64 << 10;

/// An upload's body, or none.
pub(super) type CarrierBody = Either<Noise, Empty<Bytes>>;

/// The connection. Dropping it cuts it.
pub(super) struct Carrier {
    peer: String,
    url: String,
    sender: SendRequest<CarrierBody>,
    cut: Cut,
    _stop: DropGuard,
}

/// Runs a connection's tasks until it is dropped.
#[derive(Clone)]
struct Tasks {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, task: F) {
        let stop = self.stop.clone();
        // Liveness: ends with the connection.
        self.tasks.spawn(async move { drop(stop.run_until_cancelled(task).await) });
    }
}

impl Carrier {
    /// Opens the connection; fails where the peer does not speak HTTP/2.
    pub(super) async fn open(peer: &Peer) -> Result<Self, ProbeError> {
        let Opened { io, cut, .. } = peer.open_as(Alpn::Http2).await?;
        let name = peer.name();
        let tasks = Tasks { tasks: TaskTracker::new(), stop: CancellationToken::new() };
        let mut builder = Builder::new(tasks.clone());
        builder
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(SEND_BYTES);
        let (sender, connection) = builder.handshake(io).await.map_err(|error| broken(&name, &error))?;
        tasks.execute(connection);
        Ok(Self { peer: name, url: peer.target.url(), sender, cut, _stop: tasks.stop.drop_guard() })
    }

    /// Gives what sends small requests beside the load.
    pub(super) fn sender(&self) -> SendRequest<CarrierBody> {
        self.sender.clone()
    }

    /// Sends the load's request and lets `read` have the response.
    pub(super) async fn run<T, F>(
        mut self,
        request: Request<CarrierBody>,
        read: impl FnOnce(Response<Incoming>) -> F,
    ) -> Result<T, ProbeError>
    where
        F: Future<Output = Result<T, hyper::Error>>,
    {
        let failed = |error| broken(&self.peer, &error);
        let response = self.sender.send_request(request).await.map_err(failed)?;
        check(&self.url, response.status())?;
        let result = read(response).await.map_err(failed);
        if result.is_ok() {
            self.cut.spare();
        }
        result
    }
}
