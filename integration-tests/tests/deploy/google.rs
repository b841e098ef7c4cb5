//! Terraform's files beside what Google's provider takes at that version, as `deploy/check/google.json` keeps it; and the
//! rights that they give, which are all that the listener needs and no more.

use serde_json::{Map, Value};

use crate::files::text;
use crate::terraform::Declared;

/// What every resource may have, whatever it is.
const OF_TERRAFORM: [&str; 5] = ["count", "for_each", "depends_on", "lifecycle", "provider"];

/// Every right that is given: by what, which, and to whom.
const RIGHTS: [(&str, &str, &str); 5] = [
    ("google_bigquery_dataset_iam_member", "roles/bigquery.dataEditor", LISTENER),
    ("google_cloud_run_v2_service_iam_member", "roles/run.invoker", "allUsers"),
    ("google_project_iam_member", "roles/bigquery.jobUser", LISTENER),
    ("google_secret_manager_secret_iam_member", "roles/secretmanager.secretAccessor", LISTENER),
    ("google_storage_bucket_iam_member", "roles/storage.objectViewer", LISTENER),
];
const LISTENER: &str = "${google_service_account.listener.member}";

#[test]
fn resources_have_the_arguments_that_the_provider_takes() {
    let Some(declared) = Declared::read() else { return };
    let kept: Value = serde_json::from_str(&text("check/google.json")).expect("it is JSON");
    assert_eq!(kept["version"], declared.google(), "write google.json anew: npm run schema in deploy/check");
    for (kind, name, body) in declared.resources() {
        let known = kept["kinds"][kind]["arguments"].as_object();
        let known = known.unwrap_or_else(|| panic!("google.json has no {kind}: npm run schema in deploy/check"));
        let mut body = body.clone();
        body.retain(|argument, _| !OF_TERRAFORM.contains(&argument.as_str()));
        fits(&format!("{kind}.{name}"), &body, known);
    }
}

#[test]
fn what_is_asked_of_a_resource_it_tells() {
    let Some(declared) = Declared::read() else { return };
    let kept: Value = serde_json::from_str(&text("check/google.json")).expect("it is JSON");
    let mut asked = 0;
    for path in declared.named("google_") {
        let words: Vec<_> = path.split('.').collect();
        let [kind, _, attribute, ..] = words[..] else { continue };
        let kind = &kept["kinds"][format!("google_{kind}")];
        let told = kind["told"].as_array().expect("what it tells");
        assert!(attribute == "id" || told.iter().any(|known| known == attribute), "google_{path}");
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
}

#[test]
fn the_listener_gets_the_least_rights() {
    let Some(declared) = Declared::read() else { return };
    let is_of_rights = |kind: &str| ["_iam_", "access", "grant"].iter().any(|word| kind.contains(word));
    let word = |body: &Map<String, Value>, key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut given: Vec<_> = declared
        .resources()
        .filter(|(kind, ..)| is_of_rights(kind))
        .map(|(kind, _, body)| {
            (kind.clone(), word(body, "role").unwrap_or_default(), word(body, "member").unwrap_or_default())
        })
        .collect();
    given.sort();
    let allowed = RIGHTS.map(|(kind, role, member)| (kind.to_owned(), role.to_owned(), member.to_owned()));
    assert_eq!(given, allowed);
    let no_key = declared.resources().all(|(kind, ..)| kind != "google_service_account_key");
    assert!(no_key, "a key is a secret that leaks; the machine speaks for itself");
}

/// Holds what is set against what is taken, blocks within blocks.
fn fits(place: &str, body: &Map<String, Value>, known: &Map<String, Value>) {
    for (argument, value) in body {
        let taken = known.get(argument).unwrap_or_else(|| panic!("{place} takes no {argument}"));
        let Some(within) = taken.get("block").and_then(Value::as_object) else { continue };
        let blocks = value.as_array().unwrap_or_else(|| panic!("{place}.{argument} is a block"));
        for block in blocks {
            fits(&format!("{place}.{argument}"), block.as_object().expect("a block"), within);
        }
    }
    for (argument, taken) in known {
        assert!(taken["required"] == false || body.contains_key(argument), "{place} needs {argument}");
    }
}
