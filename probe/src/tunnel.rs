//! The way through a proxy that speaks HTTP: one CONNECT, and what proxies answer to it. Which proxy is the caller's to
//! say.

use std::net::IpAddr;
use std::time::Duration;
use std::{fmt, io};

use cnc_model::HostName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a proxy may take to reach the listener.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// The longest answer: a few headers; error pages come behind it and are not read.
const MAX_ANSWER_BYTES: usize = 8 << 10;

/// A proxy that speaks HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its host.
    pub host: HostName,
    /// Its port.
    pub port: u16,
    /// What goes behind `Proxy-Authorization:`; a secret.
    pub authorization: Option<String>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&authority(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&authority(&self.host, self.port)).finish_non_exhaustive()
    }
}

/// Writes a host and a port as `CONNECT` wants them.
#[must_use]
pub fn authority(host: &HostName, port: u16) -> String {
    match host.address() {
        Some(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Some(IpAddr::V4(_)) | None => format!("{host}:{port}"),
    }
}

/// Why a proxy does not lead to where it is asked to.
#[derive(Debug, Error)]
pub enum TunnelError {
    /// It wants to know who asks, or does not accept who does.
    #[error("it wants a user name and password")]
    WhoAsks,
    /// It does not allow it.
    #[error("it does not allow connections to {0}")]
    Forbidden(String),
    /// It cannot reach that place itself.
    #[error("it cannot reach {host} itself (it says {status})")]
    OutOfReach {
        /// The place's host and port.
        host: String,
        /// The status that it answered.
        status: u16,
    },
    /// It answers with something else.
    #[error("it answers {0}, which makes no sense here")]
    Status(u16),
    /// What answers is no proxy.
    #[error("what answers there is no proxy")]
    NoProxy,
    /// It does not answer.
    #[error("it does not answer")]
    Silent,
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    NoWay(String),
    /// The connection to it broke.
    #[error("the connection to it broke: {0}")]
    Broken(io::Error),
}

impl TunnelError {
    /// Says what would help.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::WhoAsks => {
                "put them into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT; the company's network \
                 people know them"
            }
            Self::Forbidden(_) => "ask the company's network people to allow the listener's address and port",
            Self::OutOfReach { .. } => "check the address; the proxy may be allowed to reach some places only",
            Self::Status(_) | Self::NoProxy => {
                "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY in the environment, and the system's proxy settings"
            }
            Self::Silent | Self::NoWay(_) | Self::Broken(_) => "check whether the proxy works with other programs",
        }
    }
}

/// Asks a proxy for a connection to a host and port; what follows on it is theirs.
///
/// # Errors
/// Says why there is no such connection.
pub async fn through(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Proxy,
    host: &HostName,
    port: u16,
) -> Result<(), TunnelError> {
    let host = authority(host, port);
    let who = proxy.authorization.as_ref().map(|who| format!("Proxy-Authorization: {who}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{who}\r\n");
    let asking = async {
        io.write_all(request.as_bytes()).await?;
        io.flush().await?;
        read_head(io).await
    };
    let head = timeout(ANSWER_WAIT, asking).await.map_err(|_| TunnelError::Silent)?.map_err(TunnelError::Broken)?;
    match status(&head).ok_or(TunnelError::NoProxy)? {
        200..=299 => Ok(()),
        407 => Err(TunnelError::WhoAsks),
        401 | 403 | 405 => Err(TunnelError::Forbidden(host)),
        status @ (404 | 502..=504) => Err(TunnelError::OutOfReach { host, status }),
        status => Err(TunnelError::Status(status)),
    }
}

/// Reads to the empty line and not a byte further: what follows is the listener's.
async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_ANSWER_BYTES {
        head.push(io.read_u8().await?);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    if !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    let line = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &[u8]) -> Result<(), String> {
        let (mut near, mut far) = tokio::io::duplex(1 << 14);
        far.write_all(answer).await.expect("room");
        far.shutdown().await.expect("open");
        let proxy = Proxy { host: "p".parse().expect("a name"), port: 1, authorization: None };
        let host = "check.example.com".parse().expect("a name");
        through(&mut near, &proxy, &host, 443).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn each_answer_is_put_into_words() {
        assert_eq!(answered(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nlistener").await, Ok(()));
        let long = [b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'x'; MAX_ANSWER_BYTES]].concat();
        for (answer, words) in [
            (b"HTTP/1.0 407 Who\r\n\r\n".as_slice(), "user name and password"),
            (b"HTTP/1.1 403 No\r\n\r\n", "does not allow connections to check.example.com:443"),
            (b"HTTP/1.1 502 Bad\r\n\r\n", "cannot reach check.example.com:443 itself (it says 502)"),
            (b"HTTP/1.1 301 Go\r\n\r\n", "301"),
            (b"SSH-2.0-x\r\n\r\n", "no proxy"),
            (b"HTTP/1.1 200 OK\r\n", "broke"),
            (&long, "no proxy"),
        ] {
            let error = answered(answer).await.expect_err("refused");
            assert!(error.contains(words), "{error}");
        }
    }
}
