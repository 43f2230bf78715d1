//! The ids of checks and runs.

use std::num::NonZeroU64;

/// Identifies a check or section within one `World`. When a check is removed, its id becomes free for a new check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CheckId(pub(super) u32);

impl CheckId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Identifies one run. No two runs of a `World` ever have the same id. So a late event of an old run can't be mistaken
/// for an event of a newer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(pub(super) NonZeroU64);
