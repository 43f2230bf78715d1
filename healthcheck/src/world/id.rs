//! The ids of checks and runs.

use std::num::NonZeroU64;

/// Identifies a check or section within one world. After a check is removed, a new check can get the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CheckId(pub(super) u32);

impl CheckId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Identifies one run. An id is never reused, so a late event of an old run can't be mistaken for one of a newer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(pub(super) NonZeroU64);
