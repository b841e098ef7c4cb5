//! The words that columns hold for the model's variants, and back. Every table is exhaustive in both directions.

use cnc_model::outcome::Reason;
use cnc_model::ping::Clock;
use cnc_model::session::{EndReason, SessionState};
use cnc_model::throughput::{Confidence, Direction, Phase, StoppedBy};

pub(super) const fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Kernel => "kernel",
        Clock::User => "user",
    }
}

pub(super) fn to_clock(word: &str) -> Option<Clock> {
    [Clock::Kernel, Clock::User].into_iter().find(|&c| clock(c) == word)
}

pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
    }
}

pub(super) fn to_direction(word: &str) -> Option<Direction> {
    [Direction::Download, Direction::Upload].into_iter().find(|&d| direction(d) == word)
}

pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Ramp => "ramp",
        Phase::Steady => "steady",
    }
}

pub(super) fn to_phase(word: &str) -> Option<Phase> {
    [Phase::Ramp, Phase::Steady].into_iter().find(|&p| phase(p) == word)
}

pub(super) const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

pub(super) const fn stopped_by(by: StoppedBy) -> &'static str {
    match by {
        StoppedBy::Duration => "duration",
        StoppedBy::Bytes => "bytes",
        StoppedBy::End => "end",
        StoppedBy::Cancelled => "cancelled",
        StoppedBy::Broken => "broken",
        StoppedBy::Stable => "stable",
    }
}

pub(super) fn to_reason(word: &str) -> Option<Reason> {
    Reason::ALL.into_iter().find(|reason| reason.word() == word)
}

/// Gives the reason's column beside the state's.
pub(super) const fn end_reason(state: SessionState) -> Option<&'static str> {
    match state {
        SessionState::Ended(reason) => Some(reason.word()),
        SessionState::Waiting | SessionState::Joined | SessionState::Active | SessionState::Ending => None,
    }
}

pub(crate) fn to_state(word: &str, end_reason: Option<&str>) -> Option<SessionState> {
    let open = [SessionState::Waiting, SessionState::Joined, SessionState::Active, SessionState::Ending];
    if let Some(state) = open.into_iter().find(|state| state.word() == word) {
        return end_reason.is_none().then_some(state);
    }
    let reason = EndReason::ALL.into_iter().find(|reason| Some(reason.word()) == end_reason)?;
    (word == SessionState::Ended(reason).word()).then_some(SessionState::Ended(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back() {
        let ended = EndReason::ALL.into_iter().map(SessionState::Ended);
        let open = [SessionState::Waiting, SessionState::Joined, SessionState::Active, SessionState::Ending];
        for state in open.into_iter().chain(ended) {
            assert_eq!(to_state(state.word(), end_reason(state)), Some(state));
        }
        for (word, reason) in [("ended", None), ("active", Some("lost")), ("", None), ("ended", Some("x"))] {
            assert_eq!(to_state(word, reason), None, "{word} {reason:?}");
        }
    }
}
