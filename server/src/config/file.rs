//! `listener.toml`: its keys and what each may hold.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cnc_model::{BitRate, Plan};

use super::reader::{Mistake, Reading, Section};
use super::{Config, Retention, TlsFiles};
use super::{google, plans};
use crate::limits::Bounds;
use crate::session::Waits;
use crate::turns::Rules;

const ADDRESS: &str = "an address and port like \"0.0.0.0:7443\" or \"[::]:7443\"";
/// The shortest retention: for 7 days a client may deliver late, after which its report is made again.
const SHORTEST_RETENTION: Duration = Duration::from_hours(8 * 24);
/// The longest wait for other throughput tests: clients wait no longer.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
const HOST: &str = "host names or addresses like \"example.com\"";
const NETWORK: &str = "networks like \"10.0.0.0/8\"";

pub(super) fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
    let reading = Reading::of(text);
    let table = reading.parse();
    let section = Section::of(&reading, "", &table);
    let config = config(&section);
    section.finish();
    let mistakes = reading.mistakes();
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

fn config(section: &Section<'_, '_>) -> Config {
    let default = Config::default();
    let mut config = Config {
        operator: section.text("operator").unwrap_or(default.operator),
        listen: section.parsed("listen", ADDRESS).unwrap_or(default.listen),
        data: section.parsed("data", "a folder").unwrap_or(default.data),
        admin_token: section.parsed("admin_token", "a file"),
        tls: tls(section),
        behind_tls_proxy: section.flag("behind_tls_proxy").unwrap_or(default.behind_tls_proxy),
        trusted_proxies: section.list("trusted_proxies", NETWORK).unwrap_or_default(),
        http: section.parsed::<SocketAddr>("http", ADDRESS),
        metrics: section.parsed::<SocketAddr>("metrics", ADDRESS),
        walk_in: section.flag("walk_in").unwrap_or(default.walk_in),
        public_speed: section.flag("public_speed").unwrap_or(default.public_speed),
        transfers: section
            .number::<u16>("transfers", "a whole number from 0 to 65535")
            .map_or(default.transfers, usize::from),
        speed: speed(section),
        limits: limits(section),
        public_url: section.read("public_url", "http://… or https://…", url),
        waits: waits(section),
        retention: retention(section),
        asn_database: None,
        cymru: false,
        google: google::read(section),
        durability: google::durability(section),
        destinations: section.list("destinations", HOST).unwrap_or_default(),
        plans: own_plans(section),
    };
    (config.asn_database, config.cymru) = provider(section);
    config
}

pub(super) fn url(text: &str) -> Option<String> {
    (text.starts_with("http://") || text.starts_with("https://")).then(|| text.to_owned())
}

fn tls(section: &Section<'_, '_>) -> Option<TlsFiles> {
    let within = Section::within(section.reading, "tls", section.value("tls")?)?;
    let (cert, key) = (within.parsed("cert", "a file"), within.parsed("key", "a file"));
    let client_ca = within.parsed("client_ca", "a file");
    if cert.is_none() || key.is_none() {
        within.wrong("needs both cert and key, each a PEM file");
    }
    within.finish();
    Some(TlsFiles { cert: cert?, key: key?, client_ca })
}

fn waits(section: &Section<'_, '_>) -> Waits {
    let mut waits = Waits::default();
    let Some(value) = section.value("waits") else { return waits };
    let Some(within) = Section::within(section.reading, "waits", value) else { return waits };
    let places = [
        ("join", &mut waits.join),
        ("grace", &mut waits.grace),
        ("idle", &mut waits.idle),
        ("ending", &mut waits.ending),
    ];
    for (key, place) in places {
        if let Some(duration) = within.duration(key) {
            *place = duration;
        }
    }
    within.finish();
    waits
}

fn speed(section: &Section<'_, '_>) -> Rules {
    let mut rules = Rules::default();
    let table = section.value("speed").and_then(|value| Section::within(section.reading, "speed", value));
    let Some(within) = table else { return rules };
    let allowed = "whole bits a second, from 1: 1_000_000_000 for 1 Gbit/s";
    rules.uplink = within.number::<u64>("uplink_bps", allowed).and_then(|bps| {
        if bps == 0 {
            within.wrong("uplink_bps must be 1 at the least; leave it out where it is not known");
        }
        #[expect(clippy::cast_precision_loss, reason = "no line is told to the bit")]
        BitRate::from_bps(bps as f64).ok()
    });
    if let Some(share) = within.fraction("share") {
        rules.share = share;
    }
    if let Some(wait) = within.duration("wait") {
        if wait > LONGEST_WAIT {
            within.wrong("wait must be 2 minutes at the most: clients wait no longer");
        }
        rules.wait = wait;
    }
    within.finish();
    rules
}

fn limits(section: &Section<'_, '_>) -> Bounds {
    let mut bounds = Bounds::default();
    let table = section.value("limits").and_then(|value| Section::within(section.reading, "limits", value));
    let Some(within) = table else { return bounds };
    let places = [
        ("streams", &mut bounds.streams),
        ("hellos", &mut bounds.hellos),
        ("sessions", &mut bounds.sessions),
        ("watchers", &mut bounds.watchers),
        ("downloads", &mut bounds.downloads),
        ("handshakes", &mut bounds.handshakes),
    ];
    for (key, place) in places {
        match within.number::<u16>(key, "a whole number from 1 to 65535") {
            Some(0) => within.wrong(format_args!("{key} must be 1 at the least: nobody could come in")),
            Some(bound) => *place = bound.into(),
            None => {}
        }
    }
    within.finish();
    bounds
}

fn retention(section: &Section<'_, '_>) -> Retention {
    let table = section.value("retention").and_then(|value| Section::within(section.reading, "retention", value));
    let Some(within) = table else { return Retention::default() };
    let keep = |key: &'static str| {
        let given = within.duration(key);
        if given.is_some_and(|time| time < SHORTEST_RETENTION) {
            within.wrong(format_args!("{key} must be kept for 8 days at the least: late items come for 7"));
        }
        given
    };
    let retention = Retention { samples: keep("samples"), sessions: keep("sessions") };
    within.finish();
    retention
}

/// Gives the database of networks, and whether Team Cymru is asked.
fn provider(section: &Section<'_, '_>) -> (Option<PathBuf>, bool) {
    let value = section.value("provider").and_then(|value| Section::within(section.reading, "provider", value));
    let Some(within) = value else { return (None, false) };
    let database = within.parsed("asn_database", "a file");
    let cymru = within.flag("cymru").unwrap_or(false);
    within.finish();
    (database, cymru)
}

fn own_plans(section: &Section<'_, '_>) -> Vec<Plan> {
    let table = section.value("plan").and_then(|value| Section::within(section.reading, "plan", value));
    let Some(within) = table else { return Vec::new() };
    within.entries().filter_map(|(name, value)| plans::read(section.reading, name.get_ref(), value)).collect()
}
