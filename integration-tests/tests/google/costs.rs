//! What history from BigQuery costs is told and bounded, and what keeps it from answering is told with what to do.

use std::process::Command;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_model::Timestamp;
use cnc_proto::support::{HistoryPeriod, HistoryScope, HistorySubject};
use serde_json::{Value, json};

use crate::Place;
use crate::history::from_bigquery;

const MOST: u64 = 100_000_000;

fn scope(destination: &str) -> HistoryScope {
    let at = Timestamp::from_unix_us;
    HistoryScope {
        subject: HistorySubject::Both(destination.into(), 64_500),
        // An hour's begin is what counts: the first whole hour is the second.
        period: HistoryPeriod { from: at(1_800_000_000_000_001), until: at(1_800_090_000_000_000) },
        utc_offset_minutes: 60,
    }
}

#[tokio::test]
async fn questions_are_bounded_and_what_is_asked_for_is_a_parameter() {
    let (fake, place) = (Fake::start().await, Place::new());
    fake.charge(12_300_000);
    let history = from_bigquery(&place.open(), fake.google(), MOST);
    let text = "x' OR TRUE --";
    for total in [12_300_000, 24_600_000] {
        let origin = history.figures(scope(text)).await.expect("answered").origin;
        assert_eq!((origin.billed_bytes, origin.billed_total_bytes), (Some(12_300_000), Some(total)));
    }
    let question = fake.questions().remove(0);
    assert_eq!(question["maximumBytesBilled"], MOST.to_string());
    assert_eq!((&question["parameterMode"], &question["useLegacySql"]), (&json!("NAMED"), &json!(false)));
    let sql = question["query"].as_str().expect("a text");
    assert!(!sql.contains("OR TRUE") && sql.contains("`at` >= @first AND `at` < @behind"), "{sql}");
    let parameter = |name: &str| {
        let all = question["queryParameters"].as_array().expect("a list");
        all.iter().find(|of| of["name"] == name).expect("given")["parameterValue"]["value"].clone()
    };
    assert_eq!((parameter("destination"), parameter("asn")), (json!(text), json!("64500")));
    assert_eq!(parameter("first"), "2027-01-15T09:00:00.000000Z");
    let costs = history.costs().expect("it costs something").text();
    assert!(costs.contains("cnc_history_answers_total 2\n"), "{costs}");
    assert!(costs.contains("cnc_history_billed_bytes_total 24600000\n"), "{costs}");
}

#[tokio::test]
async fn what_keeps_it_from_answering_says_what_to_do_and_nothing_else_answers() {
    let error = |code: u16, reason: &str, said: &str| {
        let body =
            json!({ "error": { "code": code, "message": said, "errors": [{ "reason": reason }], "status": "" } });
        Some((code, body.to_string()))
    };
    let cases = [
        (error(403, "accessDenied", "Access Denied: bigquery.jobs.create"), "permission", "cnc-listener google check"),
        (error(403, "quotaExceeded", "Quota exceeded"), "quota", "Ask again later"),
        (error(404, "notFound", "Not found: Table p:d.samples"), "not_found", "cnc-listener bigquery setup"),
        (error(400, "invalidQuery", "Unrecognized name: protocol at [1:2]"), "schema", "cnc-listener bigquery setup"),
        (error(503, "backendError", "try later"), "outage", "Ask again in a minute"),
        (None, "cap", "history_max_bytes"),
    ];
    let (fake, place) = (Fake::start().await, Place::new());
    let history = from_bigquery(&place.open(), fake.google(), MOST);
    fake.charge(MOST + 1);
    for (refusal, kind, advice) in cases {
        fake.refuse_rest(refusal);
        let told = history.figures(scope("example.com")).await.expect_err(kind).to_string();
        assert!(told.contains(advice) && told.contains("history = \"store\"") && !told.contains('\n'), "{told}");
        assert!(!told.contains("tried again by itself"), "{told}");
        let costs = history.costs().expect("it costs something").text();
        assert!(costs.contains(&format!("cnc_history_failures_total{{kind=\"{kind}\"}} 1\n")), "{costs}");
    }
    fake.refuse_rest(None);
    fake.charge(MOST);
    history.figures(scope("example.com")).await.expect("once it is mended it goes on by itself");
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_given_up_and_told_as_such() {
    let (fake, place) = (Fake::start().await, Place::new());
    let history = from_bigquery(&place.open(), fake.google(), MOST);
    fake.dawdle(true);
    let told = history.figures(scope("example.com")).await.expect_err("it takes too long").to_string();
    assert!(told.contains("not done within a minute; BigQuery may go on with it, and charge it"), "{told}");
    fake.dawdle(false);
    history.figures(scope("example.com")).await.expect("the next one is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_cost_and_refusal() {
    let fake = Fake::start().await;
    fake.charge(12_300_000);
    let address = fake.address();
    let listener = Listener::start(&format!(
        "[google]\nproject = \"p\"\ncredentials = \"metadata\"\ndataset = \"d\"\nhistory = \"bigquery\"\n\
         history_max_bytes = 100_000_000\n[google.endpoints]\nbigquery = \"http://{address}/bigquery/v2\"\n\
         storage = \"http://{address}\"\nmetadata = \"http://{address}/token\"\n"
    ))
    .await;
    let history = |arguments: &[&str]| {
        let mut command = Command::new(program("cnc-listener"));
        command.arg("history").args(arguments).args(["--listener", listener.url()]).env_remove("CNC_TOKEN");
        let output = command.current_dir(listener.data()).output().expect("it can be started");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let token = listener.data().join("admin.token").display().to_string();
    let show = ["show", "--destination", "example.com", "--token-file", &token];
    let (code, said, _) = history(&show);
    assert_eq!(code, Some(0), "{said}");
    for words in ["from BigQuery", "percentiles are exact", "billed: 12.3 MB, and 12.3 MB since", "Complete up to 20"] {
        assert!(said.contains(words), "{words} in:\n{said}");
    }
    let (code, said, _) = history(&["list", "--json", "--token-file", &token]);
    let last: Value = serde_json::from_str(said.lines().last().expect("a summary")).expect("JSON");
    assert_eq!((code, &last["source"]), (Some(0), &json!("bigquery")));
    assert_eq!((&last["billed_bytes"], &last["billed_total_bytes"]), (&json!(12_300_000), &json!(24_600_000)));

    fake.charge(100_000_001);
    let (code, said, error) = history(&show);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{error}");
    assert!(error.contains("history_max_bytes") && error.contains("100000001"), "{error}");
}
