//! The way in for users: the link's page, the program that carries the code, and those who only guess.

use cnc_server::config::Config;
use http::StatusCode;
use tonic::Code as GrpcCode;

use crate::running::{Client, Running, create, hello};

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";

/// A listener whose tests may say where they come from.
fn with_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    config.public_url = Some("https://check.example.com:8443".into());
}

fn put(running: &Running, name: &str, bytes: &[u8]) {
    let folder = running.data.path().join("downloads");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), bytes).expect("written");
}

#[tokio::test]
async fn a_link_tells_everything_and_consumes_nothing() {
    let running = Running::start_with(with_proxy).await;
    for name in ["cnc-windows-x86_64.exe", "cnc-linux-x86_64", "cnc-macos.zip", "SHA256SUMS.txt", ".hidden-linux"] {
        put(&running, name, b"a program");
    }
    let (_, code) = create(&mut running.staff().await).await;
    let path = format!("/j/{code}");
    for method in ["HEAD", "GET", "GET"] {
        let (status, headers, _) = running.ask(method, &path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{method}");
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (_, _, page) = running.ask("GET", &path, &[("user-agent", WINDOWS)]).await;
    for said in [
        code.to_string().as_str(),
        "Your internet address",
        "the default gateway",
        "at most 1.0\u{a0}GB",
        "class=\"button\" href=\"/downloads/cnc-windows-x86_64.exe?code=",
        "curl -fLo cnc https://check.example.com:8443/downloads/cnc-linux-x86_64 &amp;&amp; chmod +x cnc",
        "/downloads/cnc-macos.zip?code=",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains("SHA256SUMS") && !page.contains("hidden"), "{page}");
    // After all that the code still joins, and then it is spent.
    Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    let (status, _, page) = running.ask("GET", &path, &[]).await;
    assert_eq!(status, StatusCode::GONE);
    assert!(page.contains("This code is used up"), "{page}");
}

#[tokio::test]
async fn without_programs_the_page_says_so() {
    let running = Running::start().await;
    let (_, code) = create(&mut running.staff().await).await;
    let (_, page) = running.get(&format!("/j/{code}"), None).await;
    assert!(page.contains("No program can be downloaded here"), "{page}");
    assert!(page.contains(&format!("cnc run --listener {} --code {code}", running.url())), "{page}");
}

#[tokio::test]
async fn downloads_carry_the_code_and_are_not_sent_twice() {
    let running = Running::start_with(with_proxy).await;
    let program: Vec<u8> = (0..300_000_u32).map(|n| b'a' + u8::try_from(n % 26).expect("small")).collect();
    put(&running, "cnc-windows.exe", &program);
    let path = "/downloads/cnc-windows.exe?code=k7qxm2pa";
    let (status, headers, body) = running.ask("GET", path, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body.as_bytes(), program);
    assert_eq!(headers["content-length"], "300000");
    assert_eq!(
        headers["content-disposition"], "attachment; filename=\"cnc-K7QX-M2PA@check.example.com_8443@.exe\"",
        "what the client reads"
    );
    assert_eq!(headers["content-type"], "application/vnd.microsoft.portable-executable");
    let tag = headers["etag"].to_str().expect("text");
    let (status, _, body) = running.ask("GET", path, &[("if-none-match", tag)]).await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let (status, headers, body) = running.ask("HEAD", path, &[]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(headers["content-length"], "300000");
}

#[tokio::test]
async fn nothing_but_downloads_is_downloaded() {
    let running = Running::start().await;
    put(&running, "cnc.exe", b"a program");
    std::fs::create_dir(running.data.path().join("downloads/folder.exe")).expect("made");
    for path in [
        "/downloads/",
        "/downloads/none.exe",
        "/downloads/folder.exe",
        "/downloads/..%2fadmin.token",
        "/downloads/%2e%2e%2fcnc.db",
        "/downloads/../cnc.db",
        "/downloads/..\\cnc.db",
        "/downloads/%00",
        "/downloads//etc/passwd",
        "/downloads/cnc.exe/../../admin.token",
    ] {
        let (status, _, body) = running.ask("GET", path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
    let (_, headers, _) = running.ask("GET", "/downloads/cnc.exe?code=%22%0d%0ax:y", &[]).await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"cnc.exe\"", "what is no code is not taken");
}

#[tokio::test]
async fn guesses_are_counted_by_address_over_every_way_in() {
    let running = Running::start_with(with_proxy).await;
    let (_, code) = create(&mut running.staff().await).await;
    let right = format!("/j/{code}");
    for n in 0..10 {
        // One customer's /64 is one address.
        let from = format!("2001:db8::{n:x}");
        let (status, _, page) = running.ask("GET", &format!("/j/0000-000{n}"), &[("x-forwarded-for", &from)]).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(page.contains("This code is not known"), "{page}");
    }
    let from = [("x-forwarded-for", "2001:db8::ffff")];
    let (status, headers, page) = running.ask("GET", &right, &from).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "not even the right one");
    assert!(page.contains("try again in 10 minutes"), "{page}");
    assert!(headers.contains_key("retry-after"));
    let others = [("x-forwarded-for", "2001:db8:0:1::1")];
    assert_eq!(running.ask("GET", &right, &others).await.0, StatusCode::OK, "others are not held up");

    for n in 0..10 {
        let wrong = format!("0000-000{n}").parse().expect("a code");
        let refused = Client::join(&running.url(), hello(9, Some(wrong))).await.err().expect("refused");
        assert_eq!(refused.code(), GrpcCode::NotFound);
    }
    let refused = Client::join(&running.url(), hello(9, Some(code))).await.err().expect("refused");
    assert_eq!(refused.code(), GrpcCode::ResourceExhausted);
    assert!(refused.message().contains("too many wrong codes"), "{}", refused.message());
    let (_, metrics) = running.get("/metrics", Some(&running.admin_token())).await;
    assert!(metrics.contains("\ncnc_limits_reached_total{limit=\"wrong_tries\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_client_comes_back_however_often_others_guessed() {
    let running = Running::start().await;
    let (_, code) = create(&mut running.staff().await).await;
    Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    for n in 0..11 {
        running.get(&format!("/j/0000-00{n:02}"), None).await;
    }
    assert_eq!(running.get("/j/K7QX-M2PA", None).await.0, StatusCode::TOO_MANY_REQUESTS);
    Client::join(&running.url(), hello(1, Some(code))).await.expect("its key is known");
}
