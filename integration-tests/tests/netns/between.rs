//! Who stands in between: a login page, somebody who reads along, and IPv6 that leads nowhere.

use std::path::{Path, PathBuf};

use cnc_integration_tests::client::Client;
use cnc_integration_tests::lines::{Lines, number};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::store;
use cnc_lab::Host;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::answers::{http, relay};
use crate::{lab, on, utf8};

const LOGIN: &str = "HTTP/1.1 302 Found\r\nlocation: http://login.example/\r\ncontent-length: 0\r\n\r\n";

/// An authority and its certificate for an address, as files.
struct Certificates(TempDir);

impl Certificates {
    fn of(authority: &str, host: &Host) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut ca = CertificateParams::new([]).expect("sound");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, authority);
        let (ca_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let ca_pem = ca.self_signed(&ca_key).expect("signed").pem();
        let own = CertificateParams::new([host.v4().to_string()]).expect("sound");
        let cert = own.signed_by(&key, &Issuer::new(ca, ca_key)).expect("signed");
        for (name, pem) in [("ca.pem", &ca_pem), ("cert.pem", &cert.pem()), ("key.pem", &key.serialize_pem())] {
            std::fs::write(folder.path().join(name), pem).expect("written");
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a listener with them on a host.
    async fn serve(&self, host: &Host, listen: &str, more: &[&str]) -> Listener {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        let more = [&["--tls-cert", utf8(&cert), "--tls-key", utf8(&key)], more].concat();
        Listener::start_by(on(host, "cnc-listener"), listen, "", &more).await
    }
}

fn ask(client: &Host, url: &str, ca: Option<&Path>) -> Lines {
    let mut command = on(client, "cnc");
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.args(["http", "--json", url]);
    if let Some(ca) = ca {
        command.arg("--ca").arg(ca);
    }
    Lines::of(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_and_who_reads_along_are_told() {
    let Some(lab) = lab("captive-portal") else { return };
    let (client, server, router) = (lab.host("client").unwrap(), lab.host("server").unwrap(), lab.host("r1").unwrap());
    let mut servers = JoinSet::new();
    http(&router, 8080, LOGIN, &mut servers);
    let (real, company) =
        (Certificates::of("The real authority", &server), Certificates::of("The company's inspection", &server));
    let plain = format!("{}:80", server.v4());
    let more = ["--http", &plain, "--public-url", "https://check.example"];
    let _listener = real.serve(&server, &format!("{}:443", server.v4()), &more).await;
    let _reader = company.serve(&router, "0.0.0.0:8443", &[]).await;
    let (check, secure) = (format!("http://{}/generate_204", server.v4()), format!("https://{}/healthz", server.v4()));

    let asked = ask(&client, &check, None);
    let summary = asked.summary();
    assert_eq!((&summary["captive_portal"], &summary["status"]), (&true.into(), &302.into()), "{summary}");
    assert_eq!(summary["location"], "http://login.example/", "{summary}");

    // Only the real authority is trusted: who stands in between is told all the same.
    let asked = ask(&client, &secure, Some(&real.file("ca.pem")));
    assert_eq!((asked.code, &asked.last["status"]), (1, &serde_json::Value::Null), "{}", asked.last);
    let told = |asked: &Lines| asked.last["issuer"].as_str().unwrap_or_default().to_owned();
    assert!(told(&asked).contains("The company's inspection"), "{}", asked.last);
    let error = asked.last["error"].as_str().expect("it failed");
    assert!(error.starts_with("no secure connection: "), "{error}");
    // As on the company's own machines, which trust it.
    let asked = ask(&client, &secure, Some(&company.file("ca.pem")));
    assert_eq!(asked.summary()["status"], 200, "{}", asked.last);
    assert!(told(&asked).contains("The company's inspection"), "{}", asked.last);

    // After the login nobody stands in between.
    assert!(router.command("nft").args(["flush", "ruleset"]).status().expect("nft can be started").success());
    let asked = ask(&client, &check, None);
    let summary = asked.summary();
    assert_eq!((&summary["captive_portal"], &summary["status"]), (&false.into(), &204.into()), "{summary}");
    let asked = ask(&client, &secure, Some(&real.file("ca.pem")));
    assert_eq!(asked.summary()["status"], 200, "{}", asked.last);
    assert!(told(&asked).contains("The real authority"), "{}", asked.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_session_s_tls_is_told_even_where_this_machine_trusts_them() {
    let Some(lab) = lab("tls-interception") else { return };
    let (client, server, router) = (lab.host("client").unwrap(), lab.host("server").unwrap(), lab.host("r1").unwrap());
    let (real, company) =
        (Certificates::of("The real authority", &server), Certificates::of("The company's inspection", &server));
    let page = format!("https://{}/healthz", server.v4());
    let plan = format!(
        "[plan.default]\ndescription = \"the page\"\n[[plan.default.stage]]\ntests = [{{ http = \"{page}\" }}]\n"
    );
    let files = [real.file("cert.pem"), real.file("key.pem")];
    let more = ["--tls-cert", utf8(&files[0]), "--tls-key", utf8(&files[1])];
    let listen = format!("{}:443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, &plan, &more).await;
    let mut servers = JoinSet::new();
    relay(&router, 8443, &company.0, &real.0, (server.v4(), 443), &mut servers);

    for (trusted, intercepted) in [(&company, true), (&real, false)] {
        let mut command = on(&client, "cnc");
        command.arg("--ca").arg(trusted.file("ca.pem"));
        let ended = Client::run_by(command, &format!("https://{}", server.v4()), None).ended().await;
        assert_eq!(ended.code, 0, "{}", ended.said);
        let asked = ended.saved.iter().find_map(|item| item.pointer("/summary/intercepted")).expect("it was asked");
        assert_eq!(*asked, intercepted, "{}", ended.said);
        assert_eq!(ended.said.contains("something on the way inspects TLS"), intercepted, "{}", ended.said);
        let session = store::sessions(&listener.store()).pop().unwrap();
        let report = std::fs::read_to_string(listener.report(&session)).expect("a report");
        assert_eq!(report.contains("something on the way inspects TLS"), intercepted);
        // Whom to trust is the user's machine's business; the second user stands where nobody reads along.
        assert!(router.command("nft").args(["flush", "ruleset"]).status().expect("nft can be started").success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_phase_over_40_ms_takes_its_round_trips() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let certificates = Certificates::of("The tests' authority", &server);
    let _listener = certificates.serve(&server, &format!("{}:443", server.v4()), &[]).await;
    let asked = ask(&client, &format!("https://{}/healthz", server.v4()), Some(&certificates.file("ca.pem")));
    let summary = asked.summary();
    assert_eq!((&summary["status"], &summary["tls_version"]), (&200.into(), &"TLSv1.3".into()), "{summary}");
    // One round trip each with TLS 1.3, and what computing takes on a busy machine.
    for phase in ["/tcp_ms", "/tls_ms", "/first_byte_ms"] {
        let took = number(summary, phase);
        assert!((40.0..60.0).contains(&took), "{phase}: {summary}");
    }
    let total = number(summary, "/total_ms");
    assert!((120.0..180.0).contains(&total), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_that_leads_nowhere_is_passed_over_and_told_where_it_is_asked_for() {
    let Some(lab) = lab("v6-broken") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    client.etc("hosts", &format!("{} both.example\n{} both.example\n", server.v6(), server.v4())).unwrap();
    let listen = format!("{}:7443", server.v4());
    let more = ["--behind-tls-proxy", "--http", "[::]:80", "--public-url", "https://check.example"];
    let _listener = Listener::start_by(on(&server, "cnc-listener"), &listen, "", &more).await;
    let ping = |family| {
        let args = ["ping", family, "-c", "3", "-i", "100ms", "-W", "300ms", "--json", "both.example"];
        Lines::of(on(&client, "cnc").args(args))
    };
    assert_eq!(ping("-4").summary()["received"], 3);
    let v6 = ping("-6");
    assert_eq!((v6.code, v6.last["received"].as_u64()), (1, Some(0)), "{}", v6.last);
    let asked = ask(&client, "http://both.example/generate_204", None);
    assert_eq!(asked.summary()["status"], 204, "{}", asked.last);
    assert_eq!(asked.last["address"], server.v4().to_string(), "{}", asked.last);
    assert_eq!(asked.last["broken_family"], "v6", "{}", asked.last);
    assert_eq!(asked.last["ipv6"]["address"], server.v6().to_string(), "{}", asked.last);
    assert!(asked.last["ipv6"]["error"].as_str().is_some_and(|error| error.starts_with("nobody answered")));
    assert!(number(&asked.last, "/ipv4/tcp_ms") < 100.0, "{}", asked.last);
    let said = on(&client, "cnc").args(["http", "http://both.example/generate_204"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("IPv6 leads nowhere") && said.contains("while IPv4 works"), "{said}");
    // IPv6 has its head start, as in browsers, and no more; the handshake is that of who answered.
    let (total, tcp) = (number(&asked.last, "/total_ms"), number(&asked.last, "/tcp_ms"));
    assert!((250.0..1_000.0).contains(&total) && tcp < 100.0, "{}", asked.last);
}
