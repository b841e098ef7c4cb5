//! What the test files share: finding the product's programs and reading what they write. It holds no test and
//! knows nothing of the product but CONTRACT: commands, exit codes, JSON.

pub mod lines;
pub mod programs;
