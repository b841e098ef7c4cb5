//! What goes on in a session at this moment, in a few words and figures: for lists of live sessions.

use cnc_model::ping::PingOutcome;
use cnc_model::session::SequencedSample;
use cnc_model::{Sample, TestId};
use cnc_proto::support::{Activity, MAX_ROUND_TRIPS};

use super::Session;

impl Session {
    /// Tells what runs, what waits, and the latest round trips.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let open = || self.tests.values().filter(|test| test.outcome.is_none());
        let waiting = open().filter(|test| test.started.is_none()).count();
        Activity {
            session: self.overview.id,
            running: open().filter(|test| test.started.is_some()).map(|test| test.what.clone()).collect(),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            round_trips: self.round_trips(),
        }
    }

    /// Gives the latest round trips of the ping that was heard of last, the oldest first.
    fn round_trips(&self) -> Vec<Option<std::time::Duration>> {
        let Some(ping) = self.recent.iter().rev().find_map(of_ping).map(|(test, _)| test) else { return Vec::new() };
        let newest_first = self.recent.iter().rev().filter_map(of_ping).filter(|(test, _)| *test == ping);
        let trips = newest_first.filter_map(|(_, outcome)| match outcome {
            PingOutcome::Reply(reply) => Some(Some(reply.rtt)),
            PingOutcome::Lost | PingOutcome::Unreachable { .. } => Some(None),
            PingOutcome::Late(_) | PingOutcome::NotSent => None,
        });
        let mut trips: Vec<_> = trips.take(MAX_ROUND_TRIPS).collect();
        trips.reverse();
        trips
    }
}

fn of_ping(sample: &SequencedSample) -> Option<(TestId, PingOutcome)> {
    match sample.sample {
        Sample::Ping(ping) => Some((sample.test, ping.outcome)),
        Sample::Hop(_) | Sample::Throughput(_) => None,
    }
}
