//! Keeps a frequently written value out of the cache lines of its neighbours.

use std::ops::Deref;

/// A value with cache lines of its own. Otherwise each write of this value would slow down the other cores' reads of
/// the neighbouring fields. The alignment is two cache lines of 64 bytes, since processors fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(super) T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
