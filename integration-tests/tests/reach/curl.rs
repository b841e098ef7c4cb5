//! curl, as people and scripts use it: each version of HTTP by ALPN, pages, speed, and the login's cookie.

use std::path::Path;
use std::process::Output;

use cnc_integration_tests::programs::found_or_skip;
use tokio::process::Command;

use super::place::{Certificates, Place};

/// Runs curl with the test's authority; gives its exit code and what it printed.
pub(super) async fn curl(ca: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("curl");
    // Whatever proxies and settings this machine has are none of the test's.
    command.args(["--disable", "--silent", "--show-error", "--max-time", "30", "--noproxy", "", "--cacert"]).arg(ca);
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.args(args).output().await.expect("curl can be started");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[tokio::test]
async fn both_versions_are_chosen_by_alpn() {
    if found_or_skip("curl").is_none() {
        return;
    }
    let place = Place::start().await;
    let (ca, url) = (place.certificates.file("ca.pem"), place.url("/healthz"));
    for (asked, spoken) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
        let (code, said) = curl(&ca, &[asked, "--write-out", "%{http_version} %{http_code}", &url]).await;
        assert_eq!((code, said), (Some(0), format!("ok\n{spoken} 200")), "{asked}");
    }
    let (code, said) = curl(&Certificates::make().file("ca.pem"), &[&url]).await;
    assert!(matches!(code, Some(35 | 60)), "another authority of the same name vouches for nothing: {code:?} {said}");
    // What is no TLS is let go at once: no answer, and no wait.
    let (code, said) = curl(&ca, &[&url.replace("https", "http")]).await;
    assert!(matches!(code, Some(1 | 52 | 56)), "{code:?} {said}");
}

#[tokio::test]
async fn a_link_and_the_speed_endpoints_answer() {
    if found_or_skip("curl").is_none() {
        return;
    }
    let place = Place::start().await;
    let ca = place.certificates.file("ca.pem");
    let code = place.staff().await.create_session(Some("nothing")).await.code.to_string();
    for version in ["--http2", "--http1.1"] {
        let (_, page) = curl(&ca, &[version, &place.url(&format!("/j/{code}"))]).await;
        assert!(page.contains(&code) && page.contains("Check your network connection"), "{page}");
        let size = ["--output", "/dev/null", "--write-out", "%{http_code} %{size_download}"];
        let (_, told) = curl(&ca, &[&size[..], &[version, &place.url("/speed/download?bytes=3000000")]].concat()).await;
        assert_eq!(told, "200 3000000");
    }
    let upload = ["--data-binary", "12345", "--header", "content-type: application/octet-stream"];
    let (_, told) = curl(&ca, &[&upload[..], &[&place.url("/speed/upload")]].concat()).await;
    assert!(told.contains("\"bytes\":5"), "{told}");
}

#[tokio::test]
async fn a_cookie_jar_logs_in_and_out() {
    if found_or_skip("curl").is_none() {
        return;
    }
    let place = Place::start().await;
    let ca = place.certificates.file("ca.pem");
    let jar = place.certificates.file("jar");
    let jar = jar.to_str().expect("plain");
    let cookies = ["--cookie", jar, "--cookie-jar", jar, "--output", "/dev/null", "--write-out", "%{http_code}"];
    let ask = async |more: &[&str], path: &str| curl(&ca, &[&cookies[..], more, &[&place.url(path)]].concat()).await.1;
    assert_eq!(ask(&[], "/metrics").await, "401");
    let token = format!("token={}", place.listener.token());
    assert_eq!(ask(&["--data", &token], "/login").await, "303");
    assert_eq!(ask(&[], "/metrics").await, "200");
    assert_eq!(ask(&["--http1.1"], "/metrics").await, "200");
    assert_eq!(ask(&["--data", "", "--header", "Origin: https://evil.example"], "/logout").await, "403");
    assert_eq!(ask(&[], "/metrics").await, "200");
    assert_eq!(ask(&["--data", ""], "/logout").await, "200");
    assert_eq!(ask(&[], "/metrics").await, "401");
}
