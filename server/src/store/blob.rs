//! Parameters and summaries as protobuf: what the typed columns leave out reads back exactly.

use cnc_model::message::When;
use cnc_model::{Summary, Test};
use cnc_proto::v1;
use prost::Message;

use super::StoreError;

pub(super) fn test(test: &Test) -> Vec<u8> {
    v1::Test::from(test.clone()).encode_to_vec()
}

pub(super) fn summary(summary: &Summary) -> Vec<u8> {
    v1::Summary::from(summary.clone()).encode_to_vec()
}

pub(super) const fn stage(when: When) -> Option<u32> {
    match when {
        When::Now => None,
        When::Stage(stage) => Some(stage),
    }
}

pub(super) fn to_test(bytes: &[u8]) -> Result<Test, StoreError> {
    let wire = v1::Test::decode(bytes).map_err(|error| unreadable("params", &error.to_string()))?;
    Test::try_from(wire).map_err(|error| unreadable("params", &error.to_string()))
}

pub(super) fn to_summary(bytes: &[u8]) -> Result<Summary, StoreError> {
    let wire = v1::Summary::decode(bytes).map_err(|error| unreadable("summary", &error.to_string()))?;
    Summary::try_from(wire).map_err(|error| unreadable("summary", &error.to_string()))
}

fn unreadable(column: &str, detail: &str) -> StoreError {
    StoreError::Unreadable { table: "tests", detail: format!("{column}: {detail}") }
}
