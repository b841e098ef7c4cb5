//! Paths and headers at a real listener's router, in this process.

use std::net::SocketAddr;
use std::time::Duration;

use cnc_server::config::Config;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::mutate;
use crate::random::Random;

const PATHS: &str = include_str!("../../corpus/paths.txt");
const HEADERS: &str = include_str!("../../corpus/headers.txt");

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener that answers on loopback; it stops when dropped.
#[derive(Debug)]
pub struct Router {
    address: SocketAddr,
    token: String,
    _data: TempDir,
    _serving: JoinSet<()>,
}

impl Router {
    /// Starts one.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let config = Config { data: data.path().to_owned(), ..Config::default() };
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let opened = cnc_server::Opened::open(&config, socket).await.expect("it opens");
        let mut serving = JoinSet::new();
        serving.spawn(opened.run(CancellationToken::new()));
        let token = std::fs::read_to_string(data.path().join("admin.token")).expect("a first start makes it");
        Self { address, token: token.trim().to_owned(), _data: data, _serving: serving }
    }

    /// Sends so many requests that nobody meant, with seeds counted up from one. Each has an answer in time, or the
    /// connection is closed; none is an internal error, and none shows a secret.
    ///
    /// # Panics
    /// With the seed of the request that found a fault.
    pub async fn run(&self, seed: u64, runs: u64) {
        for seed in seed..seed + runs {
            let request = request(&mut Random::new(seed));
            let answer = timeout(PATIENCE, self.exchange(&request)).await;
            let answer = answer.unwrap_or_else(|_| panic!("FUZZ_SEED={seed} has no answer: {request:?}"));
            let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
            let sound = status.map_or(answer.is_empty(), |status| (200..500).contains(&status));
            assert!(sound, "FUZZ_SEED={seed}: {request:?} is answered with {answer:?}");
            assert!(!answer.contains(&self.token), "FUZZ_SEED={seed}: {request:?} shows the token");
        }
    }

    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        // A request that is refused at its first line may find the door closed.
        stream.write_all(request).await.unwrap_or_default();
        let mut answer = vec![0; 1 << 12];
        let mut read = 0;
        while read < answer.len() {
            match stream.read(&mut answer[read..]).await {
                Ok(0) | Err(_) => break,
                Ok(more) => read += more,
            }
            // Bytes without end are not waited for.
            if answer[..read].windows(4).any(|four| four == b"\r\n\r\n") {
                break;
            }
        }
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

fn request(random: &mut Random) -> Vec<u8> {
    let (paths, headers): (Vec<_>, Vec<_>) = (PATHS.lines().collect(), HEADERS.lines().collect());
    let method = *random.pick(&["GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"]);
    // A request has an end, whatever stands in it: what has none is let go after half a minute.
    let one_line = |text: String| text.replace(['\r', '\n'], " ");
    let path = one_line(mutate::line(random, &paths));
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for _ in 0..random.below(3) {
        let header = one_line(mutate::line(random, &headers));
        // A body that is promised is waited for.
        let promises = ["content-length", "transfer-encoding", "expect", "upgrade"];
        if !promises.iter().any(|name| header.to_ascii_lowercase().contains(name)) {
            request.push_str(&header);
            request.push_str("\r\n");
        }
    }
    request.push_str("\r\n");
    request.into_bytes()
}
