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
    let mut ended = false;
    // Liveness: the listener ends the stream with the session; Ctrl-C ends the program.
    while let Some(event) = events.message().await? {
        let event = match WatchEvent::try_from(event) {
            Ok(event) => event,
            // Something that only a newer listener tells.
            Err(error) if error.is_unknown() => continue,
            Err(error) => return Err(error.into()),
        };
        if let WatchEvent::Session(overview) = &event {
            ended = matches!(overview.state, SessionState::Ended(_));
        } else if let WatchEvent::Snapshot { record, .. } = &event {
            ended = matches!(record.overview.state, SessionState::Ended(_));
        }
        let lines = if connect.json { json::event_lines(&event) } else { follower.lines(&event) };
        for line in lines {
            output::line(&line);
        }
    }
    let stopped = || CliError::Broken("it stopped; the session goes on when it is back".into());
    if ended { Ok(()) } else { Err(stopped()) }
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
            // The session's own line says that it is lost, or back.
            WatchEvent::Absence(_) => Vec::new(),
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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use cnc_model::message::When;
    use cnc_model::session::{EndReason, SessionRecord};
    use cnc_model::test::PingTest;
    use cnc_model::{Destination, Outcome, Test, Timestamp};

    use super::*;

    fn overview(state: SessionState, connected: bool) -> SessionOverview {
        let at = Timestamp::from_unix_us(1_800_000_000_000_000);
        SessionOverview {
            id: SessionId::new(at, 0),
            label: String::new(),
            plan: "default".into(),
            walk_in: false,
            code: "K7QX-M2PA".parse().ok(),
            state,
            connected,
            created: at,
            joined: connected.then_some(at),
            ended: None,
            client_version: connected.then(|| "0.1.0".into()),
            public_address: connected.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            network: None,
            clock_offset_us: None,
            stored: Sequence::NONE,
        }
    }

    fn record(started: bool, outcome: Option<Outcome>) -> TestRecord {
        let at = Timestamp::from_unix_us(0);
        TestRecord {
            id: TestId::FIRST,
            what: Test::Ping(PingTest::to(Destination::Gateway)),
            when: When::Now,
            issued_by: "x".into(),
            issued: at,
            started: started.then_some(at),
            ended: outcome.as_ref().map(|_| at),
            outcome,
            summary: None,
            samples: 0,
        }
    }

    fn lost(sequence: u64) -> SequencedSample {
        let at = Duration::from_millis(1_234);
        let sample = Sample::Ping(PingSample { seq: 7, at, outcome: PingOutcome::Lost });
        SequencedSample { sequence: Sequence::new(sequence), test: TestId::FIRST, sample }
    }

    #[test]
    fn each_change_is_a_line_and_nothing_is_told_twice() {
        let snapshot = |state, tests, recent| WatchEvent::Snapshot {
            record: Box::new(SessionRecord {
                overview: overview(state, true),
                consented: None,
                tests,
                absences: vec![],
            }),
            recent,
        };
        let waiting = WatchEvent::Session(Box::new(overview(SessionState::Waiting, false)));
        let away =
            WatchEvent::Session(Box::new(SessionOverview { connected: false, ..overview(SessionState::Active, true) }));
        let ended = SessionState::Ended(EndReason::Staff);
        let id = overview(ended, true).id;
        let cases = [
            (waiting.clone(), vec![format!("session {id} waiting for a client, code K7QX-M2PA")]),
            (waiting, vec![]),
            (
                snapshot(SessionState::Active, vec![record(true, None)], vec![lost(5)]),
                vec![
                    format!("session {id} active, cnc 0.1.0 from 127.0.0.1"),
                    format!("#1   {:<40} running", "ping gateway"),
                    "#1       1.2 s  probe 7  lost".into(),
                ],
            ),
            (WatchEvent::Test(Box::new(record(true, None))), vec![]),
            (WatchEvent::Samples(vec![lost(5), lost(6)]), vec!["#1       1.2 s  probe 7  lost".into()]),
            (away, vec![format!("session {id} active, client away, cnc 0.1.0 from 127.0.0.1")]),
            (
                snapshot(SessionState::Active, vec![record(true, None)], vec![lost(6)]),
                vec![format!("session {id} active, reconnected, cnc 0.1.0 from 127.0.0.1")],
            ),
            (
                WatchEvent::Session(Box::new(overview(ended, true))),
                vec![format!("session {id} ended (staff), cnc 0.1.0 from 127.0.0.1")],
            ),
            (WatchEvent::Session(Box::new(overview(ended, false))), vec![]),
        ];
        let mut follower = Follower::default();
        for (event, expected) in cases {
            assert_eq!(follower.lines(&event), expected, "{event:?}");
        }
    }
}
