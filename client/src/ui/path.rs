//! A trace's path as a table. Pure.

use cnc_model::stats::RttSummary;
use cnc_model::trace::{HopAddress, HopSummary, TraceSummary};

use super::text::{clean, percent};

/// The widest host column: a longer name is cut, so that the figures stay on the screen.
const MAX_HOST_CHARS: usize = 48;

/// Gives the table, its heading first.
#[must_use]
pub fn table(trace: &TraceSummary) -> Vec<String> {
    let hosts: Vec<String> = trace.hops.iter().map(host).collect();
    let width = hosts.iter().map(|host| host.chars().count()).max().unwrap_or(0).clamp(20, MAX_HOST_CHARS);
    let heading = format!(
        "{:>3}  {:<width$}  {:>7}  {:>5}  {:>8}  {:>8}  {:>8}",
        "Hop", "Router", "Lost", "Sent", "Best", "Typical", "Worst"
    );
    let rows = trace.hops.iter().zip(&hosts).flat_map(|(hop, host)| {
        let further = hop.addresses.iter().skip(1).map(|also| format!("     or {}", address(also)));
        std::iter::once(row(hop, host, width)).chain(further)
    });
    std::iter::once(heading).chain(rows).collect()
}

fn row(hop: &HopSummary, host: &str, width: usize) -> String {
    let host: String = host.chars().take(width).collect();
    let ttl = hop.ttl;
    let Some(RttSummary { min, median, max, .. }) = hop.rtt else {
        return format!("{ttl:>3}  {host:<width$}  {:>7}  {:>5}", "", hop.sent);
    };
    // A router that answers some probes only while those behind it answer all limits its answers: that is no loss.
    let lost = match hop.loss_ratio {
        Some(loss) if loss > 0.0 && !hop.loss_persists => format!("({})", percent(loss).replace(' ', "")),
        Some(loss) => percent(loss).replace(' ', ""),
        None => String::new(),
    };
    let ms = |time: std::time::Duration| format!("{:.2}", time.as_secs_f64() * 1_000.0);
    format!("{ttl:>3}  {host:<width$}  {lost:>7}  {:>5}  {:>8}  {:>8}  {:>8}", hop.sent, ms(min), ms(median), ms(max))
}

fn host(hop: &HopSummary) -> String {
    hop.addresses.first().map_or("no answer".into(), address)
}

fn address(hop: &HopAddress) -> String {
    let address = hop.address.to_string();
    let Some(name) = hop.name.as_deref().map(clean) else { return address };
    // The name gives way, not the address.
    let room = MAX_HOST_CHARS.saturating_sub(address.len() + 3);
    let name = if name.chars().count() > room {
        name.chars().take(room.saturating_sub(2)).chain("..".chars()).collect()
    } else {
        name
    };
    format!("{name} ({address})")
}
