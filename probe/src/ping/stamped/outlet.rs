//! Where a ping's samples go, as long as somebody wants them.

use std::sync::{Arc, Mutex, PoisonError};

use cnc_model::Sample;
use cnc_model::ping::PingSample;

use super::thread::Number;
use crate::Sink;

/// A ping's sink, until its [`Hold`] is dropped. After that nothing is told, whatever the thread is just doing.
#[derive(Debug, Clone)]
pub(super) struct Outlet(Arc<Mutex<Option<Sink>>>);

/// Keeps an outlet open; dropped, it closes it, and the ping's thread lets go of the ping.
#[derive(Debug)]
pub(super) struct Hold {
    outlet: Outlet,
    thread: Number,
}

impl Outlet {
    pub(super) fn new(sink: Sink) -> Self {
        Self(Arc::new(Mutex::new(Some(sink))))
    }

    pub(super) fn hold(&self, thread: Number) -> Hold {
        Hold { outlet: self.clone(), thread }
    }

    /// Tells samples.
    pub(super) fn tell(&self, samples: impl Iterator<Item = PingSample>) {
        if let Some(sink) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            samples.for_each(|sample| sink.send(Sample::Ping(sample)));
        }
    }

    /// Says whether nobody wants samples any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Lets go of the sink, and says whether there was one.
    pub(super) fn close(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A ping that has ended has closed it itself.
        if self.outlet.close() {
            self.thread.wake();
        }
    }
}
