//! A trace's path as a table. Pure.

use cnc_model::stats::RttSummary;
use cnc_model::trace::{HopAddress, HopSummary, TraceSummary};

use super::text::{clean, percent};

/// The widest host column: a longer name is cut, so that the figures stay on the screen.
const MAX_HOST_CHARS: usize = 48;

/// Gives the table, its heading first. A distance that nothing is known of yet, before one that has answered, is still
/// waited for.
#[must_use]
pub fn table(trace: &TraceSummary) -> Vec<String> {
    let last = trace.hops.iter().rposition(|hop| hop.received > 0).unwrap_or(0);
    let hosts: Vec<String> = trace.hops.iter().enumerate().map(|(at, hop)| host(hop, at < last)).collect();
    let width = hosts.iter().map(|host| host.chars().count()).max().unwrap_or(0).clamp(20, MAX_HOST_CHARS);
    let heading = format!(
        "{:>3}  {:<width$}  {:>7}  {:>5}  {:>8}  {:>8}  {:>8}",
        "Hop", "Router", "Lost", "Sent", "Best", "Typical", "Worst"
    );
    let before_each = std::iter::once(0).chain(trace.hops.iter().map(|hop| hop.ttl.get()));
    let rows = trace.hops.iter().zip(&hosts).zip(before_each).flat_map(|((hop, host), before)| {
        let waiting = (before + 1..hop.ttl.get()).map(|ttl| format!("{ttl:>3}  still waiting"));
        let further = hop.addresses.iter().skip(1).map(|also| format!("     or {}", address(also)));
        waiting.chain(std::iter::once(row(hop, host, width))).chain(further)
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

fn host(hop: &HopSummary, is_passed: bool) -> String {
    // What lies behind it answers: it passes packets on, and keeps silent or limits its own answers.
    let none = if is_passed { "rate limited or silent" } else { "no answer" };
    hop.addresses.first().map_or(none.into(), address)
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use cnc_model::Ttl;
    use cnc_model::summary::Measured;
    use cnc_model::trace::HopOutcome::{Destination, Hop, Silent};
    use cnc_model::trace::{HopOutcome, HopReply, HopSample, TraceFold};

    use super::*;

    /// Gives the first words of each row.
    fn rows(samples: &[(u32, HopOutcome)]) -> Vec<String> {
        let mut fold = TraceFold::default();
        for &(ttl, outcome) in samples {
            let ttl = Ttl::try_from(ttl).expect("valid");
            fold.observe(&HopSample { round: 0, ttl, at: Duration::ZERO, outcome });
        }
        let rows = table(&fold.summary(Measured::default()));
        rows.iter().skip(1).map(|row| row.trim().split("  ").take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn what_is_not_known_yet_and_what_keeps_silent_are_told_apart() {
        let at = |n| HopReply { address: IpAddr::from([192, 0, 2, n]), rtt: Duration::from_millis(1) };
        assert_eq!(rows(&[(2, Hop(at(2)))]), ["1 still waiting", "2 192.0.2.2"]);
        assert_eq!(
            rows(&[(1, Silent), (4, Destination(at(4)))]),
            ["1 rate limited or silent", "2 still waiting", "3 still waiting", "4 192.0.2.4"]
        );
        assert_eq!(rows(&[(1, Hop(at(1))), (2, Silent), (3, Silent)]), ["1 192.0.2.1", "2 no answer"]);
        assert_eq!(rows(&[]), [""; 0]);
    }
}
