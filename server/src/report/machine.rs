//! The client's machine in tables. Fields that the system did not tell say so.

use cnc_model::system::{Interface, InterfaceKind, Memory, SystemInfo, signal_word};
use maud::{Markup, html};

use super::figures::table;
use super::sentence::os;
use super::words::{NOT_MEASURED, count, memory, percent, rate, span};

/// Writes a machine's description.
pub(crate) fn machine(system: &SystemInfo) -> Markup {
    let absent = || NOT_MEASURED.to_owned();
    let list = |addresses: &[std::net::IpAddr]| match addresses {
        [] => "none found".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let computer = [
        ("Operating system", os(system).unwrap_or_else(absent)),
        ("Kernel", system.kernel.clone().unwrap_or_else(absent)),
        ("Architecture", Some(system.architecture.clone()).filter(|name| !name.is_empty()).unwrap_or_else(absent)),
        ("Computer’s name", system.host_name.clone().unwrap_or_else(|| "not sent".into())),
        ("Running for", system.uptime.map_or_else(absent, span)),
    ];
    let power = [
        ("Processor", system.cpu.model.clone().unwrap_or_else(absent)),
        ("Logical cores", system.cpu.cores.map_or_else(absent, count)),
        ("Processor busy", system.cpu.load.map_or_else(absent, percent)),
        ("Memory", amount(system.memory)),
        ("Swap", amount(system.swap)),
    ];
    let network = [
        ("Default gateway", list(&system.gateways)),
        ("DNS servers", list(&system.resolvers)),
        ("Way to the Internet", system.leaves_by.clone().unwrap_or_else(absent)),
        ("Proxy for the web", system.proxy.clone().unwrap_or_else(|| "none".into())),
    ];
    html! {
        div class="tables" { (table("Computer", &computer)) (table("Processor and memory", &power)) }
        (table("Network", &network))
        (interfaces(&system.interfaces))
    }
}

fn amount(memory_: Memory) -> String {
    match (memory_.total_bytes, memory_.available_bytes) {
        (Some(0), _) => "none".into(),
        (Some(total), Some(available)) => format!("{}, {} available", memory(total), memory(available)),
        (Some(total), None) => memory(total),
        (None, _) => NOT_MEASURED.into(),
    }
}

fn interfaces(interfaces: &[Interface]) -> Markup {
    html! {
        @if !interfaces.is_empty() {
            div class="scroll" role="region" aria-label="Network interfaces" tabindex="0" {
                table class="grid" {
                    caption { "Network interfaces" }
                    thead {
                        tr {
                            th scope="col" { "Interface" }
                            th scope="col" { "Addresses" }
                            th scope="col" { "Link" }
                        }
                    }
                    tbody {
                        @for interface in interfaces { (row(interface)) }
                    }
                }
            }
        }
    }
}

fn row(interface: &Interface) -> Markup {
    let state = match interface.up {
        Some(true) => "up",
        Some(false) => "down",
        None => "state not measured",
    };
    let speed = interface.speed.map_or_else(|| format!("speed {NOT_MEASURED}"), rate);
    let mtu = interface.mtu_bytes.map_or_else(|| format!("MTU {NOT_MEASURED}"), |mtu| format!("MTU {mtu}"));
    let wireless = interface.kind == InterfaceKind::Wireless;
    let told = |dbm: i32| format!("{} ({dbm} dBm)", signal_word(dbm));
    let signal = interface.signal_dbm.map_or_else(|| NOT_MEASURED.to_owned(), told);
    html! {
        tr {
            th scope="row" {
                (interface.name)
                div class="address" { (interface.kind.word()) ", " (state) }
            }
            td class="who" {
                @if interface.addresses.is_empty() { span class="absent" { "no address" } }
                @for at in &interface.addresses { div class="whole" { (at.address) "/" (at.prefix_bits) } }
            }
            td { div { (speed) ", " (mtu) }
                @if wireless { div { "signal " (signal) ", band and rate " (NOT_MEASURED) } }
                div class="address" { (troubles(interface)) } }
        }
    }
}

/// Words an interface's error counters, all of which may be missing.
fn troubles(interface: &Interface) -> String {
    let counters = [
        (interface.receive_errors, "received with errors"),
        (interface.transmit_errors, "not sent for errors"),
        (interface.receive_drops, "received and dropped"),
        (interface.transmit_drops, "dropped unsent"),
    ];
    if counters.iter().all(|(n, _)| n.is_none()) {
        return format!("errors and drops {NOT_MEASURED}");
    }
    let told: Vec<String> =
        counters.iter().filter_map(|(n, what)| n.filter(|n| *n > 0).map(|n| format!("{} {what}", count(n)))).collect();
    match told.as_slice() {
        [] if counters.iter().all(|(n, _)| n.is_some()) => "no errors or drops".into(),
        [] => "no errors or drops as far as counted".into(),
        told => told.join(", "),
    }
}
