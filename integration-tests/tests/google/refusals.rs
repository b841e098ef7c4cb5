//! Wrong key, missing dataset, no right, wrong clock, quota: each is told once, in words that say what to do.

use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{begin, caught_up, exporter};
use cnc_integration_tests::programs::program;
use cnc_server::google::Kind;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::Place;

/// Google's own words.
const LATE: &str = r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}"#;
const FORGED: &str = r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#;

type Prepare = fn(&Fake);

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let cases: [(Prepare, Kind, &str); 6] = [
        (|fake| fake.refuse_tokens(400, FORGED), Kind::Key, "google.credentials"),
        (|fake| fake.refuse_tokens(400, LATE), Kind::Clock, "clock"),
        (
            |fake| fake.refuse_streams(Some((Code::NotFound, "Not found: Dataset p:d"))),
            Kind::NotFound,
            "cnc-listener bigquery setup",
        ),
        (
            |fake| fake.refuse_streams(Some((Code::PermissionDenied, "Permission 'TABLES_UPDATE_DATA' denied"))),
            Kind::Permission,
            "cnc-listener google check",
        ),
        (|fake| fake.refuse_streams(Some((Code::ResourceExhausted, "Quota exceeded"))), Kind::Quota, "quota"),
        (|fake| fake.refuse_streams(Some((Code::Unavailable, "try later"))), Kind::Outage, "Nothing is lost"),
    ];
    for (prepare, kind, advice) in cases {
        let place = Place::new();
        let record = place.open();
        let fake = Fake::start().await;
        prepare(&fake);
        begin(&record, 0).await;
        let exporter = exporter(&record, &fake.google());
        let figures = exporter.figures();
        let stop = CancellationToken::new();
        let running = tokio::spawn(exporter.run(stop.clone()));
        let told = async {
            loop {
                if let Some(failing) = figures.failing() {
                    return failing;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let failing = told.await;
        assert_eq!(failing.kind, kind, "{failing:?}");
        assert!(failing.message.contains(advice) && !failing.message.contains('\n'), "{}", failing.message);
        assert!(figures.failures().any(|(counted, times)| counted == kind && times > 0));
        if kind == Kind::Permission {
            // Once it is mended it goes on by itself.
            fake.refuse_streams(None);
            caught_up(&record).await;
            assert_eq!(fake.rows("sessions").len(), 1);
        }
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
    let address = fake.address();
    let settings = format!(
        "[google]\nproject = \"p\"\ncredentials = \"metadata\"\ndataset = \"d\"\n[google.endpoints]\n\
         bigquery = \"http://{address}/bigquery/v2\"\nstorage = \"http://{address}\"\nmetadata = \"http://{address}/token\"\n"
    );
    std::fs::write(&file, settings).expect("written");
    let check = async || {
        let mut command = Command::new(program("cnc-listener"));
        let output = command.args(["google", "check", "--config"]).arg(&file).output().await.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // The stand-in has no datasets: what comes after is not tried.
    let (code, said) = check().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ok  get a token") && said.contains("NO  see the dataset"), "{said}");
    assert!(said.contains("roles/bigquery.dataEditor") && said.contains("--  run a query"), "{said}");
    fake.refuse_tokens(400, LATE);
    let (code, said) = check().await;
    assert!(code == Some(1) && said.contains("NO  get a token") && said.contains("clock is wrong"), "{said}");
}
