//! Traces on Linux by probes of our own, side by side, each answer told when it comes, with the kernel's stamps for both
//! ends of an RTT where it gives them.
//!
//! One task sends, receives and keeps the times. What is sent when and what an answer means is pure (`course`, `round`);
//! what carries it are sockets (`wire`).

mod apart;
mod course;
mod echo;
mod payload;
mod round;
mod udp;
mod wire;

use std::net::IpAddr;

use cnc_model::Sample;
use cnc_model::test::TraceTest;
use cnc_model::trace::{HopReply, HopSample};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::course::{Course, Step};
use self::wire::{Arrival, Wire};
use crate::kernel::{Moment, round_trip};
use crate::{Engine, ProbeError, Sink};

/// Traces the path to an address.
pub(super) async fn trace(
    address: IpAddr,
    test: &TraceTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let mut wire = Wire::open(address, test)?;
    let engine = wire.engine();
    let failed = |error: std::io::Error| ProbeError::Engine { engine: engine.name(), why: error.to_string() };
    let mut course = Course::new(test);
    let mut has_sent = false;
    let (began, zero) = (Instant::now(), Moment::now());
    loop {
        match course.step(began.elapsed(), &mut tell(sink)) {
            Step::Done => break,
            Step::Send { number, ttl } => {
                let at = Moment::now().since(&zero);
                match wire.send(number, ttl) {
                    Ok(sent) => {
                        has_sent = true;
                        course.sent(ttl, sent.before.since(&zero), Some(sent));
                    }
                    // A machine that lets nothing out measures nothing; one that does now and then has lost a probe.
                    Err(error) if !has_sent => return Err(failed(error)),
                    Err(_) => course.sent(ttl, at, None),
                }
            }
            // Liveness: every wait has its time; cancelled by the caller.
            Step::Wait(until) => tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                came = wire.wait() => came.map_err(failed)?,
                () = sleep_until(began + until) => {}
            },
        }
        // What came in time but was not looked at yet is no silence.
        for arrival in wire.take() {
            take(&mut course, arrival, began, sink);
        }
    }
    Ok(engine)
}

fn take(course: &mut Course, arrival: Arrival, began: Instant, sink: &Sink) {
    let answer = match arrival {
        Arrival::Answer(answer) => answer,
        Arrival::Unreadable => return course.send_again(),
    };
    let Some(sent) = course.find(answer.number) else { return };
    let (rtt, _) = round_trip(&sent.before, sent.stamp, answer.stamp, &answer.after);
    let reply = HopReply { address: answer.from, rtt };
    course.answered(answer.number, answer.kind, reply, began.elapsed(), &mut tell(sink));
}

fn tell(sink: &Sink) -> impl FnMut(HopSample) {
    |sample| sink.send(Sample::Hop(sample))
}

#[cfg(test)]
mod tests;
