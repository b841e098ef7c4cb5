//! The speed endpoints: who may use them and how many at a time. What they send and count is `cnc-probe`'s.

mod turn;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use cnc_model::test::{MAX_BYTES, MAX_LOAD};
use cnc_model::throughput::Direction;
use cnc_probe::respond::{self, Attended, Run};
use http::{HeaderMap, HeaderName, StatusCode, Version, header};
use http_body::{Frame, SizeHint};
use http_body_util::Limited;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::pages::over_plain;
use super::{Web, token};
use crate::accept::{ClientAddress, Direct, Taking, Unread, Wire};
use crate::limits::{self, Over, Source};
use crate::metrics::Lasting;
use turn::TurnBody;

/// How long one upload may take: the longest test, and some time for its start and end.
const TRANSFER_WITHIN: Duration = MAX_LOAD.saturating_add(Duration::from_mins(1));

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    bytes: u64,
    run: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    run: String,
    direction: Way,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Download,
    Upload,
}

#[derive(Debug, Deserialize)]
pub(super) struct InRun {
    run: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfRun {
    run: String,
}

/// Sends so many bytes.
pub(super) async fn download(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Response {
    let place = match Place::take(&web, address, request.headers()) {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    if wanted.bytes > MAX_BYTES {
        return (StatusCode::BAD_REQUEST, format!("at most {MAX_BYTES} bytes are sent\n")).into_response();
    }
    let run = match wanted.run.map(|id| web.runs.open(&id)).transpose() {
        Ok(run) => run,
        Err(error) => return run_refused(error),
    };
    let Connection { unread, socket } = Connection::of(&request);
    if let Some(socket) = socket.as_ref().filter(|_| request.version() == Version::HTTP_2) {
        // Small answers go beside this load.
        respond::keep_short(socket);
    }
    let attended = run.as_ref().map(|run| run.attend(own_line(&request, address, socket)));
    let (body, taking) = (respond::download(wanted.bytes), unread.begin());
    let body = Body::new(Sending { body, place, taking, run, _attended: attended });
    ([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// Takes what is sent, drops it, and tells how much it was.
pub(super) async fn upload(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(wanted): Query<InRun>,
    request: Request,
) -> Response {
    let place = match Place::take(&web, address, request.headers()) {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let run = match wanted.run.map(|id| web.runs.open(&id)).transpose() {
        Ok(run) => run,
        Err(error) => return run_refused(error),
    };
    let Connection { socket, .. } = Connection::of(&request);
    let _attended = run.as_ref().map(|run| run.attend(own_line(&request, address, socket)));
    match tokio::time::timeout(TRANSFER_WITHIN, take_in(request, run.as_ref())).await {
        Ok(Some(uploaded)) => {
            place.web.services.metrics.received(uploaded.bytes);
            Json(uploaded).into_response()
        }
        // The sender broke off, as every test does that runs for a time: nobody reads an answer.
        Ok(None) => StatusCode::BAD_REQUEST.into_response(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the upload took too long\n").into_response(),
    }
}

/// Takes in a body: past hyper where the connection is the request's alone. `None` where it breaks off.
async fn take_in(request: Request, run: Option<&Run>) -> Option<respond::Uploaded> {
    if let Some(direct) = request.extensions().get::<Direct>()
        && let Some(mut body) = direct.take().await
    {
        return respond::upload_direct(body.arriving(), run, MAX_BYTES).await.ok();
    }
    let body = Limited::new(request.into_body(), usize::try_from(MAX_BYTES).unwrap_or(usize::MAX));
    respond::upload(body, run).await.ok()
}

/// Gives a test its turn, and tells it how it fares.
pub(super) async fn turn(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admitted(&web, &headers) {
        return refused;
    }
    let run = match web.runs.open(&asked.run) {
        Ok(run) => run,
        Err(error) => return run_refused(error),
    };
    let direction = match asked.direction {
        Way::Download => Direction::Download,
        Way::Upload => Direction::Upload,
    };
    // Many clients may share an address of this machine's own: that of a proxy that names none.
    let from = (!limits::is_own(address)).then(|| Source::of(address));
    let Some(ticket) = web.turns.ask(from, web.services.limits.now()) else {
        return over_plain(web.services.limits.reached(Over::Transfers));
    };
    let head = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that gathers lines would keep the test waiting (nginx asks for this).
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (head, Body::new(TurnBody::new(web, ticket, run, direction))).into_response()
}

/// Answers with a byte: what probes beside a load ask for.
pub(super) async fn probe(State(web): State<Web>, headers: HeaderMap) -> Response {
    match admitted(&web, &headers) {
        Ok(()) => ([(header::CACHE_CONTROL, "no-store")], ".").into_response(),
        Err(refused) => refused,
    }
}

/// Tells what has arrived of a run's uploads while they go on.
pub(super) async fn counts(State(web): State<Web>, Query(wanted): Query<OfRun>, headers: HeaderMap) -> Response {
    if let Err(refused) = admitted(&web, &headers) {
        return refused;
    }
    match web.runs.open(&wanted.run) {
        Ok(run) => {
            let kind = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
            (kind, Body::new(respond::counts(run))).into_response()
        }
        Err(error) => run_refused(error),
    }
}

/// Gives the connection, where it is the client's own and not a proxy's in between.
fn own_line(request: &Request, client: IpAddr, socket: Option<Arc<TcpStream>>) -> Option<Arc<TcpStream>> {
    let forwarded = request.headers().contains_key("x-forwarded-for") || request.headers().contains_key("forwarded");
    socket.filter(|socket| {
        !forwarded && socket.peer_addr().is_ok_and(|peer| peer.ip().to_canonical() == client.to_canonical())
    })
}

/// The connection that a request came over.
struct Connection {
    unread: Unread,
    /// `None` once it is closed.
    socket: Option<Arc<TcpStream>>,
}

impl Connection {
    fn of(request: &Request) -> Self {
        let unread = request.extensions().get::<Unread>().cloned().unwrap_or_default();
        Self { unread, socket: request.extensions().get::<Wire>().and_then(Wire::socket) }
    }
}

fn run_refused(error: respond::RunError) -> Response {
    let status = match error {
        respond::RunError::Full => StatusCode::SERVICE_UNAVAILABLE,
        respond::RunError::InvalidId => StatusCode::BAD_REQUEST,
    };
    (status, format!("{error}\n")).into_response()
}

#[expect(clippy::result_large_err, reason = "the error is the answer itself, given at once")]
fn admitted(web: &Web, headers: &HeaderMap) -> Result<(), Response> {
    let known = |token| web.services.sessions.speed_token_valid(token);
    if web.public_speed || token(headers).is_some_and(known) {
        return Ok(());
    }
    let why = "the speed test wants the token of a running session: join one with `cnc run`, or ask the operator for \
               `public_speed = true`\n";
    Err((StatusCode::UNAUTHORIZED, why).into_response())
}

/// A place among the transfers, given back when the transfer ends.
struct Place {
    web: Web,
    _held: limits::Place<Source>,
    _counted: Lasting,
}

impl Place {
    #[expect(clippy::result_large_err, reason = "the error is the answer itself, given at once")]
    fn take(web: &Web, address: IpAddr, headers: &HeaderMap) -> Result<Self, Response> {
        admitted(web, headers)?;
        let place = web.services.limits.transfer(address).map_err(|over| {
            web.services.metrics.transfer_refused();
            over_plain(over)
        })?;
        Ok(Self { web: web.clone(), _held: place, _counted: web.services.metrics.transfer() })
    }
}

/// A download that counts what it sends and keeps its place meanwhile.
struct Sending {
    body: respond::Download,
    place: Place,
    taking: Taking,
    run: Option<Run>,
    _attended: Option<Attended>,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.place.web.services.metrics.sent(bytes);
            match &self.run {
                Some(run) => run.count_handed(bytes),
                None => self.place.web.runs.count_sent(bytes),
            }
            self.taking.more();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
