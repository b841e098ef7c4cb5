//! This computer's description as a readable page. Pure.

use cnc_model::hints;
use cnc_model::system::{Interface, InterfaceKind, Memory, SystemInfo, signal_word};

use super::text::{clean, memory, percent, rate, span};

const NOT_KNOWN: &str = "not known";

/// Gives the machine in a few words.
pub(super) fn gist(info: &SystemInfo) -> String {
    let os = info.os_name.as_deref().map_or(NOT_KNOWN.into(), clean);
    let version = info.os_version.as_deref().map(clean).unwrap_or_default();
    format!("{os} {version}").trim_end().to_owned()
}

/// Gives the page.
pub(super) fn lines(info: &SystemInfo) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.push(format!("{name:<10}  {text}"));
    if let Some(name) = &info.host_name {
        line("Name", clean(name));
    }
    line("System", format!("{} on {}", gist(info), clean(&info.architecture)));
    line("Kernel", info.kernel.as_deref().map_or(NOT_KNOWN.into(), clean));
    line("Processor", processor(info));
    line("Memory", amount(info.memory));
    line("Swap", if info.swap.total_bytes == Some(0) { "none".into() } else { amount(info.swap) });
    line("Running", info.uptime.map_or(NOT_KNOWN.into(), |uptime| format!("for {}", span(uptime))));
    line("Gateway", addresses(&info.gateways, "none found"));
    line("DNS", addresses(&info.resolvers, "none found"));
    line("Way out", info.leaves_by.as_deref().map_or(NOT_KNOWN.into(), clean));
    line("Proxy", info.proxy.as_deref().map_or("none".into(), clean));
    let (quiet, shown): (Vec<_>, Vec<_>) = info.interfaces.iter().partition(|interface| interface.up == Some(false));
    let mut label = "Network";
    for interface in shown {
        for text in self::interface(interface) {
            line(label, text);
            label = "";
        }
    }
    if !quiet.is_empty() {
        let names: Vec<_> = quiet.iter().map(|interface| clean(&interface.name)).collect();
        line(label, format!("down: {}", names.join(", ")));
    }
    for hint in hints::of_system(info) {
        line("Note", clean(&hint.to_string()));
    }
    lines
}

fn processor(info: &SystemInfo) -> String {
    let model = info.cpu.model.as_deref().map_or(NOT_KNOWN.into(), clean);
    let cores = info.cpu.cores.map(|cores| format!("{cores} cores"));
    let load = info.cpu.load.map(|load| format!("{} busy", percent(load)));
    std::iter::once(model).chain(cores).chain(load).collect::<Vec<_>>().join(", ")
}

fn amount(of: Memory) -> String {
    match (of.total_bytes, of.available_bytes) {
        (Some(total), Some(available)) => format!("{}, {} of it available", memory(total), memory(available)),
        (Some(total), None) => memory(total),
        (None, _) => NOT_KNOWN.into(),
    }
}

fn addresses(addresses: &[std::net::IpAddr], none: &str) -> String {
    if addresses.is_empty() {
        return none.into();
    }
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn interface(interface: &Interface) -> Vec<String> {
    let Interface { name, kind: kind_of, speed, mtu_bytes, addresses, .. } = interface;
    let kind = (*kind_of != InterfaceKind::Unknown).then(|| kind_of.word().to_owned());
    let speed = speed.map(rate);
    let mtu = mtu_bytes.map(|mtu| format!("MTU {mtu}"));
    let facts: Vec<_> = kind.into_iter().chain(speed).chain(mtu).collect();
    let mut lines = vec![format!("{}: {}", clean(name), facts.join(", "))];
    if *kind_of == InterfaceKind::Wireless {
        lines.push(format!("  {}", signal(interface.signal_dbm)));
    }
    lines.extend(addresses.iter().map(|a| format!("  {}/{}", a.address, a.prefix_bits)));
    let faults: Vec<_> = [
        (interface.receive_errors, "receive errors"),
        (interface.transmit_errors, "send errors"),
        (interface.receive_drops, "received but dropped"),
        (interface.transmit_drops, "dropped before sending"),
    ]
    .iter()
    .filter_map(|(count, what)| count.filter(|&count| count > 0).map(|count| format!("{count} {what}")))
    .collect();
    if !faults.is_empty() {
        lines.push(format!("  since start: {}", faults.join(", ")));
    }
    lines
}

/// Says what is known of Wi-Fi, and why no more is.
fn signal(dbm: Option<i32>) -> String {
    let signal = match dbm {
        Some(dbm) => format!("signal {} ({dbm} dBm)", signal_word(dbm)),
        None => "signal not measured: this system tells it to no ordinary program".to_owned(),
    };
    format!(
        "{signal}; band and rate not measured: systems tell them in ways of their own, some only to who may know the location"
    )
}
