//! `session export ID`: the record and all samples as JSON lines or CSV, or the report as it is.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cnc_model::ping::{Clock, PingOutcome};
use cnc_model::session::{SequencedSample, SessionRecord};
use cnc_model::throughput::{Phase, ThroughputSample};
use cnc_model::trace::HopOutcome;
use cnc_model::{Sample, Sequence, SessionId};
use cnc_proto::support::{ListSamples, SamplePage};
use cnc_proto::{json, v1};
use http_body_util::BodyExt as _;
use tonic::client::GrpcService as _;

use super::connect::{ConnectArguments, Connected};
use super::{CliError, output};

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The session's id
    id: SessionId,
    /// The form: json has the record in the first line and a sample in each further one
    #[arg(long, value_name = "FORM")]
    format: Form,
    /// The file to write; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Json,
    Csv,
    Html,
}

pub(super) async fn run(arguments: ExportArguments) -> Result<(), CliError> {
    let ExportArguments { id, format, output, connect } = arguments;
    let connected = connect.connect().await?;
    let mut out = Out::open(output)?;
    match format {
        Form::Json => samples(&connected, id, &mut out, true).await?,
        Form::Csv => samples(&connected, id, &mut out, false).await?,
        Form::Html => out.write(&report(&connected, id).await?)?,
    }
    out.finish()
}

/// Where it is written to: whatever happens, a page at a time.
enum Out {
    Screen,
    File { path: PathBuf, file: BufWriter<File> },
}

impl Out {
    fn open(path: Option<PathBuf>) -> Result<Self, CliError> {
        let Some(path) = path else { return Ok(Self::Screen) };
        match File::create(&path) {
            Ok(file) => Ok(Self::File { path, file: BufWriter::new(file) }),
            Err(source) => Err(CliError::System { what: format!("cannot write {}", path.display()), source }),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        let (what, written) = match self {
            Self::Screen => ("cannot write".to_owned(), output::raw(text)),
            Self::File { path, file } => (format!("cannot write {}", path.display()), file.write_all(text.as_bytes())),
        };
        written.map_err(|source| CliError::System { what, source })
    }

    fn finish(self) -> Result<(), CliError> {
        let Self::File { path, mut file } = self else { return Ok(()) };
        file.flush().map_err(|source| CliError::System { what: format!("cannot write {}", path.display()), source })
    }
}

async fn samples(connected: &Connected, id: SessionId, out: &mut Out, as_json: bool) -> Result<(), CliError> {
    let mut support = connected.support();
    let record = support.get_session(v1::GetSessionRequest::from(id)).await?.into_inner();
    let record = SessionRecord::try_from(record)?;
    let head = if as_json { json::line(&json::record(&record)) } else { COLUMNS.join(",") };
    out.write(&format!("{head}\n"))?;
    let mut after = Sequence::NONE;
    loop {
        let wish = ListSamples { session: id, test: None, after, limit: None };
        let page = support.list_samples(v1::ListSamplesRequest::from(wish)).await?.into_inner();
        let SamplePage { samples, more } = page.try_into()?;
        let line = |sample| if as_json { json::line(&json::sequenced_sample(sample)) } else { row(sample) };
        let text: String = samples.iter().map(|sample| line(sample) + "\n").collect();
        out.write(&text)?;
        match samples.last() {
            Some(last) if more => after = last.sequence,
            Some(_) | None => return Ok(()),
        }
    }
}

const COLUMNS: [&str; 17] = [
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
fn row(sequenced: &SequencedSample) -> String {
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

/// Fetches the report over the connection that is open.
async fn report(connected: &Connected, id: SessionId) -> Result<String, CliError> {
    let mut request = http::Request::get(format!("/sessions/{id}/report"));
    if let Some(token) = &connected.token {
        request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(tonic::body::Body::empty()).expect("an id makes a path");
    let broken = |error: &dyn std::error::Error| CliError::Answer(error.to_string());
    let mut channel = connected.channel.clone();
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.map_err(|error| broken(&error))?;
    let response = channel.call(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        return Ok(text);
    }
    let status = match status {
        http::StatusCode::UNAUTHORIZED => tonic::Status::unauthenticated(text.trim()),
        http::StatusCode::NOT_FOUND => tonic::Status::not_found(text.trim()),
        _ => tonic::Status::unknown(text.trim()),
    };
    Err(status.into())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use cnc_model::TestId;
    use cnc_model::ping::{PingReply, PingSample};
    use cnc_model::throughput::Direction;
    use cnc_model::trace::HopSample;
    use cnc_model::units::Ttl;

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
