//! Terraform's files by themselves: parsed and formatted as Terraform does it, whole in what they name, and each
//! variable with words and bounds. Terraform itself is asked as well where it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use crate::files::{deploy, read, said, told, with_ending};

/// A good value for each variable that has none by itself.
const GOOD: [&str; 4] =
    ["project=example-project", "region=europe-west3", "host=check.example.com", "operator=Example Networks, helpdesk"];

/// All files as one: what is declared, by kind and name.
pub(crate) struct Declared(Map<String, Value>);

impl Declared {
    /// Reads them; `None` after telling that they cannot be read here.
    pub(crate) fn read() -> Option<Self> {
        let mut all = Map::new();
        for (file, found) in read(&with_ending("terraform", &["tf"]))? {
            assert_eq!(found["formatted"], true, "{file} is not as terraform fmt writes it");
            for (kind, declared) in found["content"].as_object().expect("an object") {
                let place = all.entry(kind.clone()).or_insert_with(|| Value::Array(Vec::new()));
                place.as_array_mut().expect("made so").push(declared.clone());
            }
        }
        Some(Self(all))
    }

    /// Gives what is declared of one kind, each with its name.
    fn of(&self, kind: &str) -> impl Iterator<Item = (&String, &Value)> {
        let files = self.0.get(kind).and_then(Value::as_array).into_iter().flatten();
        files.filter_map(Value::as_object).flatten()
    }

    /// Gives all resources: their kind, their name, and what is set.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&String, &String, &Map<String, Value>)> {
        self.of("resource").flat_map(|(kind, named)| {
            let named = named.as_object().expect("resources by name");
            named.iter().map(move |(name, body)| (kind, name, body[0].as_object().expect("what is set")))
        })
    }

    /// Gives the exact version of Google's provider.
    pub(crate) fn google(&self) -> &str {
        let (_, block) = self.0["terraform"][0].as_array().map(|blocks| ("", &blocks[0])).expect("a block");
        block["required_providers"][0]["google"]["version"].as_str().expect("a version")
    }

    /// Finds all that is named with one of these beginnings, by the words that follow.
    pub(crate) fn named(&self, beginning: &str) -> BTreeSet<String> {
        let mut texts = Vec::new();
        self.0.values().for_each(|value| gather(value, &mut texts));
        texts.into_iter().flat_map(|text| words_after(text, beginning)).collect()
    }
}

#[test]
fn versions_are_closed() {
    let Some(declared) = Declared::read() else { return };
    let version = declared.google();
    assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "an exact version, not {version}");
    let required = declared.0["terraform"][0][0]["required_version"].as_str().expect("a version");
    assert!(required.contains('>') && required.contains("< "), "an end on both sides, not {required}");
}

#[test]
fn what_is_named_is_declared_and_what_is_declared_is_used() {
    let Some(declared) = Declared::read() else { return };
    let first = |path: &String| path.split('.').next().expect("a word").to_owned();
    let used: BTreeSet<_> = declared.named("var.").iter().map(first).collect();
    let variables: BTreeSet<_> = declared.of("variable").map(|(name, _)| name.clone()).collect();
    assert_eq!(used, variables, "variables");
    let used: BTreeSet<_> = declared.named("local.").iter().map(first).collect();
    let files = declared.0["locals"].as_array().expect("locals").iter().filter_map(Value::as_array).flatten();
    let locals: BTreeSet<_> = files.filter_map(Value::as_object).flat_map(Map::keys).cloned().collect();
    assert_eq!(used, locals, "locals");
    let known: BTreeSet<_> = declared.resources().map(|(kind, name, _)| format!("{kind}.{name}")).collect();
    for path in declared.named("google_") {
        let named = format!("google_{}", path.split('.').take(2).collect::<Vec<_>>().join("."));
        assert!(!path.contains('.') || known.contains(&named), "{named} is not declared");
    }
}

#[test]
fn variables_and_outputs_are_told_in_words_and_bounded() {
    let Some(declared) = Declared::read() else { return };
    for (name, body) in declared.of("variable") {
        let body = &body[0];
        assert!(body["description"].as_str().is_some_and(|words| words.ends_with('.')), "{name}: in words");
        assert!(body["type"].is_string(), "{name}: of a type");
        let rule = &body["validation"][0];
        assert!(
            rule["condition"].as_str().is_some_and(|condition| condition.contains(name.as_str())),
            "{name}: a bound"
        );
        assert!(rule["error_message"].as_str().is_some_and(|words| words.ends_with('.')), "{name}: what is allowed");
    }
    for (name, body) in declared.of("output") {
        assert!(body[0]["description"].as_str().is_some_and(|words| words.ends_with('.')), "{name}: in words");
    }
}

