//! Bodies of uploads, past hyper: of a connection whose first request sends one, the head is read here, and whoever
//! answers the request may have the connection itself instead of a body in frames. It is closed behind the answer.
//! All else is hyper's, and so is an upload that is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use axum::body::Body;
use bytes::Bytes;
use cnc_probe::bulk::{Arriving, Discard, Framing, Room, discard};
use http::{HeaderMap, Request, Response, Version, header};
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::clock;

/// How the requests begin that are looked at.
const UPLOAD: &[u8] = b"POST /speed/upload";
/// How much of a head is read at once.
const HEAD_BYTES: usize = 2 << 10;
/// The longest answer that is written here: a few numbers, or a sentence.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// How long what still comes is thrown away behind an answer: a round trip of the worst line. Closed with something
/// unread, or not there any more when it comes, a connection is reset, and that may overtake the answer.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// A connection, plain or with TLS.
pub(super) type Stream = Box<dyn Line>;

/// Both directions of a connection, and that what comes may be thrown away.
pub(super) trait Line: AsyncRead + AsyncWrite + Discard + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Discard + Send + Unpin> Line for T {}

/// The connection of an upload, for whoever answers it; the request carries it.
#[derive(Clone)]
pub struct Direct(Arc<Mutex<State>>);

enum State {
    /// Nobody has taken the body yet.
    Offered { stream: Stream, framing: Framing, ahead: Vec<u8>, is_expected: bool },
    /// Somebody has.
    Taken,
    /// It was received, or what could be of it.
    Over(Stream),
}

/// A body that was taken; dropping it gives the connection back for the answer.
pub struct DirectBody {
    direct: Direct,
    arriving: Option<Arriving<Stream>>,
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").finish_non_exhaustive()
    }
}

impl fmt::Debug for DirectBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectBody").finish_non_exhaustive()
    }
}

impl Direct {
    /// Takes the body, and lets its sender go on who waits for leave; `None` when somebody has it.
    // Liveness: few bytes, for which a connection that has sent a head has room.
    pub async fn take(&self) -> Option<DirectBody> {
        let State::Offered { mut stream, framing, ahead, is_expected } = self.change(State::Taken) else { return None };
        if is_expected {
            // A connection that is gone says so when the body is read.
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok();
            stream.flush().await.ok();
        }
        Some(DirectBody { direct: self.clone(), arriving: Some(Arriving::new(stream, framing, ahead)) })
    }

    fn change(&self, to: State) -> State {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), to)
    }
}

