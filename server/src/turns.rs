//! Whose turn it is to measure throughput: a test waits while others use more of the uplink than their share, or is
//! marked as contended when it ran all the same. Pure: it is told the time and what others use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cnc_model::BitRate;
use cnc_probe::respond::runs::MAX_RUNS;

use crate::limits::Source;

/// The share of the uplink that others may use while a test begins or runs, where nobody says otherwise (M-Lab's rule).
pub const SHARE: f64 = 0.25;
/// How long a test waits for others at the most, where nobody says otherwise: two tests of ten seconds and some.
pub const WAIT: Duration = Duration::from_secs(30);
/// The most tests that wait or run: as many as there may be uploads. Further ones are refused.
const MAX_TESTS: usize = MAX_RUNS;
/// After so long it shows how much of the uplink a test uses: until then nobody else begins.
const SETTLES: Duration = Duration::from_secs(2);

/// The operator's rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// What the listener's line carries; `None` where nobody said: then no test waits.
    pub uplink: Option<BitRate>,
    /// The share of it that others may use.
    pub share: f64,
    /// How long a test waits for others.
    pub wait: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { uplink: None, share: SHARE, wait: WAIT }
    }
}

/// All tests that wait or run.
#[derive(Debug, Default)]
pub struct Turns {
    rules: Rules,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    tests: BTreeMap<u64, Test>,
}

#[derive(Debug, Clone, Copy)]
struct Test {
    /// Where it comes from; `None` where that tells nothing.
    from: Option<Source>,
    /// When it began; `None` while it waits.
    began: Option<Duration>,
}

/// What a test sees of others since it looked last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Others {
    /// The goodput of all other tests' bytes in its direction; `None` at the first look.
    pub uses: Option<BitRate>,
    /// Whether bytes of others are under way at all.
    pub are_there: bool,
}

/// One test's place; dropping it gives it back.
#[derive(Debug)]
pub struct Ticket {
    turns: Arc<Turns>,
    id: u64,
    asked: Duration,
    /// How long it waited; `None` while it does.
    waited: Option<Duration>,
    /// The most tests at one time.
    most: u32,
    contended: Option<bool>,
}

impl Turns {
    /// Begins with nobody.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, state: Mutex::default() }
    }

    /// Takes a place in the row; `None` when there are too many.
    #[must_use]
    pub fn ask(self: &Arc<Self>, from: Option<Source>, now: Duration) -> Option<Ticket> {
        let mut state = self.state();
        if state.tests.len() >= MAX_TESTS {
            return None;
        }
        let id = state.next;
        state.next += 1;
        state.tests.insert(id, Test { from, began: None });
        drop(state);
        Some(Ticket { turns: Arc::clone(self), id, asked: now, waited: None, most: 1, contended: Some(false) })
    }

    /// Gives the share of the uplink that a goodput takes; `None` where it is not known what the uplink carries.
    #[must_use]
    pub fn share_of(&self, rate: BitRate) -> Option<f64> {
        self.rules.uplink.filter(|uplink| uplink.bps() > 0.0).map(|uplink| rate.bps() / uplink.bps())
    }

    fn is_too_much(&self, used: BitRate) -> bool {
        self.share_of(used).is_some_and(|share| share > self.rules.share)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one entry's, so what is there is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells whether a test that waits may begin.
    fn is_free(&self, id: u64, now: Duration, others: Others, turns: &Turns) -> bool {
        let running: Vec<_> = self.tests.values().filter_map(|test| test.began).collect();
        let is_next = self.tests.iter().find(|(_, test)| test.began.is_none()).is_some_and(|(next, _)| *next == id);
        let unknown = running.iter().any(|began| now.saturating_sub(*began) < SETTLES);
        let quiet = running.is_empty() && !others.are_there;
        let room = !unknown && others.uses.is_some_and(|used| !turns.is_too_much(used));
        turns.rules.uplink.is_none() || is_next && (quiet || room)
    }
}

impl Ticket {
    /// Looks whether the test may begin, or how it fares.
    pub fn look(&mut self, now: Duration, others: Others) {
        let turns = Arc::clone(&self.turns);
        let mut state = turns.state();
        if self.waited.is_none() {
            let waited = now.saturating_sub(self.asked);
            let is_free = state.is_free(self.id, now, others, &turns);
            if is_free || waited >= turns.rules.wait {
                self.waited = Some(waited);
                self.contended = Some(!is_free);
                if let Some(test) = state.tests.get_mut(&self.id) {
                    test.began = Some(now);
                }
            }
        }
        let running = state.tests.values().filter(|test| test.began.is_some()).count();
        self.most = self.most.max(u32::try_from(running).unwrap_or(u32::MAX));
        if self.may_begin() {
            self.note(&state, others);
        }
    }

