//! The server that the tests measure against.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use cnc_model::Family;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::super::{Endpoint, SpeedTarget};
use crate::respond::{self, Runs};

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A server of the speed endpoints and of some odd paths; it ends when dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(None).await
    }

    pub(super) async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let runs = Arc::new(Runs::default());
            let mut connections = JoinSet::<Option<()>>::new();
            loop {
                let (stream, _) = listener.accept().await.expect("accepted");
                stream.set_nodelay(true).expect("set");
                let runs = Arc::clone(&runs);
                let service = service_fn(move |request| answer(request, Arc::clone(&runs)));
                let tls = tls.clone();
                connections.spawn(async move {
                    let http = http1::Builder::new();
                    // A client that goes away is no fault.
                    match tls {
                        None => http.serve_connection(TokioIo::new(stream), service).await.ok(),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await.ok(),
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, _serving: serving }
    }

    pub(super) fn target(&self, path: &str) -> SpeedTarget {
        let url = format!("http://{}{path}", self.address);
        SpeedTarget { endpoint: Endpoint::of_url(&url), url, ..target() }
    }
}

/// A target that trusts nobody.
pub(super) fn target() -> SpeedTarget {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    SpeedTarget {
        url: String::new(),
        endpoint: Endpoint::Listener,
        token: Some("secret".into()),
        family: Family::Any,
        tls: Arc::new(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        proxy: None,
        admit: Arc::new(|_| true),
        waiting: None,
    }
}

async fn answer(request: Request<Incoming>, runs: Arc<Runs>) -> Result<Answer, Infallible> {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let query: HashMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let authorized = request.headers().get("authorization").is_some_and(|value| value == "Bearer secret");
    let status = |status: StatusCode| {
        let mut answer = Response::new(Empty::new().boxed());
        *answer.status_mut() = status;
        answer
    };
    Ok(match path.as_str() {
        path if path.starts_with("/speed/") && !authorized => status(StatusCode::UNAUTHORIZED),
        "/speed/download" => {
            let bytes = query.get("bytes").and_then(|bytes| bytes.parse().ok()).expect("bytes");
            Response::new(respond::download(bytes).boxed())
        }
        "/speed/upload" => {
            let run = runs.open(query.get("run").expect("a run")).expect("room");
            match respond::upload(request.into_body(), Some(&run)).await {
                Ok(uploaded) => Response::new(Full::from(serde_json::to_vec(&uploaded).expect("JSON")).boxed()),
                Err(_) => status(StatusCode::BAD_REQUEST),
            }
        }
        "/speed/counts" => {
            Response::new(respond::counts(runs.open(query.get("run").expect("a run")).expect("room")).boxed())
        }
        "/file" => Response::new(respond::download(3_000_000).boxed()),
        "/busy" => status(StatusCode::SERVICE_UNAVAILABLE),
        path if path.starts_with("/moved/") => {
            let left: u32 = path["/moved/".len()..].parse().expect("a number");
            let next = if left == 0 { "/file".to_owned() } else { format!("{}", left - 1) };
            let mut answer = status(StatusCode::FOUND);
            answer.headers_mut().insert("location", next.parse().expect("valid"));
            answer
        }
        _ => status(StatusCode::NOT_FOUND),
    })
}
