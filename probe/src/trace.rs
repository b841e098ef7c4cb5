//! Traces: rounds of one probe for each distance, told as samples when the round ends.
//!
//! trippy-core measures; it cannot be stopped, tells only whole rounds, and panics on answers that are not its own.
//! So each round is a tracer of its own, on a thread of its own that ends by itself within a second, with numbers
//! that no other tracer uses.

mod flow;
mod path;
mod tracer;

use std::net::{IpAddr, SocketAddr};

use cnc_model::Sample;
use cnc_model::test::TraceTest;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use self::flow::Flow;
use self::path::Reach;
use self::tracer::Round;
use crate::{Engine, ProbeError, Sink, permission, route};

/// Traces the path to an address as the test says and sends a sample for each distance up to the path's end as each
/// round ends. A round begins each interval, or when the one before has ended where that is later. Once cancelled it
/// returns at once; the round under way ends by itself within a second, unheard.
///
/// # Errors
/// Fails before the first round when the system has no route or no permission, and whenever the engine fails.
pub async fn trace(
    address: IpAddr,
    test: &TraceTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    check(address)?;
    let flow = Flow::of(test)?;
    let engine = flow.engine();
    let mut reach = Reach::new(test.max_hops);
    let began = Instant::now();
    let mut pace = interval_at(began, test.interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in 0..test.rounds {
        let round = async {
            pace.tick().await;
            let (furthest, interval, flow) = (reach.furthest(), test.interval, flow.round(number)?);
            Round { address, number, furthest, flow, interval, began }.run(engine).await
        };
        // Liveness: a round ends by itself; cancelled by the caller.
        let samples = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            samples = round => path::cut(samples?),
        };
        reach.learn(&samples);
        for sample in samples {
            sink.send(Sample::Hop(sample));
        }
    }
    Ok(engine)
}

/// Fails when there is no route, no permission, or no way of telling the engine the address.
fn check(address: IpAddr) -> Result<(), ProbeError> {
    if matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        return Err(ProbeError::Unsupported { what: "a link-local address has no path: it is one hop away" });
    }
    route::check(SocketAddr::new(address, 0))?;
    permission::check_raw_socket(address)
}

#[cfg(test)]
mod tests;