    /// Notes what others do to the test. Two tests from one address share one line, whatever the listener's carries.
    fn note(&mut self, state: &State, others: Others) {
        let from = state.tests.get(&self.id).and_then(|test| test.from);
        let beside: Vec<_> = state.tests.iter().filter(|(id, test)| **id != self.id && test.began.is_some()).collect();
        let shares_line = from.is_some() && beside.iter().any(|(_, test)| test.from == from);
        if shares_line || others.uses.is_some_and(|used| self.turns.is_too_much(used)) {
            self.contended = Some(true);
        } else if self.turns.rules.uplink.is_none() && (!beside.is_empty() || others.are_there) {
            // It cannot be told; what is known to be so stays.
            self.contended = self.contended.filter(|contended| *contended);
        }
    }

    /// Tells whether the test may run.
    #[must_use]
    pub const fn may_begin(&self) -> bool {
        self.waited.is_some()
    }

    /// Gives how long the test waited, or has waited so far.
    #[must_use]
    pub fn waited(&self, now: Duration) -> Duration {
        self.waited.unwrap_or_else(|| now.saturating_sub(self.asked))
    }

    /// Gives the most tests that ran at one time, this one included.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// Tells whether others took more than their share meanwhile; `None` where others ran and it cannot be told.
    #[must_use]
    pub const fn contended(&self) -> Option<bool> {
        self.contended
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.turns.state().tests.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Others = Others { uses: None, are_there: false };

    fn turns(uplink_mbps: Option<f64>) -> Arc<Turns> {
        let uplink = uplink_mbps.map(|mbps| BitRate::from_bps(mbps * 1e6).expect("finite"));
        Arc::new(Turns::new(Rules { uplink, ..Rules::default() }))
    }

    fn using(mbps: f64) -> Others {
        Others { uses: BitRate::from_bps(mbps * 1e6).ok(), are_there: true }
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_is_alone_begins_at_once() {
        let turns = turns(Some(100.0));
        for _ in 0..2 {
            let mut ticket = turns.ask(None, s(1)).expect("room");
            ticket.look(s(1), ALONE);
            assert_eq!((ticket.may_begin(), ticket.contended(), ticket.most()), (true, Some(false), 1));
        }
    }

    #[test]
    fn a_test_waits_until_others_leave_room() {
        let turns = turns(Some(100.0));
        let mut first = turns.ask(None, s(0)).expect("room");
        first.look(s(0), ALONE);
        let (mut second, mut third) = (turns.ask(None, s(0)).expect("room"), turns.ask(None, s(0)).expect("room"));
        // What the first uses is not known yet.
        second.look(s(1), using(0.0));
        assert!(!second.may_begin());
        second.look(s(3), using(26.0));
        assert!(!second.may_begin());
        // The third is behind the second.
        third.look(s(4), using(10.0));
        assert!(!third.may_begin());
        second.look(s(4), using(24.0));
        assert_eq!((second.may_begin(), second.waited(s(9)), second.contended()), (true, s(4), Some(false)));
        first.look(s(5), using(26.0));
        assert_eq!((first.contended(), first.most()), (Some(true), 2));
        drop((first, second));
        third.look(s(6), ALONE);
        assert!(third.may_begin());
    }

    #[test]
    fn the_wait_has_an_end_and_is_told() {
        let turns = turns(Some(100.0));
        let mut first = turns.ask(None, s(0)).expect("room");
        first.look(s(0), ALONE);
        let mut second = turns.ask(None, s(1)).expect("room");
        second.look(WAIT, using(90.0));
        assert!(!second.may_begin());
        second.look(s(1) + WAIT, using(90.0));
        assert_eq!((second.may_begin(), second.contended(), second.waited(s(99))), (true, Some(true), WAIT));
    }

    #[test]
    fn nobody_waits_where_nobody_says_what_the_uplink_carries() {
        let turns = turns(None);
        let (mut first, mut second) = (turns.ask(None, s(0)).expect("room"), turns.ask(None, s(0)).expect("room"));
        first.look(s(0), ALONE);
        second.look(s(0), using(90.0));
        first.look(s(2), using(90.0));
        assert!(first.may_begin() && second.may_begin());
        assert_eq!((first.contended(), second.contended()), (None, None));
    }

    #[test]
    fn two_tests_from_one_address_share_its_line() {
        let turns = turns(None);
        let from = Some(Source::of([192, 0, 2, 1].into()));
        let (mut first, mut second) = (turns.ask(from, s(0)).expect("room"), turns.ask(from, s(0)).expect("room"));
        first.look(s(0), ALONE);
        second.look(s(0), ALONE);
        first.look(s(2), ALONE);
        assert_eq!((first.contended(), second.contended()), (Some(true), Some(true)));
    }

    #[test]
    fn there_are_only_so_many() {
        let turns = turns(None);
        let held: Vec<_> = (0..MAX_TESTS).map(|_| turns.ask(None, s(0)).expect("room")).collect();
        assert!(turns.ask(None, s(0)).is_none());
        drop(held);
        assert!(turns.ask(None, s(0)).is_some());
    }
}
