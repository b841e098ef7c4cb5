//! The port's other language: garbage, smuggling, paths that lead out, speed without a token.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Scene;
use super::intruder::PATIENCE;

/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 << 10;

/// Sends bytes on a connection of their own, and gives what comes back until the listener closes it. Told to, it says
/// that nothing more will come, which the listener takes for an end.
async fn exchange(url: &str, bytes: &[u8], hang_up: bool) -> String {
    let address = url.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // What is refused at its first line may be closed before its last.
    stream.write_all(bytes).await.unwrap_or_default();
    if hang_up {
        stream.shutdown().await.unwrap_or_default();
    }
    let mut answer = Vec::new();
    let mut stream = stream.take(MAX_ANSWER);
    timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("an answer or an end within the test's patience")
        .unwrap_or_default();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

async fn get(url: &str, path: &str, headers: &str) -> (Option<u16>, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    let answer = exchange(url, request.as_bytes(), false).await;
    (status(&answer), answer)
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let scene = Scene::set().await;
    let secret = scene.listener.token();
    let id = scene.good.id.to_string();
    let roots = ["/downloads/", "/r/", "/sessions/", "/j/", "/", "/speed/", "/console/"];
    let ways = [
        "../admin.token",
        "../../../../etc/passwd",
        "..%2fadmin.token",
        "%2e%2e%2fadmin.token",
        "%2e%2e/%2e%2e/admin.token",
        "..%5cadmin.token",
        "....//admin.token",
        "..;/admin.token",
        "%00admin.token",
        "admin.token%00.html",
        "%252e%252e%252fadmin.token",
        "/etc/passwd",
        "..%c0%afadmin.token",
        "%ff%fe",
        "cnc.db",
        "%2e%2e%2fadmin.token/report",
    ];
    for root in roots {
        for way in ways {
            let (status, answer) = get(scene.listener.url(), &format!("{root}{way}"), "").await;
            assert!(matches!(status, Some(400 | 401 | 404)), "{root}{way}: {answer}");
            assert!(!answer.contains(&secret) && !answer.contains("root:"), "{root}{way}: {answer}");
        }
    }
    for path in [format!("/sessions/{id}/report"), format!("/sessions/{id}%2f..%2f/report"), "/metrics".into()] {
        let (status, answer) = get(scene.listener.url(), &path, "").await;
        assert!(matches!(status, Some(401 | 404)), "{path}: {answer}");
    }
    let script = get(scene.listener.url(), "/j/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "").await.1;
    assert!(!script.contains("<script"), "{script}");
    scene.closes_well().await;
}

#[tokio::test]
async fn speed_wants_a_token_and_sense() {
    let scene = Scene::set().await;
    let url = scene.listener.url();
    let bad = ["", "Authorization: Bearer x\r\n", "Authorization: Basic eA==\r\n", "Cookie: token=1\r\n"];
    let paths = [
        "/speed/download?bytes=1",
        "/speed/download?bytes=18446744073709551615",
        "/speed/counts?run=a",
        "/speed/counts?run=../../x",
    ];
    for headers in bad {
        for path in paths {
            let (status, answer) = get(url, path, headers).await;
            assert_eq!(status, Some(401), "{path}: {answer}");
        }
        let upload =
            format!("POST /speed/upload HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 1000000000000\r\n\r\n");
        let answer = exchange(url, upload.as_bytes(), false).await;
        assert_eq!(status(&answer), Some(401), "{answer}");
    }
    for query in
        ["bytes=-1", "bytes=NaN", "bytes=1e9", "bytes=", "", "bytes=99999999999999999999999", "bytes=1&bytes=2"]
    {
        let (status, answer) = get(url, &format!("/speed/download?{query}"), "").await;
        assert!(matches!(status, Some(400 | 401)), "{query}: {answer}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn what_is_no_http_is_closed() {
    let scene = Scene::set().await;
    let many = "x: y\r\n".repeat(1_000);
    let long = "y".repeat(1 << 20);
    let garbage: Vec<(&str, Vec<u8>)> = vec![
        ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("zeroes", vec![0; 10_000]),
        ("ones", vec![0xff; 10_000]),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("a strange version", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("no host", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("1,000 headers", format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes()),
        ("a header of 1 MiB", format!("GET / HTTP/1.1\r\nHost: x\r\nx: {long}\r\n\r\n").into_bytes()),
        ("a path of 1 MiB", format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()),
        ("a header without an end", b"GET / HTTP/1.1\r\nHost: x\r\nx: y".to_vec()),
        ("two lengths", b"POST /speed/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec()),
        ("a length below nothing", b"POST /speed/upload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_vec()),
        (
            "a length and chunks",
            b"POST /speed/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n".to_vec(),
        ),
        ("a chunk of no size", b"POST /speed/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        (
            "a chunk of all sizes",
            b"POST /speed/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec(),
        ),
        ("a proxy's request", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n".to_vec()),
        ("an absolute address", b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec()),
        ("HTTP/2 and then nothing sound", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        ("HTTP/2 with a frame of 16 MiB", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x01".to_vec()),
        ("a method of its own", b"HACK / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec()),
    ];
    let secret = scene.listener.token();
    for (name, bytes) in garbage {
        let answer = exchange(scene.listener.url(), &bytes, true).await;
        assert!(status(&answer).is_none_or(|status| status == 200 || status >= 400), "{name}: {answer:.300}");
        assert!(!answer.contains(&secret) && !answer.contains("cnc_sessions"), "{name}: {answer:.300}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn slow_ones_hold_nobody_up() {
    let scene = Scene::set().await;
    let address = scene.listener.url().strip_prefix("http://").expect("plain HTTP").to_owned();
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(&address).await.expect("it listens");
        let beginning: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET / HT",
            2 => b"GET / HTTP/1.1\r\nHost: x\r\nx-slow: ",
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
        };
        stream.write_all(beginning).await.expect("a few bytes fit");
        slow.push(stream);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..10 {
        ticks.tick().await;
        for stream in slow.iter_mut().skip(2).step_by(4) {
            stream.write_all(b"y").await.unwrap_or_default();
        }
    }
    let (status, answer) = get(scene.listener.url(), "/healthz", "").await;
    assert_eq!(status, Some(200), "{answer}");
    scene.closes_well().await;
}