impl DirectBody {
    /// Gives the body.
    ///
    /// # Panics
    /// Never: only dropping takes it away.
    pub const fn arriving(&mut self) -> &mut Arriving<impl AsyncRead + Discard + Unpin + use<>> {
        self.arriving.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for DirectBody {
    fn drop(&mut self) {
        if let Some(arriving) = self.arriving.take() {
            self.direct.change(State::Over(arriving.into_stream()));
        }
    }
}

/// How a connection begins.
pub(super) enum Beginning {
    /// With an upload.
    Upload(Box<Upload>),
    /// With something else, or the beginning of it.
    Other { stream: Stream, read: Bytes },
}

/// An upload's head, and its connection.
pub(super) struct Upload {
    request: Request<Body>,
    direct: Direct,
    read: Bytes,
}

/// Reads a connection's beginning, as far as it takes to know.
// Liveness: the peer sends, or `shutdown`, or the caller's time is over.
pub(super) async fn beginning(mut stream: Stream, shutdown: &CancellationToken) -> Beginning {
    let mut read = Vec::with_capacity(HEAD_BYTES);
    loop {
        let has_more = tokio::select! {
            // How it broke off, hyper finds out.
            read = stream.read_buf(&mut read) => read.is_ok_and(|bytes| bytes > 0),
            () = shutdown.cancelled() => false,
        };
        let may_be = read.starts_with(UPLOAD) || UPLOAD.starts_with(&read);
        if !has_more || !may_be || read.len() > MAX_HEADER_BYTES as usize {
            return Beginning::Other { stream, read: read.into() };
        }
        match head(&read) {
            Ok(None) => read.reserve(HEAD_BYTES),
            Ok(Some((request, framing, length))) => {
                let is_expected = expects(request.headers());
                let offered = State::Offered { stream, framing, ahead: read[length..].to_vec(), is_expected };
                let direct = Direct(Arc::new(Mutex::new(offered)));
                return Beginning::Upload(Box::new(Upload { request, direct, read: read.into() }));
            }
            Err(Strange) => return Beginning::Other { stream, read: read.into() },
        }
    }
}

/// A head that is better looked at by hyper.
struct Strange;

/// Reads a head; `None` while it has not come to its end.
fn head(read: &[u8]) -> Result<Option<(Request<Body>, Framing, usize)>, Strange> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(read).map_err(|_| Strange)? else { return Ok(None) };
    if head.version != Some(1) {
        return Err(Strange);
    }
    let mut request = Request::builder().method(head.method.unwrap_or_default()).uri(head.path.unwrap_or_default());
    for header in head.headers.iter() {
        request = request.header(header.name, header.value);
    }
    let request = request.version(Version::HTTP_11).body(Body::empty()).map_err(|_| Strange)?;
    let framing = Framing::of(request.headers()).ok_or(Strange)?;
    Ok(Some((request, framing, length)))
}

fn expects(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

impl Upload {
    /// Gives the request, which carries its connection.
    pub(super) fn request(&mut self) -> Request<Body> {
        let mut request = std::mem::take(&mut self.request);
        request.extensions_mut().insert(self.direct.clone());
        request
    }

    /// Writes the answer and closes; where the body was not taken, gives the connection back, and all that was read.
    pub(super) async fn answer(self, response: Response<Body>) -> io::Result<Option<(Stream, Bytes, Response<Body>)>> {
        let mut stream = match self.direct.change(State::Taken) {
            State::Offered { stream, .. } => return Ok(Some((stream, self.read, response))),
            State::Over(stream) => stream,
            State::Taken => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await.map_err(io::Error::other)?;
        let mut answer = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        if let Ok(now) = jiff::Timestamp::from_microsecond(clock::wall().unix_us()) {
            let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).map_err(io::Error::other)?;
            answer.extend_from_slice(format!("date: {date}\r\n").as_bytes());
        }
        for (name, value) in head.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
            answer.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        answer.extend_from_slice(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes());
        answer.extend_from_slice(&body);
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        // Whoever has not closed by then is cut.
        timeout(DRAIN_WITHIN, drain(stream)).await.unwrap_or_default();
        Ok(None)
    }
}

/// Throws away what still comes, until the peer closes.
// Liveness: bounded by the caller.
async fn drain(mut stream: Stream) {
    let mut room = Room::default();
    while discard(&mut stream, &mut room, u64::MAX).await.is_ok_and(|bytes| bytes > 0) {}
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::shared::Shared;
    use super::*;

    /// Gives a connection's client end, and how it begins with so much sent.
    async fn begun(sent: &[u8]) -> (TcpStream, Beginning) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let connecting = TcpStream::connect(listener.local_addr().expect("bound"));
        let (far, near) = tokio::join!(connecting, listener.accept());
        let mut far = far.expect("connects");
        far.write_all(sent).await.expect("room");
        let stream = Box::new(Shared::of(near.expect("accepted").0));
        (far, beginning(stream, &CancellationToken::new()).await)
    }

    async fn count(body: &mut DirectBody) -> u64 {
        let mut sum = 0;
        loop {
            match body.arriving().next().await.expect("whole") {
                0 => return sum,
                bytes => sum += bytes,
            }
        }
    }

    #[tokio::test]
    async fn an_upload_has_its_connection_to_itself_and_is_answered_over_it() {
        let heads = ["Content-Length: 300000", "Transfer-Encoding: chunked\r\nExpect: 100-continue"];
        for (head, framed) in heads.into_iter().zip([["", ""], ["493e0\r\n", "\r\n0\r\n\r\n"]]) {
            let sent = format!("POST /speed/upload?run=a HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{}", framed[0]);
            let (mut far, Beginning::Upload(mut upload)) = begun(sent.as_bytes()).await else { panic!("{head}") };
            let request = upload.request();
            assert_eq!(request.uri().query(), Some("run=a"));
            let direct = request.extensions().get::<Direct>().expect("it is carried");
            let mut body = direct.take().await.expect("nobody has it");
            assert!(direct.take().await.is_none(), "once");
            far.write_all(&vec![7; 300_000]).await.expect("it is read");
            far.write_all(framed[1].as_bytes()).await.expect("room");
            assert_eq!(count(&mut body).await, 300_000, "{head}");
            drop(body);
            let reading = async {
                let mut said = String::new();
                far.read_to_string(&mut said).await.expect("text");
                drop(far);
                said
            };
            let (answered, said) = tokio::join!(upload.answer(Response::new(Body::from("so much"))), reading);
            assert!(answered.expect("there is room").is_none());
            assert_eq!(said.starts_with("HTTP/1.1 100 Continue\r\n\r\n"), head.contains("Expect"), "{said}");
            assert!(said.contains("HTTP/1.1 200 OK\r\ndate: ") && said.ends_with("close\r\n\r\nso much"), "{said}");
        }
    }

    #[tokio::test]
    async fn an_answer_amid_the_body_reaches_whoever_still_sends() {
        let sent = b"POST /speed/upload HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n";
        let (mut far, Beginning::Upload(mut upload)) = begun(sent).await else { panic!("an upload") };
        let direct = upload.request().extensions().get::<Direct>().cloned().expect("it is carried");
        let mut body = direct.take().await.expect("nobody has it");
        far.write_all(&[7; 1_000]).await.expect("room");
        body.arriving().next().await.expect("some came");
        drop(body);
        let sending = async {
            far.write_all(&vec![7; 8_000_000]).await.expect("it is taken still");
            let mut said = String::new();
            far.read_to_string(&mut said).await.expect("an end, and no reset");
            drop(far);
            said
        };
        let (answered, said) = tokio::join!(upload.answer(Response::new(Body::from("enough"))), sending);
        assert!(answered.expect("there is room").is_none());
        assert!(said.ends_with("\r\n\r\nenough"), "{said}");
    }

    #[tokio::test]
    async fn what_is_refused_goes_back_with_all_that_was_read() {
        let sent = b"POST /speed/upload HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        let (_far, Beginning::Upload(upload)) = begun(sent).await else { panic!("an upload") };
        let mut refusal = Response::new(Body::empty());
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        let (_, read, refusal) = upload.answer(refusal).await.expect("nothing is written").expect("given back");
        assert_eq!((read.as_ref(), refusal.status()), (sent.as_slice(), StatusCode::UNAUTHORIZED));
    }

    #[tokio::test]
    async fn all_else_is_left_as_it_came() {
        let long = format!("POST /speed/upload HTTP/1.1\r\nX: {}", "x".repeat(20_000));
        for sent in [
            "GET / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "POST /speed/upload HTTP/1.0\r\nContent-Length: 3\r\n\r\n",
            "POST /speed/upload HTTP/1.1\r\n\r\n",
            "POST /speed/upload HTTP/1.1\r\nno header\r\n\r\n",
            &long,
        ] {
            let (_far, beginning) = begun(sent.as_bytes()).await;
            let Beginning::Other { read, .. } = beginning else { panic!("{sent:.40}") };
            assert!(!read.is_empty() && sent.as_bytes().starts_with(&read), "{sent:.40}");
        }
    }
}
