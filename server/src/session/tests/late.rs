//! Clients that come back to a session that has ended.

use super::*;

#[test]
fn late_items_of_an_ended_session_are_kept_and_its_report_made_again() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.detach(story.now);
    story.pass(Duration::from_mins(3));
    story.make_durable();
    story.sent.clear();
    story.attach();
    assert!(story.sent.contains(&ListenerMessage::Instruction(Instruction::End)));
    story.observe(2, vec![started(1), sample(1, 0), ended(1), goodbye(Goodbye::Done)]).expect("fine");
    story.make_durable();
    assert_eq!((story.reports, story.state()), (2, SessionState::Ended(EndReason::Lost)));
    assert_eq!(story.session.record().tests[0].outcome, Some(Outcome::Completed));
    assert_eq!(story.acknowledged(), [5]);
}

#[test]
fn a_client_that_is_still_adding_to_an_ended_session_is_not_let_go() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.detach(story.now);
    story.pass(Duration::from_mins(3));
    story.attach();
    story.make_durable();
    // Its coming back is a change of the record, for which a report is made.
    story.session.reported(Farewell::default());
    story.carry_out();
    assert_eq!(story.detached, 0);
    story.observe(2, vec![started(1), sample(1, 0)]).expect("fine");
    story.make_durable();
    // The record itself asks for the report as soon as something is added.
    story.session.reported(Farewell::default());
    story.carry_out();
    assert_eq!(story.detached, 0);
    story.observe(4, vec![ended(1), goodbye(Goodbye::Done)]).expect("fine");
    story.make_durable();
    story.session.reported(at("https://example.com/r/1"));
    story.carry_out();
    assert!(matches!(story.sent.last(), Some(ListenerMessage::Goodbye(Farewell { report_url: Some(_), .. }))));
    assert_eq!(story.detached, 1);
}

#[test]
fn a_client_that_stays_with_an_ended_session_is_let_go() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.detach(story.now);
    story.pass(Duration::from_mins(3));
    story.attach();
    story.pass(Duration::from_secs(10));
    assert_eq!(story.detached, 1);
    assert_eq!(story.session.poll_timeout(), None);
}
