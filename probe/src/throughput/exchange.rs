//! One HTTP/1.1 request on one connection, driven in the task of the one who waits for it.

mod line;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HOST, HeaderValue, LOCATION, USER_AGENT};
use http::request::Builder;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use secrecy::{ExposeSecret, SecretString};

use self::line::Line;
use super::SpeedTarget;
use super::open::{Cut, Opened, Peer, Unsent};
use super::target::Target;
use crate::ProbeError;

/// How much hyper reads at once: enough for a body whose length is not told beforehand. Others do not pass through it.
const READ_BYTES: usize = 64 * 1024;
/// How much hyper holds back of a body to send: little, so that what it took has about been sent.
const WRITE_BYTES: usize = 16 * 1024;
/// The most redirections followed.
const MAX_REDIRECTIONS: usize = 5;

/// A connection that is ready for its one request.
pub(super) struct Exchange<B: Body + 'static> {
    peer: String,
    url: String,
    sender: SendRequest<B>,
    line: Line<B>,
    cut: Cut,
}

/// Which buffers matter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bulk {
    /// Much is read.
    Read,
    /// Much is written.
    Write,
}

impl<B> Exchange<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Opens a connection to the peer.
    pub(super) async fn open(peer: &Peer, bulk: Bulk) -> Result<Self, ProbeError> {
        Self::over(peer, bulk, peer.open().await?).await
    }

    /// Takes a connection to the peer that is open.
    pub(super) async fn over(peer: &Peer, bulk: Bulk, opened: Opened) -> Result<Self, ProbeError> {
        let Opened { mut io, cut, .. } = opened;
        let name = peer.name();
        let mut builder = http1::Builder::new();
        match bulk {
            Bulk::Read => {
                io.inner_mut().expect_much();
                builder.read_buf_exact_size(Some(READ_BYTES));
            }
            Bulk::Write => {
                builder.max_buf_size(WRITE_BYTES);
            }
        }
        let (sender, connection) = builder.handshake(io).await.map_err(|error| broken(&name, &error))?;
        Ok(Self { peer: name, url: peer.target.url(), sender, line: Line::of(connection), cut })
    }

    /// Gives what decides how much waits in this machine to be sent.
    pub(super) fn unsent(&self) -> Option<Unsent> {
        self.cut.unsent()
    }

    /// Sends the request and lets `read` have the response, unless its status tells that there is nothing to measure.
    pub(super) async fn run<T, F>(
        mut self,
        request: Request<B>,
        read: impl FnOnce(Response<Incoming>) -> F,
    ) -> Result<T, ProbeError>
    where
        F: Future<Output = Result<T, hyper::Error>>,
    {
        let response = self.ask(request).await?;
        let result = self.line.beside(read(response)).await.map_err(|error| broken(&self.peer, &error))?;
        self.cut.spare();
        Ok(result)
    }

    /// Sends the request and tells `wants_more` how much comes each time, until it does not or the body is at its end.
    pub(super) async fn count(
        mut self,
        request: Request<B>,
        wants_more: impl FnMut(u64) -> bool,
    ) -> Result<(), ProbeError> {
        let body = self.ask(request).await?.into_body();
        let counted = self.line.count(body, wants_more).await;
        counted.map_err(|why| ProbeError::Broken { peer: self.peer, why })?;
        self.cut.spare();
        Ok(())
    }

    /// Sends the request and waits for the response's head.
    async fn ask(&mut self, request: Request<B>) -> Result<Response<Incoming>, ProbeError> {
        let asking = self.sender.send_request(request);
        let response = self.line.beside(asking).await.map_err(|error| broken(&self.peer, &error))?;
        check(&self.url, response.status())?;
        Ok(response)
    }
}

/// Makes a request's head.
pub(super) fn request<B>(
    method: Method,
    target: &Target,
    token: Option<&SecretString>,
    body: B,
) -> Result<Request<B>, ProbeError> {
    let request = Request::builder().method(method).uri(&target.path).header(HOST, &target.authority);
    with_token(request, target, token, body)
}

/// Makes a request's head for HTTP/2.
pub(super) fn request_h2<B>(
    method: Method,
    target: &Target,
    token: Option<&SecretString>,
    body: B,
) -> Result<Request<B>, ProbeError> {
    with_token(Request::builder().method(method).uri(target.url()), target, token, body)
}

fn with_token<B>(
    request: Builder,
    target: &Target,
    token: Option<&SecretString>,
    body: B,
) -> Result<Request<B>, ProbeError> {
    let bad = |why| ProbeError::BadUrl { url: target.url(), why };
    let mut request =
        request.header(USER_AGENT, concat!("cnc/", env!("CARGO_PKG_VERSION"))).header(ACCEPT_ENCODING, "identity");
    if let Some(token) = token {
        let value = format!("Bearer {}", token.expose_secret());
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad("the token holds odd characters"))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request.body(body).map_err(|_| bad("it holds odd characters"))
}

/// Follows redirections from a target to a peer that answers there. It asks for heads alone; what else they say does
/// not matter, because some hosts answer them otherwise than the request itself.
pub(super) async fn follow(mut target: Target, speed: &SpeedTarget) -> Result<Peer, ProbeError> {
    let first = target.url();
    for _ in 0..=MAX_REDIRECTIONS {
        let peer = Peer::find(target, speed).await?;
        let Some(location) = location(&peer).await? else {
            return Ok(peer);
        };
        target = peer.target.redirected(&location)?;
    }
    Err(ProbeError::Redirects { url: first })
}

async fn location(peer: &Peer) -> Result<Option<String>, ProbeError> {
    let mut exchange = Exchange::<Empty<Bytes>>::open(peer, Bulk::Read).await?;
    let request = request(Method::HEAD, &peer.target, None, Empty::new())?;
    let asking = exchange.sender.send_request(request);
    let response = exchange.line.beside(asking).await;
    Ok(response.ok().filter(|response| response.status().is_redirection()).and_then(|response| {
        response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).map(ToOwned::to_owned)
    }))
}

/// Fails where a status tells that there is nothing to measure.
pub(super) fn check(url: &str, status: StatusCode) -> Result<(), ProbeError> {
    let url = url.to_owned();
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ProbeError::Denied { url, status: status.as_u16() }),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Err(ProbeError::Busy { url }),
        status => Err(ProbeError::Status { url, status: status.as_u16() }),
    }
}

/// Puts hyper's error into words.
pub(super) fn broken(peer: &str, error: &hyper::Error) -> ProbeError {
    ProbeError::Broken { peer: peer.to_owned(), why: line::words(error) }
}
