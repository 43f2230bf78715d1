//! Keeps a frequently written value out of the cache lines of its neighbours.

use std::ops::Deref;

/// A value with cache lines of its own. Otherwise each read of a neighbouring field would wait for the core that wrote
/// this value last. The alignment is two lines of 64 bytes, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(super) T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
