//! Wrong key, missing dataset, no right, wrong clock, quota: each is told once, in words that say what to do, in the
//! listener's log, on the console's status and by `google check`.

use std::path::Path;
use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{begin, caught_up, exporter};
use cnc_integration_tests::google::key::{EMAIL, ServiceKey};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_server::google::Kind;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::Place;

/// Google's own words.
const NOT_ALLOWED: &str = r#"{"error":{"code":403,"message":"Access Denied: Dataset p:d","errors":[{"reason":"accessDenied","message":"x"}],"status":"PERMISSION_DENIED"}}"#;
const NO_QUOTA: &str = r#"{"error":{"code":403,"message":"Quota exceeded","errors":[{"reason":"quotaExceeded","message":"x"}],"status":"RESOURCE_EXHAUSTED"}}"#;
const LATER: &str = r#"{"error":{"code":503,"message":"try later","errors":[{"reason":"backendError","message":"x"}],"status":"UNAVAILABLE"}}"#;

/// What is wrong, which kind it is taken for, and what is said of it: what to do, and Google's own words.
type Case = (fn(&Fake, &ServiceKey), Kind, [&'static str; 2]);
type Change = fn(&Fake);

/// Everything is as it should be but for one thing.
const CASES: [Case; 6] = [
    // The account has another key now.
    (|fake, other| fake.register(EMAIL, &other.public), Kind::Key, ["google.credentials", "Invalid JWT Signature"]),
    (
        |fake, _| fake.set_clock_on(Duration::from_hours(1)),
        Kind::Clock,
        ["Set this machine's clock", "reasonable timeframe"],
    ),
    (
        |fake, _| fake.refuse_streams(Some((Code::NotFound, "Not found: Dataset p:d"))),
        Kind::NotFound,
        ["cnc-listener bigquery setup", "Not found: Dataset p:d"],
    ),
    (
        |fake, _| {
            fake.refuse_streams(Some((Code::PermissionDenied, "Permission 'TABLES_UPDATE_DATA' denied")));
            fake.refuse_rest(Some((403, NOT_ALLOWED.into())));
        },
        Kind::Permission,
        ["cnc-listener google check", "enied"],
    ),
    (
        |fake, _| {
            fake.refuse_streams(Some((Code::ResourceExhausted, "Quota exceeded")));
            fake.refuse_rest(Some((403, NO_QUOTA.into())));
        },
        Kind::Quota,
        ["raise the project's quota", "Quota exceeded"],
    ),
    (
        |fake, _| {
            fake.refuse_streams(Some((Code::Unavailable, "try later")));
            fake.refuse_rest(Some((503, LATER.into())));
        },
        Kind::Outage,
        ["Nothing is lost", "try later"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_is_told_in_log_status_and_check() {
    let (Some(key), Some(other)) = (ServiceKey::make().await, ServiceKey::make().await) else { return };
    for (prepare, kind, words) in CASES {
        let fake = Fake::start().await;
        fake.register(EMAIL, &key.public);
        prepare(&fake, &other);
        let folder = tempfile::tempdir().expect("a folder");
        let credentials = key.write(folder.path(), &fake.token_uri());
        let config = fake.settings(&credentials.display().to_string());

        let (log, read) = pipe::pipe().expect("a pipe");
        let mut command = std::process::Command::new(program("cnc-listener"));
        command.stderr(log.into_blocking_fd().expect("a blocking end"));
        let listener = Listener::start_by(command, "127.0.0.1:0", &config, &[]).await;
        let mut staff = listener.staff().await;
        staff.create_session(None).await;
        let mut log = BufReader::new(read).lines();
        let told = loop {
            // Liveness: the exporter tries at once, and says what came of it; the listener's end closes it.
            let line = log.next_line().await.expect("the log is text").expect("the listener runs");
            if line.contains("the export to BigQuery waits") {
                break line;
            }
        };
        assert!(told.contains("WARN") && words.iter().all(|words| told.contains(words)), "{kind:?} in the log: {told}");
        let status = staff.status().await.export.expect("there is an exporter");
        assert_eq!(status.failing_kind.as_deref(), Some(kind.word()));
        let message = status.failing_message.expect("it fails");
        assert!(told.contains(&message) && !message.contains('\n'), "{kind:?} on the console: {message}");

        let file = folder.path().join("listener.toml");
        std::fs::write(&file, config).expect("written");
        let (code, said) = check(&file).await;
        let refused = said.lines().filter(|line| line.starts_with("NO")).count();
        assert!(code == Some(1) && refused == 1 && said.contains(words[0]), "{kind:?} by the check: {said}");
    }
}

#[tokio::test]
async fn it_goes_on_by_itself_once_it_is_mended() {
    let Some(key) = ServiceKey::make().await else { return };
    let stories: [(Change, Change, Kind); 3] = [
        (|_| {}, |_| {}, Kind::Key),
        (|fake| fake.set_clock_on(Duration::from_hours(1)), |fake| fake.set_clock_on(Duration::ZERO), Kind::Clock),
        (
            |fake| fake.refuse_streams(Some((Code::PermissionDenied, "denied"))),
            |fake| fake.refuse_streams(None),
            Kind::Permission,
        ),
    ];
    for (spoil, mend, kind) in stories {
        let place = Place::new();
        let record = place.open();
        let fake = Fake::start().await;
        let file = key.write(place.file().parent().expect("a folder"), &fake.token_uri());
        let google =
            cnc_server::google::Google { credentials: cnc_server::google::Credentials::File(file), ..fake.google() };
        // Nobody knows the account before it is registered.
        if kind != Kind::Key {
            fake.register(EMAIL, &key.public);
        }
        spoil(&fake);
        begin(&record, 0).await;
        let exporter = exporter(&record, &google);
        let figures = exporter.figures();
        let mut failing = figures.watch();
        let stop = CancellationToken::new();
        let running = tokio::spawn(exporter.run(stop.clone()));
        let told = failing.wait_for(Option::is_some).await.expect("the exporter lives").clone().expect("it is some");
        assert_eq!(told.kind, kind, "{told:?}");
        assert!(figures.failures().any(|(counted, times)| counted == kind && times > 0));
        fake.register(EMAIL, &key.public);
        mend(&fake);
        caught_up(&record).await;
        assert_eq!(fake.rows("sessions").len(), 1);
        // Liveness: the round that caught up says so at its end.
        failing.wait_for(Option::is_none).await.expect("the exporter lives");
        stop.cancel();
        running.await.expect("the exporter does not panic");
    }
}

#[tokio::test]
async fn without_settings_the_commands_say_how() {
    for words in [["google", "check"], ["bigquery", "setup"]] {
        let output = Command::new(program("cnc-listener")).args(words).output().await.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("[google]") && said.contains("docs/google.md"), "{said}");
    }
}

#[tokio::test]
async fn the_check_says_what_is_missing_and_what_grants_it() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("listener.toml");
    std::fs::write(&file, fake.settings("metadata")).expect("written");
    // The stand-in has no datasets: what comes after is not tried.
    let (code, said) = check(&file).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ok  get a token") && said.contains("NO  see the dataset"), "{said}");
    assert!(said.contains("roles/bigquery.dataEditor") && said.contains("--  run a query"), "{said}");
}

async fn check(config: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(program("cnc-listener"));
    let output = command.args(["google", "check", "--config"]).arg(config).output().await.expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}
