//! Peers that are newer, broken or hostile: no bytes panic, and what is not known is passed over in its place.

use cnc_model::message::{Batch, ClientMessage, Instruction, ListenerMessage, Welcome};
use cnc_model::session::{SessionRecord, TestRecord, WatchEvent};
use cnc_model::throughput::{Confidence, StoppedBy};
use cnc_model::{Failure, Goodbye, Item, Outcome, Reason, Sequence, Summary, Test, TestId, TestKind};
use proptest::prelude::*;
use prost::Message;

use super::arbitrary;
use crate::{Invalid, v1};

/// Decodes bytes as a message and reads it; whatever comes out, it comes out.
fn read<M, W: Message + Default + TryInto<M>>(bytes: &[u8]) -> bool {
    W::decode(bytes).is_ok_and(|wire| wire.try_into().is_ok())
}

fn read_as_everything(bytes: &[u8]) {
    read::<ClientMessage, v1::ClientMessage>(bytes);
    read::<ListenerMessage, v1::ListenerMessage>(bytes);
    read::<Item, v1::Item>(bytes);
    read::<Summary, v1::Summary>(bytes);
    read::<Test, v1::Test>(bytes);
    read::<WatchEvent, v1::WatchEvent>(bytes);
    read::<SessionRecord, v1::SessionRecord>(bytes);
    read::<TestRecord, v1::TestRecord>(bytes);
    read::<crate::support::ListSamples, v1::ListSamplesRequest>(bytes);
    read::<crate::support::IssueTest, v1::IssueTestRequest>(bytes);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
    }

    /// Sound messages with a few bytes changed get further in than noise does.
    #[test]
    fn no_damage_panics(
        message in arbitrary::client_message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = v1::ClientMessage::from(message).encode_to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_as_everything(&bytes);
    }

    #[test]
    fn no_damage_to_orders_panics(
        message in arbitrary::listener_message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = v1::ListenerMessage::from(message).encode_to_vec();
        prop_assume!(!bytes.is_empty());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_as_everything(&bytes);
    }
}

/// A message that holds only a field which nobody has defined yet: number 1000, a text.
fn from_the_future<W: Message + Default>() -> W {
    let mut bytes = Vec::new();
    prost::encoding::string::encode(1_000, &"later".to_owned(), &mut bytes);
    W::decode(bytes.as_slice()).expect("unknown fields decode")
}

fn id(id: u32) -> TestId {
    TestId::try_from(id).expect("not zero")
}

#[test]
fn an_unknown_item_keeps_its_place() {
    let consent = v1::Item::from(Item::Consent { at: std::time::Duration::ZERO, names: false });
    let unknown_sample = v1::Item { test: 3, item: Some(v1::item::Item::Sample(from_the_future())) };
    let items = vec![consent.clone(), from_the_future(), unknown_sample, consent];
    let batch = Batch::try_from(v1::Batch { first_sequence: 7, items }).expect("nothing is malformed");
    assert_eq!(batch.last(), Sequence::new(10));
    let unknown: Vec<_> = batch.items.iter().map(|item| matches!(item, Item::Unknown)).collect();
    assert_eq!(unknown, [false, true, true, false]);
}

#[test]
fn a_malformed_item_is_named_by_its_sequence() {
    let started = v1::Item { test: 0, item: Some(v1::item::Item::TestStarted(v1::TestStarted { at_us: 1 })) };
    let batch = v1::Batch { first_sequence: 7, items: vec![v1::Item::default(), started] };
    let invalid = Batch::try_from(batch).expect_err("test 0");
    assert!(!invalid.is_unknown());
    assert_eq!(invalid.to_string(), "item 8: Item.test: test ids begin at 1");
}

#[test]
fn a_test_has_ended_however_it_did() {
    let ended = v1::TestEnded { at_us: 5, outcome: Some(from_the_future()), summary: Some(from_the_future()) };
    let item = v1::Item { test: 1, item: Some(v1::item::Item::TestEnded(Box::new(ended))) };
    let Ok(Item::TestEnded { outcome: Outcome::Failed(Failure { reason, .. }), summary: None, .. }) = item.try_into()
    else {
        panic!("it ended");
    };
    assert_eq!(reason, Reason::Internal);
}

