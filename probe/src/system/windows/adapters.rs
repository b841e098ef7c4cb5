//! Asks Windows for its network adapters. It only copies what the system has written; nothing is decided here.

#[cfg(windows)]
pub(super) use asked::all;

/// Elsewhere there are none: the rest is compiled there for its tests.
#[cfg(not(windows))]
pub(super) fn all() -> Vec<super::Adapter> {
    Vec::new()
}

#[cfg(windows)]
mod asked;
