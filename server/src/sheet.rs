//! Samples as rows of a sheet, for programs that read CSV. Pure; where they come from and go to is others' business.

use cnc_model::Sample;
use cnc_model::ping::{Clock, PingOutcome};
use cnc_model::session::SequencedSample;
use cnc_model::throughput::{Phase, ThroughputSample};
use cnc_model::trace::HopOutcome;

/// The columns' names.
pub(crate) const COLUMNS: [&str; 17] = [
    "sequence",
    "test",
    "kind",
    "at_ms",
    "outcome",
    "number",
    "hop",
    "address",
    "rtt_ms",
    "reply_ttl",
    "clock",
    "direction",
    "interval_ms",
    "flow_count",
    "bytes",
    "goodput_bps",
    "phase",
];

/// A sample as a row of [`COLUMNS`]; what it has no value for is empty. No value holds a comma or a quote.
pub(crate) fn row(sequenced: &SequencedSample) -> String {
    let SequencedSample { sequence, test, sample } = sequenced;
    let head = format!("{},{test}", sequence.get());
    match sample {
        Sample::Ping(ping) => {
            let (word, reply, from) = match &ping.outcome {
                PingOutcome::Reply(reply) => ("reply", Some(reply), Some(reply.from)),
                PingOutcome::Lost => ("lost", None, None),
                PingOutcome::Late(reply) => ("late", Some(reply), Some(reply.from)),
                PingOutcome::Unreachable { from } => ("unreachable", None, *from),
                PingOutcome::NotSent => ("error", None, None),
            };
            let clock = reply.map(|reply| match reply.clock {
                Clock::Kernel => "kernel",
                Clock::User => "user",
            });
            let ttl = reply.and_then(|reply| reply.ttl);
            let rtt = reply.map(|reply| ms(reply.rtt));
            let (seq, at) = (ping.seq, ms(ping.at));
            let (from, rtt, ttl, clock) = (cell(from), cell(rtt), cell(ttl), cell(clock));
            format!("{head},ping,{at},{word},{seq},,{from},{rtt},{ttl},{clock},,,,,,")
        }
        Sample::Hop(hop) => {
            let (word, reply) = match &hop.outcome {
                HopOutcome::Hop(reply) => ("hop", Some(reply)),
                HopOutcome::Silent => ("silent", None),
                HopOutcome::Destination(reply) => ("destination", Some(reply)),
                HopOutcome::Unreachable(reply) => ("unreachable", Some(reply)),
            };
            let (address, rtt) = (cell(reply.map(|reply| reply.address)), cell(reply.map(|reply| ms(reply.rtt))));
            format!("{head},hop,{},{word},{},{},{address},{rtt},,,,,,,,", ms(hop.at), hop.round, hop.ttl)
        }
        Sample::Throughput(sample) => {
            let ThroughputSample { direction, at, interval, flow_count, bytes, phase, rtt } = sample;
            let phase = match phase {
                Phase::Ramp => "ramp",
                Phase::Steady => "steady",
            };
            let (at, interval, rtt, goodput) = (ms(*at), ms(*interval), cell(rtt.map(ms)), sample.goodput().bps());
            format!("{head},throughput,{at},,,,,{rtt},,,{direction},{interval},{flow_count},{bytes},{goodput},{phase}")
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of a session stay far below 2^53 microseconds")]
fn ms(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use cnc_model::ping::{PingReply, PingSample};
    use cnc_model::throughput::Direction;
    use cnc_model::trace::HopSample;
    use cnc_model::units::Ttl;
    use cnc_model::{Sequence, TestId};

    use super::*;

    #[test]
    fn rows_fit_the_columns() {
        let reply = PingReply {
            rtt: Duration::from_micros(1_500),
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ttl: Some(Ttl::FIRST),
            clock: Clock::Kernel,
        };
        let at = Duration::from_millis(250);
        let throughput = ThroughputSample {
            direction: Direction::Upload,
            at,
            interval: Duration::from_millis(100),
            flow_count: 4,
            bytes: 1_000,
            phase: Phase::Steady,
            rtt: None,
        };
        let cases = [
            (
                Sample::Ping(PingSample { seq: 3, at, outcome: PingOutcome::Reply(reply) }),
                "7,1,ping,250,reply,3,,127.0.0.1,1.5,1,kernel,,,,,,",
            ),
            (
                Sample::Hop(HopSample { round: 2, ttl: Ttl::FIRST, at, outcome: HopOutcome::Silent }),
                "7,1,hop,250,silent,2,1,,,,,,,,,,",
            ),
            (Sample::Throughput(throughput), "7,1,throughput,250,,,,,,,,upload,100,4,1000,80000,steady"),
        ];
        for (sample, expected) in cases {
            let line = row(&SequencedSample { sequence: Sequence::new(7), test: TestId::FIRST, sample });
            assert_eq!(line, expected);
            assert_eq!(line.split(',').count(), COLUMNS.len());
        }
    }
}
