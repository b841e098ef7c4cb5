//! What comes for a trace's probes, whatever carried them.

use std::net::IpAddr;
use std::time::Duration;

use super::course::Kind;
#[cfg(unix)]
pub(super) use crate::kernel::Sent;
#[cfg(unix)]
use crate::kernel::{Moment, Wall};

/// What came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival {
    /// An answer to a probe.
    Answer(Answer),
    /// An answer that does not say to which probe. Those without an answer are to be sent again: from now on each can
    /// be told apart.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "elsewhere the system tells probes apart"))]
    Unreadable,
}

/// An answer to a probe.
#[cfg(unix)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) number: u16,
    pub(super) kind: Kind,
    pub(super) from: IpAddr,
    /// When it arrived, by the kernel's stamp.
    pub(super) stamp: Option<Wall>,
    /// Just after its receipt.
    pub(super) after: Moment,
}

#[cfg(unix)]
impl Answer {
    /// Gives the time since its probe was sent.
    pub(super) fn rtt(&self, sent: &Sent) -> Duration {
        crate::kernel::round_trip(&sent.before, sent.stamp, self.stamp, &self.after).0
    }
}

/// That a probe was sent: when, the thread knows that waits for its answer.
#[cfg(windows)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent;

/// An answer to a probe.
#[cfg(windows)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) number: u16,
    pub(super) kind: Kind,
    pub(super) from: IpAddr,
    pub(super) rtt: Duration,
}

#[cfg(windows)]
impl Answer {
    /// Gives the time since its probe was sent.
    pub(super) const fn rtt(&self, _sent: &Sent) -> Duration {
        self.rtt
    }
}
