//! Plans.

use cnc_model::Plan;

use crate::invalid::unless_unknown;
use crate::scalar::{MAX_NAME_BYTES, MAX_SENTENCE_BYTES, bounded, cut, text};
use crate::{Invalid, v1};

/// The most stages of a plan.
pub const MAX_STAGES: usize = 32;
/// The most tests of a stage: they run side by side.
pub const MAX_STAGE_TESTS: usize = 64;

impl From<Plan> for v1::Plan {
    fn from(plan: Plan) -> Self {
        let Plan { name, description, stages } = plan;
        let stage = |tests: Vec<cnc_model::Test>| v1::Stage { tests: tests.into_iter().map(Into::into).collect() };
        Self {
            name: cut(name, MAX_NAME_BYTES),
            description: cut(description, MAX_SENTENCE_BYTES),
            stages: stages.into_iter().map(stage).collect(),
        }
    }
}

impl TryFrom<v1::Plan> for Plan {
    type Error = Invalid;

    /// Tests of which this version does not know the kind are left out.
    fn try_from(wire: v1::Plan) -> Result<Self, Invalid> {
        let v1::Plan { name, description, stages } = wire;
        bounded("Plan.stages", &stages, MAX_STAGES)?;
        let stage = |stage: v1::Stage| {
            let v1::Stage { tests } = stage;
            bounded("Stage.tests", &tests, MAX_STAGE_TESTS)?;
            tests.into_iter().filter_map(|test| unless_unknown(test.try_into()).transpose()).collect()
        };
        Ok(Self {
            name: text("Plan.name", name, MAX_NAME_BYTES)?,
            description: text("Plan.description", description, MAX_SENTENCE_BYTES)?,
            stages: stages.into_iter().map(stage).collect::<Result<_, Invalid>>()?,
        })
    }
}
