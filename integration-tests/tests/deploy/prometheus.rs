//! Alerts and dashboard: sound by Prometheus's own judge, right about invented days, and made of what a running listener
//! really tells.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::found_or_skip;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::files::{deploy, read, said, text};

const RULES: &str = "prometheus/alerts.yml";
const RULES_TESTS: &str = "prometheus/alerts.test.yml";
const DASHBOARD: &str = "grafana/cnc-listener.json";

/// A listener that exports and makes documents tells of that, too, whether or not Google answers: nobody does here.
const EXPORTING: &str = r#"
[google]
project = "example-project"
dataset = "cnc"
folder = "1AbCdEfGhIjKlMnOp"
credentials = "metadata"

[google.endpoints]
bigquery = "http://127.0.0.1:9"
storage = "http://127.0.0.1:9"
drive = "http://127.0.0.1:9"
metadata = "http://127.0.0.1:9/token"
"#;

#[test]
fn prometheus_takes_its_files_and_the_rules_see_what_they_must() {
    if found_or_skip("promtool").is_none() {
        return;
    }
    let steps: [&[&str]; 3] = [
        &["check", "config", "prometheus.yml"],
        &["check", "rules", "alerts.yml"],
        &["test", "rules", "alerts.test.yml"],
    ];
    for step in steps {
        said(Command::new("promtool").args(step).current_dir(deploy("prometheus")));
    }
}

#[test]
fn each_rule_says_what_to_do_and_is_tried() {
    let Some(all) = read(&[deploy(RULES)]) else { return };
    let tests = text(RULES_TESTS);
    let rules = all.values().flat_map(|file| file["content"]["groups"].as_array().expect("groups"));
    let rules: Vec<_> = rules.flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    assert!(rules.len() >= 10, "{rules:?}");
    for rule in rules {
        let name = rule["alert"].as_str().expect("only alerts");
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{name}");
        for note in ["summary", "action"] {
            assert!(rule["annotations"][note].as_str().is_some_and(|note| note.ends_with('.')), "{name}: {note}");
        }
        assert!(tests.contains(name), "{name} has no test in {RULES_TESTS}");
    }
}

#[tokio::test]
async fn what_they_are_made_of_a_listener_tells() {
    let listener = Listener::start(&[QUICK, EXPORTING].concat()).await;
    let metrics = metrics(&listener).await;
    let kinds: BTreeMap<_, _> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    assert!(kinds.len() > 15, "{metrics}");
    for file in [RULES, RULES_TESTS, DASHBOARD] {
        let text = text(file);
        let named: Vec<_> = names(&text).collect();
        assert!(named.len() > 10, "{file}: {named:?}");
        for (before, name) in named {
            let kind = kinds.get(name).unwrap_or_else(|| panic!("{file}: a listener does not tell {name}"));
            // A series of a test stands alone; a rule takes a counter's growth, and a level as it is.
            let grows = ["rate(", "increase(", "resets("].iter().any(|function| before.ends_with(function));
            assert!(file == RULES_TESTS || grows == (*kind == "counter"), "{file}: {name} is a {kind}");
        }
        for limit in limits(&text) {
            assert!(metrics.contains(&format!("{{limit=\"{limit}\"}}")), "{file}: there is no bound {limit}");
        }
    }
}

#[test]
fn the_dashboard_is_whole_and_its_questions_are_sound() {
    let board: Value = serde_json::from_str(&text(DASHBOARD)).expect("it is JSON");
    let panels = board["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
    let mut taken = BTreeSet::new();
    let mut questions = Vec::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(panel["description"].as_str().is_some_and(|words| words.ends_with('.')), "{title}: in words");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
        assert!(x + w <= 24, "{title} is wider than a screen");
        for place in (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column))) {
            assert!(taken.insert(place), "{title} lies on another");
        }
        for target in panel["targets"].as_array().expect("questions") {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            questions.push(target["expr"].as_str().expect("a question"));
        }
    }
    if found_or_skip("promtool").is_none() {
        return;
    }
    let rule = |(at, question): (usize, &&str)| {
        let question = question.replace("$__rate_interval", "5m").replace("$instance", ".*");
        format!("      - record: panel:{at}\n        expr: {}\n", Value::from(question))
    };
    let rules: String = questions.iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, format!("groups:\n  - name: dashboard\n    rules:\n{rules}")).expect("written");
    let judged = said(Command::new("promtool").args(["check", "rules"]).arg(&file));
    assert!(judged.contains(&format!("{} rules found", questions.len())), "{judged}");
}

/// Asks a listener for its metrics, as Prometheus does with a token.
async fn metrics(listener: &Listener) -> String {
    let mut stream = TcpStream::connect(listener.address()).await.expect("it listens");
    let token = listener.token();
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    // Liveness: the listener closes the connection, as it was asked to.
    stream.read_to_string(&mut answer).await.expect("it answers in text");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// Finds the metrics that a text names, each with what stands before it.
fn names(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("cnc_").map(|(at, _)| {
        let (before, from) = text.split_at(at);
        let end = from.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(from.len());
        (before, &from[..end])
    })
}

/// Finds the bounds that a text names: `limit="…"`, `limit=~"…|…"`.
fn limits(text: &str) -> Vec<&str> {
    let named = text.match_indices("limit").filter_map(|(at, word)| {
        let rest = text[at + word.len()..].trim_start_matches(['=', '!', '~']);
        rest.strip_prefix('"')?.split('"').next()
    });
    named.flat_map(|named| named.split('|')).collect()
}
