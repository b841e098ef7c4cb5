//! The shape of a scenario file as TOML has it. Knows syntax alone; what it means is checked in `check`.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::Deserialize;
use toml::Spanned;

use super::units::{Loss, Queue, Rate, Time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) description: String,
    #[serde(default)]
    pub(super) hosts: BTreeMap<Spanned<String>, Host>,
    #[serde(default)]
    pub(super) routers: BTreeMap<Spanned<String>, Router>,
    #[serde(default)]
    pub(super) links: Vec<Spanned<Link>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    #[serde(default)]
    pub(super) mute: bool,
    #[serde(default)]
    pub(super) sysctl: BTreeMap<Spanned<String>, Setting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a file says each by itself")]
pub(super) struct Router {
    #[serde(default)]
    pub(super) silent: bool,
    #[serde(default)]
    pub(super) black_hole: bool,
    #[serde(default)]
    pub(super) ecmp: bool,
    #[serde(default)]
    pub(super) nat: bool,
    #[serde(default)]
    pub(super) no_v6: bool,
    #[serde(default)]
    pub(super) drop: Vec<u16>,
    /// Ports are text: TOML's keys are.
    #[serde(default)]
    pub(super) redirect: BTreeMap<Spanned<String>, u16>,
    #[serde(default)]
    pub(super) sysctl: BTreeMap<Spanned<String>, Setting>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a sysctl's value is a string or a whole number")]
pub(super) enum Setting {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) between: Spanned<[Spanned<String>; 2]>,
    pub(super) v4: Option<Spanned<[Ipv4Addr; 2]>>,
    pub(super) v6: Option<Spanned<[Ipv6Addr; 2]>>,
    pub(super) mtu: Option<Spanned<u32>>,
    pub(super) police: Option<Rate>,
    pub(super) rate: Option<Rate>,
    pub(super) queue: Option<Spanned<Queue>>,
    pub(super) delay: Option<Time>,
    pub(super) jitter: Option<Time>,
    pub(super) loss: Option<Loss>,
    pub(super) seed: Option<u64>,
    #[serde(default)]
    pub(super) forward: OneWay,
    #[serde(default)]
    pub(super) back: OneWay,
}

/// What one direction has instead of the link's own.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneWay {
    pub(super) police: Option<Rate>,
    pub(super) rate: Option<Rate>,
    pub(super) queue: Option<Spanned<Queue>>,
    pub(super) delay: Option<Time>,
    pub(super) jitter: Option<Time>,
    pub(super) loss: Option<Loss>,
    pub(super) seed: Option<u64>,
}
