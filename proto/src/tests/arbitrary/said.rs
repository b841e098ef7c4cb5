//! What clients and listeners say to each other.

use super::{
    address,
    asked::{test, when},
    code, duration,
    figures::summary,
    observed::sample,
    sequence, session_id, test_id, text, timestamp,
};
use crate::scalar::MAX_WHOLE;
use cnc_model::message::{
    Batch, ClientMessage, Farewell, Hello, Instruction, ListenerMessage, MAX_BATCH_ITEMS, Welcome,
};
use cnc_model::{ClientKey, Failure, Goodbye, Item, Outcome, Reason, Sequence, TestKind};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub(in crate::tests) fn outcome() -> BoxedStrategy<Outcome> {
    let failure = (select(Reason::ALL.to_vec()), text(), of(text()))
        .prop_map(|(reason, message, hint)| Outcome::Failed(Failure { reason, message, hint }));
    prop_oneof![Just(Outcome::Completed), failure, Just(Outcome::Cancelled)].boxed()
}

pub(in crate::tests) fn item() -> BoxedStrategy<Item> {
    let goodbye = select(vec![Goodbye::Done, Goodbye::UserEnded, Goodbye::ConsentRefused]);
    prop_oneof![
        (duration(), any::<bool>()).prop_map(|(at, names)| Item::Consent { at, names }),
        (test_id(), duration()).prop_map(|(test, at)| Item::TestStarted { test, at }),
        (test_id(), sample()).prop_map(|(test, sample)| Item::Sample { test, sample }),
        (test_id(), duration(), outcome(), of(summary())).prop_map(|(test, at, outcome, summary)| Item::TestEnded {
            test,
            at,
            outcome,
            summary: summary.map(Box::new),
        }),
        (duration(), goodbye).prop_map(|(at, reason)| Item::Goodbye { at, reason }),
        (test_id(), timestamp(), test()).prop_map(|(test, began, what)| Item::OwnTest {
            test,
            began,
            what: Box::new(what)
        }),
        Just(Item::Unknown),
    ]
    .boxed()
}

pub(in crate::tests) fn hello() -> BoxedStrategy<Hello> {
    let capabilities = vec(select(TestKind::ALL.to_vec()), 0..6);
    (text(), capabilities, any::<[u8; 32]>(), of(code()), timestamp(), duration())
        .prop_map(|(client_version, capabilities, key, code, clock_began, at)| Hello {
            client_version,
            capabilities,
            key: ClientKey::new(key),
            code,
            clock_began,
            at,
        })
        .boxed()
}

pub(in crate::tests) fn batch() -> BoxedStrategy<Batch> {
    (1..=MAX_WHOLE, vec(item(), 0..=MAX_BATCH_ITEMS))
        .prop_map(|(first, items)| Batch { first: Sequence::new(first), items })
        .boxed()
}

pub(in crate::tests) fn client_message() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![hello().prop_map(ClientMessage::Hello), batch().prop_map(ClientMessage::Batch)]
}

pub(in crate::tests) fn welcome() -> BoxedStrategy<Welcome> {
    let who = (session_id(), of(code()), text(), address());
    let opens = (text(), of(any::<[u8; 32]>()), of(text()));
    let what = (sequence(), any::<bool>(), vec(test(), 0..4), opens, any::<u32>());
    (who, what)
        .prop_map(|((session, code, operator, public_address), what)| {
            let (acknowledged, consented, planned, opens, own_tests) = what;
            let (speed_token, echo_token, certificate_issuer) = opens;
            Welcome {
                session,
                code,
                operator,
                public_address,
                acknowledged,
                consented,
                planned,
                speed_token,
                echo_token,
                certificate_issuer,
                own_tests,
            }
        })
        .boxed()
}

pub(in crate::tests) fn instruction() -> BoxedStrategy<Instruction> {
    prop_oneof![
        (test_id(), when(), test()).prop_map(|(test, when, what)| Instruction::Run { test, when, what }),
        test_id().prop_map(Instruction::Cancel),
        Just(Instruction::End),
        of(test_id()).prop_map(|test| Instruction::Unknown { test }),
    ]
    .boxed()
}

pub(in crate::tests) fn listener_message() -> impl Strategy<Value = ListenerMessage> {
    prop_oneof![
        welcome().prop_map(ListenerMessage::Welcome),
        instruction().prop_map(ListenerMessage::Instruction),
        sequence().prop_map(ListenerMessage::Acknowledge),
        (of(text()), of(text()))
            .prop_map(|(report_url, document_url)| { ListenerMessage::Goodbye(Farewell { report_url, document_url }) }),
    ]
}
