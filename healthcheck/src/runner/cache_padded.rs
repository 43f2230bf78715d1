//! What every run writes to, away from what every run reads.

use std::ops::Deref;

/// Shares a cache line with nothing else: else each look at its neighbours would wait for the core that wrote last.
/// Two lines of 64 bytes, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(super) T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
