//! One HTTP request, timed phase by phase (`http/1`): name, TCP, TLS, the answer's first byte, the rest. What goes
//! wrong on the way is a result, with the phases so far.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cnc_model::Family;
use cnc_model::http::{HttpSummary, METHOD};
use cnc_model::summary::Measured;
use cnc_model::test::MAX_HTTP_BYTES;
use http::Request;
use http::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::race::Race;
use crate::throughput::target::Target;
use crate::tunnel::{self, Proxy};
use crate::{Engine, ProbeError, resolve};

mod connect;

use connect::{connect, families, line_up};

/// How long the TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(8);
/// How long the answer's head may take, and then its body.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// What is asked, and how it may be reached.
#[derive(Clone)]
pub struct HttpTarget {
    /// The address.
    pub url: String,
    /// Which IP version to use.
    pub family: Family,
    /// Whom to trust, speaking HTTP/1.1.
    pub tls: Arc<ClientConfig>,
    /// The proxy that leads there; its tunnel is asked for by name, and what it connects to it does not tell.
    pub proxy: Option<Proxy>,
    /// Tells who signed the last certificate that was shown.
    pub issuer: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    /// Who signed the certificate that is to be shown, where that is known.
    pub expected_issuer: Option<String>,
    /// Puts a failed handshake into words.
    pub words: Arc<dyn Fn(&rustls::Error) -> String + Send + Sync>,
    /// Tells whether an address may be connected to.
    pub admit: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, family, .. } = self;
        f.debug_struct("HttpTarget").field("url", url).field("family", family).finish_non_exhaustive()
    }
}

/// Asks once. Redirections are told and not followed.
///
/// # Errors
/// Fails where nothing can be asked at all: the URL makes no sense, its name has no address, or none that is admitted.
pub async fn http(target: &HttpTarget) -> Result<HttpSummary, ProbeError> {
    let parsed = Target::parse(&target.url)?;
    let engine = if parsed.is_tls { Engine::Https } else { Engine::Http };
    let measured = Measured {
        host: target.url.clone(),
        method: METHOD.into(),
        engine: engine.name().into(),
        ..Measured::default()
    };
    let mut summary = HttpSummary { measured, ..HttpSummary::default() };
    let began = Instant::now();
    let host = target.proxy.as_ref().map_or(&parsed.host, |proxy| &proxy.host);
    let addresses = resolve(host, target.family).await?;
    if target.proxy.is_none() {
        summary.dns = parsed.host.address().is_none().then(|| began.elapsed());
        if let Some(&address) = addresses.iter().find(|&&address| !(target.admit)(address)) {
            return Err(ProbeError::NotAdmitted { address });
        }
    }
    summary.proxy = target.proxy.as_ref().map(ToString::to_string);
    let mut race = line_up(parsed.port, &addresses);
    if let Err(why) = ask(target, &parsed, &addresses, &mut race, &mut summary).await {
        summary.error = Some(why);
    }
    summary.total = summary.status.map(|_| began.elapsed());
    if target.proxy.is_none() {
        (summary.v4, summary.v6) = families(race).await;
    }
    Ok(summary)
}

/// Goes through the phases; the error says in words where it ended.
async fn ask(
    target: &HttpTarget,
    parsed: &Target,
    addresses: &[IpAddr],
    race: &mut Race,
    summary: &mut HttpSummary,
) -> Result<(), String> {
    let stream = match &target.proxy {
        None => connect(race, summary).await?,
        Some(proxy) => through(proxy, parsed, addresses, summary).await?,
    };
    if !parsed.is_tls {
        return exchange(parsed, stream, summary).await;
    }
    let name = ServerName::try_from(parsed.host.as_str().to_owned()).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let connecting = TlsConnector::from(Arc::clone(&target.tls)).connect(name, stream);
    let agreed = timeout(TLS_WAIT, connecting).await;
    summary.issuer = (target.issuer)();
    let known = target.expected_issuer.as_ref().zip(summary.issuer.as_ref());
    summary.intercepted = known.map(|(expected, shown)| expected != shown);
    let stream = match agreed {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(format!("no secure connection: {}", tls_words(target, &error))),
        Err(_) => return Err("no secure connection: nobody answered the greeting in time".into()),
    };
    summary.tls = Some(began.elapsed());
    summary.tls_version = stream.get_ref().1.protocol_version().and_then(|version| version.as_str()).map(readable);
    exchange(parsed, stream, summary).await
}

/// Has a proxy connect; the time is until its tunnel is up.
async fn through(
    proxy: &Proxy,
    parsed: &Target,
    addresses: &[IpAddr],
    summary: &mut HttpSummary,
) -> Result<TcpStream, String> {
    let began = Instant::now();
    let mut stream = connect(&mut line_up(proxy.port, addresses), summary)
        .await
        .map_err(|why| format!("the proxy {proxy}: {why}"))?;
    // The address is the proxy's, not that of what is asked; nor is the time.
    (summary.measured.address, summary.tcp) = (None, None);
    let asked = tunnel::through(&mut stream, proxy, &parsed.host, parsed.port).await;
    asked.map_err(|why| format!("the proxy {proxy}: {why}"))?;
    summary.tcp = Some(began.elapsed());
    Ok(stream)
}

/// Sends the request and reads the answer.
async fn exchange<S>(parsed: &Target, stream: S, summary: &mut HttpSummary) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| format!("no answer of HTTP: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get(&parsed.path)
        .header(HOST, &parsed.authority)
        .header(USER_AGENT, concat!("cnc/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answering = async {
        let began = Instant::now();
        let response = timeout(ANSWER_WAIT, sender.send_request(request)).await;
        let response = response.map_err(|_| "no answer in time".to_owned())?.map_err(broken)?;
        summary.first_byte = Some(began.elapsed());
        summary.status = Some(response.status().as_u16());
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        summary.location = location.map(str::to_owned);
        let mut body = response.into_body();
        let read = async {
            while summary.bytes < MAX_HTTP_BYTES
                && let Some(frame) = body.frame().await
            {
                summary.bytes += frame.map_err(broken)?.data_ref().map_or(0, |data| data.len() as u64);
            }
            Ok(())
        };
        timeout(ANSWER_WAIT, read).await.map_err(|_| "the answer did not end in time".to_owned())?
    };
    tokio::pin!(answering);
    tokio::select! {
        // Liveness: each wait has its limit.
        answered = &mut answering => answered,
        ended = connection => match ended {
            Ok(()) => answering.await,
            Err(error) => answering.await.map_err(|_| broken(error)),
        },
    }
}

fn tls_words(target: &HttpTarget, error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => (target.words)(inner),
        None => error.to_string(),
    }
}

/// Writes a version of TLS as people do.
fn readable(version: &str) -> String {
    version.replace("TLSv1_", "TLSv1.")
}

#[cfg(test)]
mod tests;
