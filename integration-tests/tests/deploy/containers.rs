//! The image and the composition, as far as they can be judged without pulling what they begin with. hadolint judges the
//! Containerfile beside these tests.

use std::path::Path;

use serde_json::Value;

use crate::files::{deploy, read, repository, text};

/// The user that the image runs as, whom no system knows.
const NOBODY: &str = "65532:65532";

/// The Containerfile's instructions, continued lines joined, comments left out.
fn instructions() -> Vec<(String, String)> {
    let text = text("Containerfile");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    let joined = lines.fold(String::new(), |all, line| match line.strip_suffix('\\') {
        Some(continued) => all + continued,
        None => all + line + "\n",
    });
    let split = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    joined.lines().map(|line| split(line).unwrap_or_else(|| panic!("no instruction: {line}"))).collect()
}

#[test]
fn the_image_holds_one_program_and_runs_as_nobody() {
    let all = instructions();
    let last = all.iter().rposition(|(word, _)| word == "FROM").expect("it begins with something");
    assert_eq!(all[last].1, "scratch");
    let of = |wanted: &str| {
        all[last..].iter().filter(|(word, _)| word == wanted).map(|(_, rest)| rest.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("USER"), [NOBODY]);
    assert_eq!(of("VOLUME"), ["/data"]);
    assert_eq!(of("ENTRYPOINT"), [r#"["/cnc-listener"]"#]);
    assert!(of("RUN").is_empty() && of("ADD").is_empty(), "an empty root runs nothing");
    assert!(of("COPY").iter().all(|copy| copy.starts_with("--from=program ")), "only what was built");
    let owned = of("COPY").into_iter().filter(|copy| copy.contains(NOBODY)).count();
    assert_eq!(owned, 1, "its own is the data folder, not the program");
}

#[test]
fn stages_begin_with_one_version_each_and_copy_what_is_there() {
    let all = instructions();
    let compiler = std::fs::read_to_string(repository("Cargo.toml")).expect("it is there");
    let compiler =
        compiler.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("it says").trim_matches('"');
    for (word, rest) in &all {
        if word == "FROM" && rest != "scratch" {
            let image = rest.split(' ').next().expect("an image");
            let (name, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{image} has no version"));
            assert!(tag.split(['.', '-']).filter(|part| part.parse::<u32>().is_ok()).count() >= 3, "{image} moves");
            assert!(!name.ends_with("/rust") || tag.starts_with(compiler), "{image}, and Cargo.toml says {compiler}");
        }
        let copied = rest.split(' ').filter(|part| !part.starts_with("--")).collect::<Vec<_>>();
        if word == "COPY" && !rest.contains("--from=") {
            let (_, sources) = copied.split_last().expect("it copies something");
            assert!(sources.iter().all(|source| repository(source).exists()), "{rest}");
        }
    }
}

#[test]
fn the_composition_gives_the_listener_nothing_that_it_does_not_need() {
    let Some(all) = read(&[deploy("compose.yaml")]) else { return };
    let content = &all.values().next().expect("one file")["content"];
    let listener = &content["services"]["listener"];
    assert_eq!(listener["read_only"], true);
    let file = listener["build"]["dockerfile"].as_str().expect("it is built");
    assert!(deploy(listener["build"]["context"].as_str().expect("from here")).join(file).is_file());
    for (name, service) in content["services"].as_object().expect("services") {
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        assert!(service.get("privileged").is_none() && service.get("network_mode").is_none(), "{name}");
        for volume in service["volumes"].as_array().expect("volumes").iter().filter_map(Value::as_str) {
            let [source, ..] = volume.split(':').collect::<Vec<_>>()[..] else { panic!("{volume}") };
            match source.strip_prefix("./") {
                // What is the operator's own lies beside the files of the repository.
                Some("listener") => assert!(volume.ends_with(":ro"), "{volume}"),
                Some(own) => assert!(volume.ends_with(":ro") && deploy(own).is_dir(), "{volume}"),
                None => assert!(content["volumes"].get(source).is_some(), "{name}: {volume} is declared nowhere"),
            }
        }
    }
    let inside = |port: &str| port.rsplit_once(':').map(|(_, inside)| inside.to_owned());
    let published = listener["ports"].as_array().expect("ports").iter().filter_map(Value::as_str).filter_map(inside);
    let published: Vec<_> = published.collect();
    assert_eq!(published, ["7080/tcp", "7443/tcp", "7443/udp"], "metrics are not for everybody");
    let scraped = text("prometheus/prometheus.yml");
    assert!(scraped.contains("listener:9464"), "Prometheus asks the service by its name");
    let asked = listener["command"].as_array().expect("a command").iter().any(|word| word == "--metrics=0.0.0.0:9464");
    assert!(asked && Path::new(file).starts_with("deploy"));
}