#[test]
fn terraform_itself_takes_what_is_good_and_tells_each_mistake() {
    let Some(terraform) = terraform() else { return };
    said(ask(&terraform).args(["fmt", "-check", "-recursive"]).current_dir(deploy("terraform")));
    // The variables alone want no provider, so that everything can be asked without the registry.
    let folder = tempfile::tempdir().expect("a folder");
    let within = |name: &str| folder.path().join(name);
    std::fs::copy(deploy("terraform/variables.tf"), within("variables.tf")).expect("copied");
    std::fs::write(within("cnc-listener"), "").expect("written");
    said(ask(&terraform).args(["init", "-input=false"]).current_dir(folder.path()));
    let plan = |more: &[&str]| {
        let values = GOOD.iter().chain(more).flat_map(|value| ["-var", *value]);
        told(ask(&terraform).args(["plan", "-input=false", "-no-color"]).args(values).current_dir(folder.path()))
    };
    let image = format!("image=registry.example.com/cnc@sha256:{}", "0".repeat(64));
    for good in [&["program=cnc-listener"][..], &["run_on=cloud-run", &image]] {
        let (taken, judged) = plan(good);
        assert!(taken, "{good:?}: {judged}");
    }
    let bad = [
        ["project=X", "project"],
        ["region=Europe", "region"],
        ["zone=z", "zone"],
        ["name=C", "name"],
        ["run_on=app-engine", "run_on"],
        ["host=https://check.example.com", "host"],
        ["operator=a \"friend\"", "operator"],
        ["operator=${var.project}", "operator"],
        ["dataset=a-b", "dataset"],
        ["dataset_location=eu", "dataset_location"],
        ["drive_folder=x", "drive_folder"],
        ["program=nothing", "program"],
        ["machine_type=big", "machine_type"],
        ["uplink_bps=0", "uplink_bps"],
        ["disk_gb=5", "disk_gb"],
        ["snapshot_days=0", "snapshot_days"],
        ["labels={A=\"b\"}", "labels"],
    ];
    for [value, variable] in bad {
        let (taken, judged) = plan(&["program=cnc-listener", value]);
        assert!(!taken && judged.contains(&format!("variable \"{variable}\"")), "{value}: {judged}");
    }
    let (taken, judged) = plan(&["run_on=cloud-run", "image=registry.example.com/cnc:latest"]);
    assert!(!taken && judged.contains("variable \"image\""), "{judged}");
}

/// Finds Terraform, which no registry of packages brings; without it what npm has of its code has the last word.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
fn terraform() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("terraform")).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: needs terraform; install it by hand where its own word is wanted");
    }
    found
}

/// Makes a command of it that asks nobody whether it is the newest, and takes no settings of the user's.
fn ask(terraform: &Path) -> Command {
    let mut command = Command::new(terraform);
    command.env("CHECKPOINT_DISABLE", "1").env("TF_CLI_CONFIG_FILE", "").env_remove("TF_WORKSPACE");
    command
}

/// Gathers all texts within a value.
fn gather<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(values) => values.iter().for_each(|value| gather(value, into)),
        Value::Object(values) => values.values().for_each(|value| gather(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Finds what follows a beginning of a name: words with dots between them, an index left out.
fn words_after(text: &str, beginning: &str) -> Vec<String> {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let starts = |at: usize| !text[..at].ends_with(|sign: char| is_word(sign) || sign == '.' || sign == '-');
    let found = text.match_indices(beginning).filter(|(at, _)| starts(*at));
    found
        .map(|(at, _)| {
            let mut path = String::new();
            let mut rest = &text[at + beginning.len()..];
            while let Some(sign) = rest.chars().next() {
                if sign == '[' {
                    rest = rest.split_once(']').map_or("", |(_, after)| after);
                } else if is_word(sign) || sign == '.' {
                    path.push(sign);
                    rest = &rest[1..];
                } else {
                    break;
                }
            }
            path.trim_end_matches('.').to_owned()
        })
        .collect()
}
