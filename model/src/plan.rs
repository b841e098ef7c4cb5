//! Plans: named lists of tests, in stages that run one after the other.

use crate::Test;

/// A named list of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The name that staff ask for it by.
    pub name: String,
    /// What it is good for, in one line.
    pub description: String,
    /// Tests of one stage run side by side; a stage begins when all before it have ended.
    pub stages: Vec<Vec<Test>>,
}

impl Plan {
    /// Gives all tests in order with their stages, counted from 0.
    pub fn tests(&self) -> impl Iterator<Item = (u32, &Test)> {
        (0..).zip(&self.stages).flat_map(|(stage, tests)| tests.iter().map(move |test| (stage, test)))
    }
}
