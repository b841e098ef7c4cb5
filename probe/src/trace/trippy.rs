//! Traces by trippy-core: flows that are told apart (classic, Dublin), and elsewhere than on Linux UDP and TCP.
//!
//! It cannot be stopped, tells only whole rounds, and panics on answers that are not its own. So each round is a tracer
//! of its own, on a thread of its own that ends by itself within a second, with numbers that no other tracer uses.

mod flow;
mod tracer;

use std::net::IpAddr;

use cnc_model::Sample;
use cnc_model::test::TraceTest;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use self::flow::Flow;
use self::tracer::Round;
use super::path::{self, Reach};
use crate::{Engine, ProbeError, Sink, permission};

/// Traces the path to an address; each round's samples come when it ends.
pub(super) async fn trace(
    address: IpAddr,
    test: &TraceTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    permission::check_raw_socket(address)?;
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
