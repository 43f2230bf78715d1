//! Tells each connection whether other connections wait for its slot.

use std::sync::atomic::{AtomicBool, Ordering};

use super::log::Seldom;

/// The state that all connections share.
#[derive(Debug, Default)]
pub(super) struct CapacitySignal {
    /// Other connections wait for a slot or a file descriptor, so each connection ends after its current answer.
    full: AtomicBool,
    /// The server is shutting down, so no connection reads another request.
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
