//! A real browser without a window on the user's page.

use std::process::Stdio;
use std::time::Duration;

use cnc_integration_tests::programs::found_or_skip;
use tokio::process::Command;
use tokio::time::timeout;

use super::place::{Certificates, Place};

/// How long a browser may take to start on a machine that compiles meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// Opens a page, and gives its document as the browser has made it. It trusts a certificate by its key's hash.
async fn opened(certificates: &Certificates, pin: &[u8], url: &str) -> String {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    // Nothing but the page: no updates, no suggestions, no proxy of this machine.
    command.args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"]);
    command.arg(format!("--user-data-dir={}", certificates.file("profile").display()));
    command.arg(format!("--ignore-certificate-errors-spki-list={}", base64(pin)));
    command.args(["--dump-dom", url]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("the browser ends in time");
    String::from_utf8_lossy(&output.expect("the browser can be started").stdout).into_owned()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks(3).flat_map(|three| {
        let bits = three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        (0..4).map(move |place| {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            if place <= three.len() { char::from(letter) } else { '=' }
        })
    });
    letters.collect()
}

#[tokio::test]
async fn a_browser_opens_the_users_page() {
    if found_or_skip("chromium").is_none() {
        return;
    }
    let place = Place::start().await;
    let downloads = place.listener.data().join("downloads");
    std::fs::create_dir_all(&downloads).expect("made");
    std::fs::write(downloads.join("cnc-linux-x86_64"), "a program").expect("written");
    let code = place.staff().await.create_session(Some("nothing")).await.code.to_string();
    let url = place.url(&format!("/j/{code}"));
    let page = opened(&place.certificates, &place.certificates.pin, &url).await;
    assert!(page.contains("<h1>Check your network connection</h1>") && page.contains(&code), "{page}");
    assert!(page.contains("/downloads/cnc-linux-x86_64"), "its own system's program is offered: {page}");
    let wrong = opened(&place.certificates, &place.certificates.pin, &place.url("/j/0000-0000")).await;
    assert!(wrong.contains("This code is not known"), "{wrong}");
    let stranger = opened(&place.certificates, &[0; 32], &url).await;
    assert!(!stranger.contains(&code), "a certificate that nobody vouches for opens nothing: {stranger}");
}
