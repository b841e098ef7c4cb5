//! A client that is lost and comes back: those who look later know when.

use cnc_model::session::Absence;

use super::*;
use crate::session::MAX_ABSENCES;

fn restored(story: &Story) -> Session {
    let record = story.session.record();
    let row =
        SessionRow { overview: record.overview, consented: record.consented, code_hash: None, key_hash: Some(KEY) };
    let stored = StoredSession {
        row,
        tests: record.tests,
        absences: record.absences,
        stored: Sequence::new(1),
        exported: Sequence::new(1),
    };
    Session::restore(stored, Waits::default(), story.now)
}

/// Gives the absences that commits hold, the last of each beginning.
fn stored(story: &Story) -> Vec<Absence> {
    let changes = story.pending.iter().flat_map(|(_, commit)| &commit.changes);
    changes
        .filter_map(|change| match change {
            Change::Absence(absence) => Some(*absence),
            Change::Session(_) | Change::Test(_) | Change::Samples(_) => None,
        })
        .collect()
}

#[test]
fn an_absence_is_stored_and_told_when_it_begins_and_when_it_ends() {
    let mut story = Story::active(vec![]);
    story.session.watched_by(1, story.now);
    let from = story.now.wall;
    story.session.detach(story.now);
    story.carry_out();
    let began = Absence { from, until: None };
    assert_eq!(stored(&story), [began]);
    story.pass(Duration::from_secs(5));
    story.attach();
    let ended = Absence { from, until: Some(story.now.wall) };
    assert_eq!(stored(&story), [began, ended]);
    let told = |event: &WatchEvent| match event {
        WatchEvent::Absence(absence) => Some(*absence),
        WatchEvent::Snapshot { .. } | WatchEvent::Session(_) | WatchEvent::Test(_) | WatchEvent::Samples(_) => None,
    };
    assert_eq!(story.published.iter().filter_map(told).collect::<Vec<_>>(), [began, ended]);
    assert_eq!(story.session.record().absences, [ended]);
}

#[test]
fn a_session_that_ends_meanwhile_leaves_it_open() {
    let mut story = Story::active(vec![]);
    story.session.detach(story.now);
    story.pass(Waits::default().grace);
    assert_eq!(story.state(), SessionState::Ended(EndReason::Lost));
    story.attach();
    story.session.detach(story.now);
    assert!(matches!(story.session.record().absences[..], [Absence { until: None, .. }]), "late data is no return");
}

#[test]
fn a_client_that_said_goodbye_is_not_away() {
    let mut story = Story::active(vec![]);
    let goodbye = Item::Goodbye { at: Duration::ZERO, reason: Goodbye::UserEnded };
    story.observe(2, vec![goodbye]).expect("fine");
    story.session.detach(story.now);
    assert_eq!(story.session.record().absences, []);
}

#[test]
fn a_listener_that_was_killed_counts_from_its_return_and_one_that_stopped_from_its_end() {
    let mut story = Story::active(vec![]);
    let killed = restored(&story);
    assert_eq!(killed.record().absences, [Absence { from: story.now.wall, until: None }]);
    story.session.detach(story.now);
    let from = story.now.wall;
    story.pass(Duration::from_secs(9));
    assert_eq!(restored(&story).record().absences, [Absence { from, until: None }]);
}

#[test]
fn a_session_keeps_so_many() {
    let mut story = Story::active(vec![]);
    for _ in 0..=MAX_ABSENCES {
        story.session.detach(story.now);
        story.pass(Duration::from_millis(1));
        story.attach();
    }
    let absences = story.session.record().absences;
    assert_eq!(absences.len(), MAX_ABSENCES);
    assert!(absences.iter().all(|absence| absence.until.is_some()));
}
