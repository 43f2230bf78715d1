//! What is shown of a check: a status, and because of what.

use super::id::CheckId;
use crate::outcome::Status;

/// The status of a check at a moment, and because of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `None` before the first result.
    pub(crate) status: Option<Status>,
    pub(crate) because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// Of what its runs gave.
    Runs,
    /// It was set by hand.
    Override,
    /// A dependency fails, so it isn't run.
    Blocked(Blocker),
    /// Its background loop gives no results any more.
    Stale,
    /// A run goes on without a result.
    Silent,
}

/// The dependency that keeps a check from being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocker {
    pub(crate) check: CheckId,
    /// All dependencies that fail are shared with other instances.
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
