//! The listener's own settings, as they are handed out and as Terraform writes them: a listener takes them, and they say
//! what docs/deploy.md says of them.

use cnc_model::Test;
use cnc_server::config::{Config, DEFAULT_PLAN};

use crate::files::text;

/// Gives settings as Terraform would write them.
fn written(template: &str) -> Config {
    let values = [
        ("operator", "Example Networks, helpdesk"),
        ("host", "check.example.com"),
        ("uplink_bps", "2000000000"),
        ("project", "example-project"),
        ("dataset", "cnc"),
        ("drive", "folder = \"1AbCdEfGhIjKlMnOp\""),
    ];
    let mut text = text(template);
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    assert!(!text.contains("${"), "an unknown value: {text}");
    sound(&text)
}

fn sound(text: &str) -> Config {
    let config = Config::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    config.checked().expect("it fits together")
}

#[test]
fn those_for_a_machine_are_sound_and_let_in_whom_support_asked() {
    for config in [sound(&text("listener.toml")), written("terraform/vm/listener.toml.tftpl")] {
        assert!(config.tls.is_some() && !config.walk_in && !config.public_speed, "{config:?}");
        assert!(config.metrics.is_some_and(|address| address.ip().is_loopback()), "metrics are for this machine alone");
        assert!(config.speed.uplink.is_some(), "throughput tests know the line");
        assert!(config.google.as_ref().is_none_or(|google| google.folder.is_some()), "documents go where they are to");
        assert!(config.retention.samples.is_some() && config.retention.sessions.is_some(), "{config:?}");
    }
}

#[test]
fn those_for_cloud_run_measure_no_throughput() {
    let config = written("terraform/cloud-run/listener.toml.tftpl");
    assert!(config.behind_tls_proxy && config.tls.is_none() && config.metrics.is_none(), "{config:?}");
    assert!(!config.trusted_proxies.is_empty(), "the front names the client");
    assert!(config.admin_token.is_some(), "a token that outlives the disk");
    assert_eq!(config.transfers, 0);
    let plans = config.all_plans();
    let default = plans.get(DEFAULT_PLAN).expect("always there");
    let loads = |test: &Test| matches!(test, Test::Download(_) | Test::Upload(_));
    assert!(default.tests().count() >= 5 && !default.tests().any(|(_, test)| loads(test)), "{default:?}");
}
