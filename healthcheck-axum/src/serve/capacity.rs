//! The flags by which the server tells its connections to end.

use std::sync::atomic::{AtomicBool, Ordering};

use super::log::Seldom;

/// The state that all connections of the server share.
#[derive(Debug, Default)]
pub(super) struct CapacitySignal {
    /// True while the server has too many connections, or no file descriptor in reserve. Each connection then ends
    /// after its current answer.
    full: AtomicBool,
    /// True once the server is shutting down. Each connection then ends after the requests that it has already
    /// received.
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
