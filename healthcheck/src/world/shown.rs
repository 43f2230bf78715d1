//! The status that reports show for a check, with its cause.

use super::id::CheckId;
use crate::outcome::Status;

/// The status that reports show for a check at some time, with its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The status, or `None` if the check has no result yet.
    pub(crate) status: Option<Status>,
    pub(crate) because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// The results of the check's own runs determine the status.
    Runs,
    /// An override is in effect and sets the status.
    Override,
    /// A dependency fails, so the check isn't run and counts as failing.
    Blocked(Blocker),
    /// The check's background loop no longer produces results, so the check counts as failing.
    Stale,
    /// The check's current run takes too long and has no result yet.
    Silent,
}

/// The failing dependency that blocks a check. The `World` doesn't run a blocked check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocker {
    pub(crate) check: CheckId,
    /// Whether other instances of the service share the cause of the failure. This is true only if it holds for every
    /// failing dependency of the check.
    pub(crate) shared: bool,
}

impl Shown {
    pub(super) const UNKNOWN: Self = Self {
        status: None,
        because: Because::Runs,
    };

    pub(super) fn fails(self) -> bool {
        self.status == Some(Status::Fail)
    }
}
