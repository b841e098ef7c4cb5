//! What is stored, and not yet where it must be to be acknowledged.

use super::*;

#[test]
fn what_is_held_back_is_acknowledged_once_the_store_says_so() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1), sample(1, 0)]).expect("fine");
    let record = story.session.record();
    let row =
        SessionRow { overview: record.overview, consented: record.consented, code_hash: None, key_hash: Some(KEY) };
    let stored = StoredSession {
        row,
        tests: record.tests,
        absences: record.absences,
        stored: Sequence::new(3),
        exported: Sequence::new(1),
    };
    story.session = Session::restore(stored, Waits::default(), story.now);
    story.session.hold_back(Sequence::new(1));
    story.sent.clear();
    story.attach();
    assert!(!story.acknowledged().contains(&3), "{:?}", story.sent);
    story.make_durable();
    assert_eq!(story.acknowledged().last(), Some(&3), "{:?}", story.sent);
    // What the client sends again is known.
    story.observe(2, vec![started(1), sample(1, 0)]).expect("passed over");
    story.make_durable();
}
