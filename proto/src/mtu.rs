//! Searches for the path's MTU: their figures.

use cnc_model::mtu::MtuSummary;

use crate::invalid::required;
use crate::scalar::{address, octets};
use crate::{Invalid, v1};

impl From<MtuSummary> for v1::MtuSummary {
    fn from(summary: MtuSummary) -> Self {
        let MtuSummary { measured, path_mtu_bytes, interface_mtu_bytes, black_hole, limited_by, probes } = summary;
        Self {
            measured: Some(measured.into()),
            path_mtu_bytes,
            interface_mtu_bytes,
            black_hole,
            limited_by: limited_by.map(octets),
            probes,
        }
    }
}

impl TryFrom<v1::MtuSummary> for MtuSummary {
    type Error = Invalid;

    fn try_from(wire: v1::MtuSummary) -> Result<Self, Invalid> {
        let v1::MtuSummary { measured, path_mtu_bytes, interface_mtu_bytes, black_hole, limited_by, probes } = wire;
        Ok(Self {
            measured: required("MtuSummary.measured", measured)?.try_into()?,
            path_mtu_bytes,
            interface_mtu_bytes,
            black_hole,
            limited_by: limited_by.map(|octets| address("MtuSummary.limited_by", &octets)).transpose()?,
            probes,
        })
    }
}
