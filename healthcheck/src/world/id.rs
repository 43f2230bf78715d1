//! Names of checks and runs.

use std::num::NonZeroU64;

/// Names a check or section of one world. A number is used again once its check is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CheckId(pub(super) u32);

impl CheckId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names one run. Never used again, so that whatever a run of before still reports can't be taken for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(pub(super) NonZeroU64);
