//! The status that reports show for a check, with its cause.

use super::id::CheckId;
use crate::outcome::Status;

/// The status of a check at some time, with its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Is `None` before the first result.
    pub(crate) status: Option<Status>,
    pub(crate) because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// The results of the check's runs determine the status.
    Runs,
    /// An override sets the status.
    Override,
    /// A dependency fails, so the check doesn't run.
    Blocked(Blocker),
    /// The background loop has stopped producing results.
    Stale,
    /// A run takes too long and has no result yet.
    Silent,
}

/// A failing dependency that blocks a check. A blocked check isn't run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocker {
    pub(crate) check: CheckId,
    /// Whether other instances of the service share all failing dependencies of the check.
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
