//! A wrapper that keeps a frequently written value out of the cache lines of its neighbours.

use std::ops::Deref;

/// A value that shares no cache line with the neighbouring fields. If they shared a line, each write of the value would
/// slow down the other cores' reads of these fields.
///
/// Processors fetch cache lines of 64 bytes in pairs, so the alignment is 128 bytes.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(super) T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
