//! Why a listener is out of reach: each cause has words of its own, and what would help.

use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::program::{program, text};

/// Runs the program, in a network of its own where a script makes one.
async fn told(url: &str, network: Option<&str>, vars: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = match network {
        None => {
            let mut plain = program(&home);
            plain.args(["run", "--listener", url]);
            plain
        }
        Some(script) => {
            let plain = program(&home);
            let mut inside = std::process::Command::new("unshare");
            inside.args(["--net", "sh", "-c", &format!("{script} exec \"$CNC\" run --listener {url}")]);
            inside.env("CNC", plain.get_program());
            for (name, value) in plain.get_envs() {
                match value {
                    Some(value) => inside.env(name, value),
                    None => inside.env_remove(name),
                };
            }
            inside
        }
    };
    command.envs(vars.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Output { status, stderr, .. } = Command::from(command).kill_on_drop(true).output().await.expect("it runs");
    let said = text(&stderr).to_owned();
    assert_eq!(status.code(), Some(4), "{said}");
    said
}

/// Answers everybody who says something with the same words.
async fn answers(words: &'static [u8]) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            near.readable().await.expect("watched");
            // Whoever is gone already needs no answer. What was said is read, so that the answer is not reset.
            near.write_all(words).await.ok();
            near.shutdown().await.ok();
            tokio::io::copy(&mut near, &mut tokio::io::sink()).await.ok();
        }
    });
    (address, serving)
}

/// An address, variables, and what is said.
type Case = (String, Vec<(String, String)>, [&'static str; 2]);

#[tokio::test]
async fn each_cause_is_told_apart() {
    let (web, _web) = answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (portal, _portal) =
        answers(b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\nContent-Length: 0\r\n\r\n").await;
    let (proxy_502, _proxy_502) = answers(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    let (proxy_403, _proxy_403) = answers(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let (no_proxy, _no_proxy) = answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let by = |proxy: &str| vec![("HTTP_PROXY".to_owned(), format!("http://{proxy}"))];
    let remote = "http://listener.invalid:8080".to_owned();
    let cases: Vec<Case> = vec![
        (remote.clone(), vec![], ["the name listener.invalid cannot be found", "check the address's spelling"]),
        ("http://127.0.0.1:1".into(), vec![], ["no connection to 127.0.0.1:1", "no listener runs on that port"]),
        (format!("http://{web}"), vec![], ["is no listener: it does not speak HTTP/2", "log-in page"]),
        (format!("http://{portal}"), vec![], ["is no listener: it leads to another page", "log-in page"]),
        (format!("https://{web}"), vec![], ["what answers there does not speak TLS", "clock"]),
        (
            remote.clone(),
            by(&proxy_502),
            ["cannot reach listener.invalid:8080 itself (it says 502)", "check the address"],
        ),
        (remote.clone(), by(&proxy_403), ["does not allow connections to listener.invalid:8080", "network people"]),
        (remote.clone(), by(&no_proxy), ["what answers there is no proxy", "HTTP_PROXY"]),
        (remote, by("127.0.0.1:1"), ["it cannot be reached", "other programs"]),
    ];
    let mut running = JoinSet::new();
    for (url, vars, words) in cases {
        running.spawn(async move {
            let vars: Vec<_> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let said = told(&url, None, &vars).await;
            assert!(words.iter().all(|words| said.contains(words)), "{url} {vars:?}: {words:?} in {said}");
        });
    }
    running.join_all().await;
}

#[tokio::test]
async fn no_way_and_no_answer_are_told_apart() {
    let tried = std::process::Command::new("unshare").args(["--net", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "a network of its own needs root, and CI skips nothing");
        eprintln!("SKIPPED: a network of its own needs root");
        return;
    }
    let said = told("http://192.0.2.1:8080", Some(""), &[]).await;
    assert!(said.contains("no connection to 192.0.2.1:8080") && said.contains("connected to a network"), "{said}");
    // What is sent there is for somebody else than who gets it, and gone.
    let hole = "ip link add hole type veth peer name far && ip addr add 192.0.2.2/24 dev hole && \
                ip link set hole up && ip link set far up && \
                ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev hole nud permanent &&";
    let said = told("http://192.0.2.1:8080", Some(hole), &[]).await;
    assert!(said.contains("no connection to 192.0.2.1:8080") && said.contains("a firewall on the way"), "{said}");
}
