//! Tests that the client ran by itself: taken in behind consent, under names of their own, so many and no more.

use super::*;
use crate::limits::OWN_TESTS;

fn own(number: u32) -> Item {
    let began = Timestamp::from_unix_us(1_799_999_000_000_000);
    Item::OwnTest { test: TestId::own(number), began, what: Box::new(ping()) }
}

fn of(item: Item, number: u32) -> Item {
    let name = TestId::own(number);
    match item {
        Item::TestStarted { at, .. } => Item::TestStarted { test: name, at },
        Item::Sample { sample, .. } => Item::Sample { test: name, sample },
        Item::TestEnded { at, outcome, summary, .. } => Item::TestEnded { test: name, at, outcome, summary },
        Item::Consent { .. } | Item::OwnTest { .. } | Item::Goodbye { .. } | Item::Unknown => item,
    }
}

#[test]
fn it_is_stored_with_its_own_times_and_never_issued() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.watched_by(1, story.now);
    story.observe(2, vec![own(2), of(started(1), 2), of(sample(1, 0), 2), of(ended(1), 2)]).expect("sound");
    let record = story.session.record();
    let test = record.tests.last().expect("two");
    let at = |seconds: i64| Timestamp::from_unix_us(1_799_999_000_000_000 + seconds * 1_000_000);
    assert_eq!((test.id, test.issued_by.as_str(), test.samples), (TestId::own(2), "the device itself", 1));
    assert_eq!((test.issued, test.started, test.ended), (at(0), Some(at(1)), Some(at(2))));
    let seen = |event: &WatchEvent| matches!(event, WatchEvent::Test(test) if test.id.is_own());
    assert!(story.published.iter().any(seen), "watchers see it");
    assert_eq!(story.session.cancel(TestId::own(2), story.now), Err(Refusal::OwnTest));
    let next = story.session.issue(ping(), When::Now, "Ada", story.now).expect("open");
    assert_eq!(next.id.get(), 2, "names that are issued go on");
    story.make_durable();
    assert_eq!(story.acknowledged(), [5]);
    assert_eq!(story.runs(), [2]);
}

#[test]
fn one_that_is_open_is_not_asked_for_when_its_client_comes_back() {
    let mut story = Story::active(vec![]);
    story.observe(2, vec![own(2), of(started(1), 2)]).expect("sound");
    story.make_durable();
    story.session.detach(story.now);
    story.attach();
    story.make_durable();
    assert_eq!(story.runs(), Vec::<u32>::new());
    let welcome = story.sent.iter().find_map(|message| match message {
        ListenerMessage::Welcome(welcome) => Some((welcome.planned.len(), welcome.own_tests)),
        ListenerMessage::Instruction(_) | ListenerMessage::Acknowledge(_) | ListenerMessage::Goodbye { .. } => None,
    });
    assert_eq!(welcome, Some((0, 63)), "{:?}", story.sent);
}

#[test]
fn what_no_sound_client_brings_is_refused() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    assert_eq!(story.observe(1, vec![own(2)]), Err(Violation::NoConsent));

    let named = |test: TestId| Item::OwnTest { test, began: Timestamp::from_unix_us(0), what: Box::new(ping()) };
    let mut story = Story::active(vec![vec![ping()]]);
    for test in [TestId::FIRST, TestId::FIRST.next(), TestId::try_from(TestId::MAX_ISSUED).expect("not 0")] {
        assert_eq!(story.observe(2, vec![named(test)]), Err(Violation::TakenId(test)));
    }
    story.observe(2, vec![own(2)]).expect("sound");
    assert_eq!(story.observe(3, vec![own(2)]), Err(Violation::TakenId(TestId::own(2))));
    assert_eq!(
        story.observe(3, vec![Item::TestStarted { test: TestId::FIRST.next(), at: Duration::ZERO }]),
        Err(Violation::UnknownTest(TestId::FIRST.next()))
    );
}

#[test]
fn so_many_and_no_more() {
    let mut story = Story::active(vec![]);
    let bound = u32::try_from(OWN_TESTS).expect("few");
    for number in 0..bound {
        story.observe(u64::from(number) + 2, vec![own(number + 2)]).expect("as many as there may be");
    }
    assert_eq!(story.observe(u64::from(bound) + 2, vec![own(bound + 2)]), Err(Violation::TooManyOwn));
    assert_eq!(story.session.record().tests.len(), OWN_TESTS);
}

/// A newer client may run tests of a kind that is unknown here; their declarations arrive as unknown items.
#[test]
fn what_belongs_to_none_that_is_known_is_passed_over() {
    let mut story = Story::active(vec![]);
    story
        .observe(2, vec![Item::Unknown, of(started(1), 2), of(sample(1, 0), 2), of(ended(1), 2)])
        .expect("passed over");
    story.make_durable();
    assert_eq!(story.acknowledged(), [5]);
    assert!(story.session.record().tests.is_empty());
}

#[test]
fn a_clock_that_runs_ahead_gives_no_time_to_come() {
    let mut story = Story::active(vec![]);
    let began = story.now.wall.after(Duration::from_hours(24 * 365));
    let named = Item::OwnTest { test: TestId::own(2), began, what: Box::new(ping()) };
    story.observe(2, vec![named, of(ended(1), 2)]).expect("sound");
    let record = story.session.record();
    assert_eq!((record.tests[0].issued, record.tests[0].ended), (story.now.wall, Some(story.now.wall)));
}
