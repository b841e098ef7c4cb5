//! Where tests wait for what the stand-in is asked, and where one call is held for good, so that whoever asked can be
//! killed at just that point.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Fake, State};

/// What becomes of the call that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is not done, and never answered.
    Before,
    /// It is done, and never answered.
    After,
    /// It is done and answered, and whoever waits is told meanwhile.
    Not,
}

impl Fake {
    /// Holds the `n`th call from now on, of whatever kind.
    pub fn hold(&self, n: u64, held: Held) {
        let mut state = self.state();
        state.held = Some((state.calls + n, held));
    }

    /// Tells whether the call that is to be held has come.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let state = self.state();
        state.held.is_some_and(|(call, _)| state.calls >= call)
    }

    /// Waits until something is so; it is looked at again after each call.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let mut changes = self.state().changes.subscribe();
        while !is_so(self) {
            // Liveness: each call changes it; what is waited for must come of one.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Lets a call through, or holds it.
pub(super) async fn pass<T>(state: &Arc<Mutex<State>>, call: impl FnOnce() -> T) -> T {
    let held = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += 1;
        state.held.filter(|(number, _)| *number == state.calls).map(|(_, held)| held)
    };
    let told = || state.lock().unwrap_or_else(PoisonError::into_inner).changes.send_replace(());
    if held == Some(Held::Before) {
        told();
        // Liveness: whoever asked is killed, and the connection with it.
        return std::future::pending().await;
    }
    let answer = call();
    told();
    if held == Some(Held::After) {
        // Liveness: as above.
        return std::future::pending().await;
    }
    answer
}
