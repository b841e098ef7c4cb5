//! Whose network an address belongs to.

use cnc_model::network::AutonomousSystem;
use cnc_model::trace::Segment;

use crate::scalar::{MAX_NAME_BYTES, cut, optional_text};
use crate::{Invalid, v1};

impl From<AutonomousSystem> for v1::AutonomousSystem {
    fn from(network: AutonomousSystem) -> Self {
        let AutonomousSystem { number, name } = network;
        Self { number, name: name.map(|name| cut(name, MAX_NAME_BYTES)) }
    }
}

impl TryFrom<v1::AutonomousSystem> for AutonomousSystem {
    type Error = Invalid;

    fn try_from(wire: v1::AutonomousSystem) -> Result<Self, Invalid> {
        let v1::AutonomousSystem { number, name } = wire;
        Ok(Self { number, name: optional_text("AutonomousSystem.name", name, MAX_NAME_BYTES)? })
    }
}

impl From<Option<Segment>> for v1::Segment {
    fn from(segment: Option<Segment>) -> Self {
        match segment {
            None => Self::Unspecified,
            Some(Segment::Lan) => Self::Lan,
            Some(Segment::Access) => Self::Access,
            Some(Segment::Transit) => Self::Transit,
            Some(Segment::Destination) => Self::Destination,
        }
    }
}

/// Reads a segment; one that is added later is not known here.
pub(crate) fn segment(wire: i32) -> Option<Segment> {
    match v1::Segment::try_from(wire).unwrap_or_default() {
        v1::Segment::Unspecified => None,
        v1::Segment::Lan => Some(Segment::Lan),
        v1::Segment::Access => Some(Segment::Access),
        v1::Segment::Transit => Some(Segment::Transit),
        v1::Segment::Destination => Some(Segment::Destination),
    }
}
