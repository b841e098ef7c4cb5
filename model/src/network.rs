//! Who runs the network that an address belongs to.

use std::fmt;

/// A network under one administration, as routing tables know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutonomousSystem {
    /// Its number.
    pub number: u32,
    /// Who runs it, where that is known.
    pub name: Option<String>,
}

impl fmt::Display for AutonomousSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, name } = self;
        match name {
            Some(name) => write!(f, "{name} (AS{number})"),
            None => write!(f, "AS{number}"),
        }
    }
}
