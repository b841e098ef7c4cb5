//! Traces by probes of our own, side by side, each answer told when it comes, with the kernel's stamps for both ends of an
//! RTT where it gives them.
//!
//! One task sends, receives and keeps the times. What is sent when and what an answer means is pure (`course`, `round`);
//! what carries it are sockets on Linux (`wire`) and macOS (`echo`), and a function of the system on Windows (`api`).

mod answer;
#[cfg(target_os = "linux")]
mod apart;
#[cfg(windows)]
mod api;
mod course;
#[cfg(unix)]
mod echo;
#[cfg(target_os = "linux")]
mod payload;
mod round;
#[cfg(target_os = "linux")]
mod udp;
#[cfg(target_os = "linux")]
mod wire;

use std::net::IpAddr;

use cnc_model::Sample;
use cnc_model::test::TraceTest;
use cnc_model::trace::{HopReply, HopSample};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::answer::Arrival;
use self::course::{Course, Step};
use crate::{Engine, ProbeError, Sink};

/// How often a send is tried that fails with the error of an earlier probe.
#[cfg(unix)]
const SENDS: u32 = 4;

/// The most messages and as many notes taken from a socket at one time. What is left is taken next.
#[cfg(unix)]
const MOST_AT_ONCE: u32 = 256;

/// Opens what carries the probes.
#[cfg(target_os = "linux")]
fn open(address: IpAddr, test: &TraceTest) -> Result<wire::Wire, ProbeError> {
    wire::Wire::open(address, test)
}

/// Opens what carries the probes: echo requests, since nothing else tells who answered without privilege.
#[cfg(all(unix, not(target_os = "linux")))]
fn open(address: IpAddr, _test: &TraceTest) -> Result<echo::Echoes, ProbeError> {
    echo::Echoes::open(address)
}

/// Opens what carries the probes: echo requests, since nothing else tells who answered without privilege.
#[cfg(windows)]
fn open(address: IpAddr, _test: &TraceTest) -> Result<api::Requests, ProbeError> {
    api::Requests::open(address)
}

/// Traces the path to an address.
pub(super) async fn trace(
    address: IpAddr,
    test: &TraceTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let mut wire = open(address, test)?;
    let engine = wire.engine();
    let failed = |error: std::io::Error| ProbeError::Engine { engine: engine.name(), why: error.to_string() };
    let mut course = Course::new(test);
    let mut has_sent = false;
    let began = Instant::now();
    loop {
        match course.step(began.elapsed(), &mut tell(sink)) {
            Step::Done => break,
            Step::Send { number, ttl } => {
                let at = began.elapsed();
                match wire.send(number, ttl) {
                    Ok(sent) => {
                        has_sent = true;
                        course.sent(ttl, at, Some(sent));
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
    let reply = HopReply { address: answer.from, rtt: answer.rtt(&sent) };
    course.answered(answer.number, answer.kind, reply, began.elapsed(), &mut tell(sink));
}

fn tell(sink: &Sink) -> impl FnMut(HopSample) {
    |sample| sink.send(Sample::Hop(sample))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