#[test]
fn a_client_can_answer_every_order() {
    let unknown = |test: Option<u32>| ListenerMessage::Instruction(Instruction::Unknown { test: test.map(id) });
    let order = |test, instruction| v1::ListenerMessage {
        message: Some(v1::listener_message::Message::Instruction(v1::Instruction { test, instruction })),
    };
    let run = |when, what| Some(v1::instruction::Instruction::Run(v1::RunTest { when, what }));
    let now = || Some(v1::When { when: Some(v1::when::When::AtOnce(v1::AtOnce {})) });
    let mut too_much = v1::PingTest::from(cnc_model::test::PingTest::to(cnc_model::Destination::Listener));
    too_much.count = 100_001;
    let too_much = v1::Test { test: Some(v1::test::Test::Ping(too_much)) };
    let system = || Some(v1::Test::from(Test::System));
    let cases = [
        (from_the_future(), unknown(None)),
        (order(4, None), unknown(Some(4))),
        (order(4, run(now(), Some(from_the_future()))), unknown(Some(4))),
        (order(4, run(now(), None)), unknown(Some(4))),
        (order(4, run(Some(from_the_future()), system())), unknown(Some(4))),
        (order(4, run(now(), Some(too_much))), unknown(Some(4))),
        (order(0, run(now(), system())), unknown(None)),
        (order(0, Some(v1::instruction::Instruction::Cancel(v1::CancelTest {}))), unknown(None)),
    ];
    for (wire, expected) in cases {
        assert_eq!(ListenerMessage::try_from(wire.clone()), Ok(expected), "{wire:?}");
    }
}

#[test]
fn an_unknown_message_of_a_client_is_told_from_a_malformed_one() {
    let invalid = ClientMessage::try_from(from_the_future::<v1::ClientMessage>()).expect_err("unknown");
    assert_eq!(invalid, Invalid::Unknown { field: "ClientMessage.message" });
    assert!(invalid.is_unknown());
}

#[test]
fn capabilities_that_are_not_known_are_ignored() {
    let hello = v1::Hello { capabilities: vec![2, 0, 77, -1, 5], key: vec![1; 32], ..v1::Hello::default() };
    let message = v1::ClientMessage { message: Some(v1::client_message::Message::Hello(Box::new(hello))) };
    let Ok(ClientMessage::Hello(hello)) = message.try_into() else { panic!("a hello") };
    assert_eq!(hello.capabilities, [TestKind::Ping, TestKind::Upload]);
}

#[test]
fn tests_that_are_not_known_are_left_out_of_lists() {
    let planned = vec![from_the_future(), Test::System.into(), from_the_future()];
    let welcome = v1::Welcome {
        session: "0123456789abcdef".into(),
        public_address: vec![192, 0, 2, 1],
        planned,
        ..v1::Welcome::default()
    };
    assert_eq!(Welcome::try_from(welcome).expect("sound").planned, [Test::System]);
    let record = v1::TestRecord { id: 1, what: Some(from_the_future()), ..v1::TestRecord::default() };
    assert!(TestRecord::try_from(record.clone()).is_err_and(|invalid| invalid.is_unknown()));
    assert_eq!(crate::session::known_records(vec![record]), Ok(vec![]));
}

#[test]
fn words_that_are_not_known_fall_back_to_the_weaker_claim() {
    assert_eq!(Confidence::from(v1::Confidence::try_from(99).unwrap_or_default()), Confidence::Low);
    assert_eq!(StoppedBy::from(v1::StoppedBy::try_from(99).unwrap_or_default()), StoppedBy::End);
    assert_eq!(Goodbye::from(v1::GoodbyeReason::try_from(99).unwrap_or_default()), Goodbye::UserEnded);
    assert_eq!(Reason::from(v1::Reason::try_from(99).unwrap_or_default()), Reason::Internal);
}
