//! `session watch ID`: what happens in a session as it happens, a line each.

use std::collections::BTreeMap;
use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::session::{SequencedSample, SessionOverview, SessionState, TestRecord, WatchEvent};
use cnc_model::throughput::{Phase, ThroughputSample};
use cnc_model::trace::{HopOutcome, HopSample};
use cnc_model::{Sample, Sequence, SessionId, TestId};
use cnc_proto::{json, v1};

use super::connect::ConnectArguments;
use super::text::{shown, state, test};
use super::{CliError, output};
use crate::report::words::{counted, ms, rate};

pub(super) async fn run(id: SessionId, connect: &ConnectArguments) -> Result<(), CliError> {
    let mut support = connect.connect().await?.support();
    let mut events = support.watch_session(v1::WatchSessionRequest::from(id)).await?.into_inner();
    let mut follower = Follower::default();
    // Liveness: the listener ends the stream with the session; Ctrl-C ends the program.
    while let Some(event) = events.message().await? {
        let event = match WatchEvent::try_from(event) {
            Ok(event) => event,
            // Something that only a newer listener tells.
            Err(error) if error.is_unknown() => continue,
            Err(error) => return Err(error.into()),
        };
        let lines = if connect.json { json::event_lines(&event) } else { follower.lines(&event) };
        for line in lines {
            output::line(&line);
        }
    }
    Ok(())
}

/// What was shown so far, so that each change is one line and nothing is shown twice.
#[derive(Debug, Default)]
struct Follower {
    overview: Option<SessionOverview>,
    tests: BTreeMap<TestId, String>,
    shown: Sequence,
}

impl Follower {
    fn lines(&mut self, event: &WatchEvent) -> Vec<String> {
        match event {
            WatchEvent::Snapshot { record, recent } => {
                let mut lines = self.session(&record.overview);
                lines.extend(record.tests.iter().flat_map(|test| self.test(test)));
                lines.extend(self.samples(recent));
                lines
            }
            WatchEvent::Session(overview) => self.session(overview),
            WatchEvent::Test(test) => self.test(test),
            WatchEvent::Samples(samples) => self.samples(samples),
        }
    }

    /// A line when something that people care about changed.
    fn session(&mut self, now: &SessionOverview) -> Vec<String> {
        let before = self.overview.replace(now.clone());
        if before.as_ref().map(state) == Some(state(now)) {
            return Vec::new();
        }
        let back = before.is_some_and(|before| !before.connected && before.joined.is_some()) && now.connected;
        let from = now.public_address.map(|address| format!(" from {address}")).unwrap_or_default();
        let client = now.client_version.as_deref().map(|version| format!(", cnc {}{from}", shown(version)));
        let code = now.code.filter(|_| now.state == SessionState::Waiting).map(|code| format!(", code {code}"));
        let extra = client.or(code).unwrap_or_default();
        let back = if back { ", reconnected" } else { "" };
        vec![format!("session {} {}{back}{extra}", now.id, state(now))]
    }

    /// The test's lines, when they say something new.
    fn test(&mut self, now: &TestRecord) -> Vec<String> {
        let lines = test(now);
        let text = lines.join("\n");
        let is_new = self.tests.insert(now.id, text.clone()).as_ref() != Some(&text);
        if is_new { lines } else { Vec::new() }
    }

    fn samples(&mut self, samples: &[SequencedSample]) -> Vec<String> {
        let new: Vec<_> = samples.iter().filter(|sample| sample.sequence > self.shown).collect();
        self.shown = new.last().map_or(self.shown, |last| last.sequence);
        new.into_iter().map(line).collect()
    }
}

fn line(sequenced: &SequencedSample) -> String {
    let text = match &sequenced.sample {
        Sample::Ping(sample) => ping(sample),
        Sample::Hop(sample) => hop(sample),
        Sample::Throughput(sample) => throughput(sample),
    };
    shown(&format!("#{:<3} {text}", sequenced.test))
}

fn ping(PingSample { seq, at, outcome }: &PingSample) -> String {
    let fate = match outcome {
        PingOutcome::Reply(reply) => format!("{} from {}", ms(reply.rtt), reply.from),
        PingOutcome::Lost => "lost".into(),
        PingOutcome::Late(reply) => format!("late, {} from {}", ms(reply.rtt), reply.from),
        PingOutcome::Unreachable { from: Some(router) } => format!("unreachable, says {router}"),
        PingOutcome::Unreachable { from: None } => "unreachable".into(),
        PingOutcome::NotSent => "could not be sent".into(),
    };
    format!("{}  probe {seq}  {fate}", since(*at))
}

fn hop(HopSample { round, ttl, at, outcome }: &HopSample) -> String {
    let fate = match outcome {
        HopOutcome::Hop(reply) => format!("{}  {}", reply.address, ms(reply.rtt)),
        HopOutcome::Silent => "silent".into(),
        HopOutcome::Destination(reply) => format!("{}  {}  the destination", reply.address, ms(reply.rtt)),
        HopOutcome::Unreachable(reply) => format!("{}  {}  says unreachable", reply.address, ms(reply.rtt)),
    };
    format!("{}  round {round}  hop {ttl}  {fate}", since(*at))
}

fn throughput(sample: &ThroughputSample) -> String {
    let ThroughputSample { direction, at, flow_count, phase, rtt, .. } = sample;
    let phase = match phase {
        Phase::Ramp => "  still growing",
        Phase::Steady => "",
    };
    let rtt = rtt.map(|rtt| format!("  rtt {}", ms(rtt))).unwrap_or_default();
    let flows = counted(u64::from(*flow_count), "flow", "flows");
    format!("{}  {direction}  {}  {flows}{rtt}{phase}", since(*at), rate(sample.goodput()))
}

/// Words the time since a test began.
fn since(at: Duration) -> String {
    format!("{:>7.1} s", at.as_secs_f64())
}
