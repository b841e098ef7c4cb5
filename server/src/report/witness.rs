//! What the listener saw of a download or upload: its sockets' figures, how busy it was, and what that means for them.

use std::time::Duration;

use cnc_model::throughput::{Direction, TcpInfo, ThroughputSummary, Witness};
use maud::{Markup, html};

use super::figures::table;
use super::words::{NOT_MEASURED, count, data, ms, percent, span};

/// Less than this is no wait: the question itself takes time.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Writes it; nothing where no listener said anything.
pub(crate) fn witness(load: &ThroughputSummary) -> Markup {
    let Some(listener) = &load.listener else { return html! {} };
    html! {
        div class="tables" {
            (table("The listener meanwhile", &state(listener)))
            @if let Some(tcp) = &listener.tcp { (table("Its connections, by its kernel", &sockets(tcp))) }
        }
        @for note in notes(load.direction, listener) { p class="note" { (note) } }
    }
}

fn state(listener: &Witness) -> [(&'static str, String); 5] {
    let Witness { tcp: _, cpu_load, tests, uplink_share, contended, waited } = *listener;
    let share = |share: Option<f64>| share.map_or_else(|| NOT_MEASURED.into(), percent);
    let contended = match contended {
        Some(true) => "yes: others took more than their share",
        Some(false) => "no",
        None => "not measured: others ran, and the line’s rate is not configured",
    };
    [
        ("Tests at one time", count(tests)),
        ("Contended", contended.into()),
        ("Waited for its turn", if waited < AT_ONCE { "no".into() } else { span(waited) }),
        ("Processors busy", share(cpu_load)),
        ("Its uplink in use", share(uplink_share)),
    ]
}

fn sockets(tcp: &TcpInfo) -> [(&'static str, String); 6] {
    let or_not = |time: Option<Duration>| time.map_or_else(|| NOT_MEASURED.into(), ms);
    let again = tcp.retransmitted_share().map(|share| format!(" ({} of all)", percent(share))).unwrap_or_default();
    [
        ("Sent again", format!("{}{again}", data(tcp.retransmitted_bytes))),
        ("Least round trip", or_not(tcp.min_rtt)),
        ("Round trip at the end", or_not(tcp.rtt)),
        ("Busy sending, all together", span(tcp.busy)),
        ("Held up by the receiver", span(tcp.rwnd_limited)),
        ("Held up by its own buffers", span(tcp.sndbuf_limited)),
    ]
}

fn notes(direction: Direction, listener: &Witness) -> impl Iterator<Item = String> {
    let contended = (listener.contended == Some(true))
        .then(|| "Others measured at the same time: take these figures with care.".to_owned());
    // The listener sends in a download alone.
    let share = listener.tcp.and_then(|tcp| tcp.receiver_share()).filter(|_| direction == Direction::Download);
    let limit = share.map(|share| format!("The receiver’s device was the limit {} of the time.", percent(share)));
    [contended, limit].into_iter().flatten()
}
