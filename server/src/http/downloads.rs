//! `GET /downloads/…`: the programs that the operator has put into the data folder's `downloads/`, and nothing else.

use std::path::Path as FilePath;
use std::time::UNIX_EPOCH;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use cnc_model::Code;
use http::{StatusCode, header};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::Web;
use super::pages::over_plain;
use super::system::{self, System};
use crate::accept::{ClientAddress, Taking, Unread};
use crate::limits::{Place, Source};

/// The most programs listed: three systems, two processors each, and room; the rest is not looked at.
const MAX_PROGRAMS: usize = 32;
/// The longest file name served.
const MAX_NAME_BYTES: usize = 128;
/// What is read at a time: large enough for the disk, small enough for hundreds of slow readers.
const CHUNK_BYTES: usize = 64 << 10;

/// A program that can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) system: System,
    pub(super) architecture: Option<&'static str>,
}

impl Program {
    fn of(name: String) -> Option<Self> {
        let system = System::of_file(&name).filter(|_| is_plain(&name))?;
        let architecture = system::architecture(&name);
        Some(Self { name, system, architecture })
    }

    /// Tells whether one line in a shell fetches and starts it: it is the program itself.
    pub(super) fn is_started_in_a_shell(&self) -> bool {
        match self.system {
            System::Windows => false,
            System::MacOs | System::Linux => is_bare(&self.name),
        }
    }

    /// Tells whether its name is changed to carry code and host, so that running it needs no typing.
    pub(super) fn carries_the_code(&self) -> bool {
        has_extension(&self.name, "exe")
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    FilePath::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn is_bare(name: &str) -> bool {
    !["zip", "gz", "tgz", "xz", "deb", "rpm", "dmg", "pkg", "msi", "exe", "txt", "sha256", "sig", "asc", "minisig"]
        .iter()
        .any(|extension| has_extension(name, extension))
}

/// Tells whether a name is one that is served: nothing that leads elsewhere, and nothing hidden.
fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Lists the programs that are there, by name.
pub(super) async fn programs(folder: &FilePath) -> Vec<Program> {
    let mut programs = Vec::new();
    // A folder that is not there holds none.
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return programs };
    while programs.len() < MAX_PROGRAMS
        && let Ok(Some(entry)) = entries.next_entry().await
    {
        let program = entry.file_name().into_string().ok().and_then(Program::of);
        let is_file = tokio::fs::metadata(entry.path()).await.is_ok_and(|data| data.is_file());
        programs.extend(program.filter(|program| is_file && (program.is_started_in_a_shell() || is_offered(program))));
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

/// Tells whether people can do something with it: a program or an archive, no checksum or package beside it.
fn is_offered(program: &Program) -> bool {
    match program.system {
        System::Windows => has_extension(&program.name, "exe"),
        System::MacOs => has_extension(&program.name, "zip"),
        System::Linux => false,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    code: Option<String>,
}

/// Sends a program. With a code in the query a Windows program's name carries it.
pub(super) async fn download(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Response {
    if !is_plain(&name) {
        return missing();
    }
    let place = match web.services.limits.download(address) {
        Ok(place) => place,
        Err(over) => return over_plain(over),
    };
    let Ok(file) = File::open(web.downloads.join(&name)).await else { return missing() };
    let Ok(data) = file.metadata().await else { return missing() };
    if !data.is_file() {
        return missing();
    }
    let changed = data.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let tag = format!("\"{:x}-{:x}\"", data.len(), changed.as_nanos());
    let code = wanted.code.and_then(|code| code.parse::<Code>().ok());
    let shown = code.and_then(|code| named(&web.services.address_for_users, code, &name)).unwrap_or(name.clone());
    let common = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "no-cache".into()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
    ];
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|known| known.trim() == tag || known.trim() == "*") {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let sent = [
        (header::CONTENT_TYPE, content_type(&name).to_owned()),
        (header::CONTENT_LENGTH, data.len().to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{shown}\"")),
    ];
    let taking = request.extensions().get::<Unread>().cloned().unwrap_or_default().begin();
    (common, sent, Body::from_stream(contents(file, data.len(), (place, taking)))).into_response()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such download: open your link again for what there is\n").into_response()
}

/// Reads a file to the length that was announced.
fn contents(
    mut file: File,
    bytes: u64,
    held: (Place<Source>, Taking),
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    async_stream::try_stream! {
        let (_place, taking) = held;
        let mut left = bytes;
        while left > 0 {
            taking.more();
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let mut chunk = BytesMut::with_capacity(most);
            // Liveness: a read of a file; whoever does not take what was read is let go by the connection.
            if file.read_buf(&mut chunk).await? == 0 {
                Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
            }
            chunk.truncate(most);
            left -= chunk.len() as u64;
            yield chunk.freeze();
        }
    }
}

fn content_type(name: &str) -> &'static str {
    let types = [
        ("exe", "application/vnd.microsoft.portable-executable"),
        ("zip", "application/zip"),
        ("gz", "application/gzip"),
        ("tgz", "application/gzip"),
        ("txt", "text/plain; charset=utf-8"),
        ("sha256", "text/plain; charset=utf-8"),
    ];
    let known = types.into_iter().find(|(extension, _)| has_extension(name, extension));
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

/// Makes the name `cnc-CODE@HOST[_PORT]@.exe`; `None` where the name cannot carry the way to this listener: the file
/// is no Windows program, or the address has what no Windows file name may have, or no TLS beyond loopback.
fn named(address: &str, code: Code, name: &str) -> Option<String> {
    if !has_extension(name, "exe") {
        return None;
    }
    let (scheme, rest) = address.split_once("://")?;
    let (host, port) = rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let local = host == "127.0.0.1";
    let usable = (scheme == "https" || local) && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let port = match (scheme, port) {
        ("https", None | Some("443")) => String::new(),
        (_, Some(port)) => format!("_{}", port.parse::<u16>().ok()?),
        (_, None) => "_80".into(),
    };
    usable.then(|| format!("cnc-{code}@{host}{port}@.exe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_code_and_host_where_they_can() {
        let code: Code = "K7QX-M2PA".parse().expect("a code");
        let cases = [
            ("https://check.example.com", Some("cnc-K7QX-M2PA@check.example.com@.exe")),
            ("https://check.example.com:443", Some("cnc-K7QX-M2PA@check.example.com@.exe")),
            ("https://192.0.2.1:8443", Some("cnc-K7QX-M2PA@192.0.2.1_8443@.exe")),
            ("http://127.0.0.1:7443", Some("cnc-K7QX-M2PA@127.0.0.1_7443@.exe")),
            ("http://check.example.com:7443", None),
            ("https://[2001:db8::1]:7443", None),
            ("https://check.example.com/path", None),
            ("https://x\"y", None),
        ];
        for (address, expected) in cases {
            assert_eq!(named(address, code, "cnc-windows.exe").as_deref(), expected, "{address}");
        }
        assert_eq!(named("https://check.example.com", code, "cnc-linux"), None);
    }

    #[test]
    fn only_plain_names_are_served() {
        for name in ["cnc.exe", "cnc-linux-x86_64", "SHA256SUMS.txt"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", ".", "..", ".hidden", "../cnc.db", "a/b", "a\\b", "a b", "a\0b", "C:x", "ä"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
