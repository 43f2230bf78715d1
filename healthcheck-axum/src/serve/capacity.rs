//! Whether others wait for a connection's place.

use std::sync::atomic::{AtomicBool, Ordering};

use super::log::Seldom;

/// What every connection has to know of the others.
#[derive(Debug, Default)]
pub(super) struct CapacitySignal {
    /// Others need a place or a file: a connection ends as soon as its answer is through.
    full: AtomicBool,
    /// No further request is taken.
    closing: AtomicBool,
    pub(super) cannot_accept: Seldom,
    pub(super) proxy_protocol: Seldom,
}

impl CapacitySignal {
    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}
