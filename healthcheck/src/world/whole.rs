//! The verdict on several checks at once.

use super::check::Check;
use super::shown::{Because, Shown};
use crate::model::CheckInfo;
use crate::outcome::Status;
use crate::report::Overall;
use crate::selection::Scope;

/// What a check contributes to the verdict on a whole: the worst contribution is the verdict.
pub(super) const fn contribution(status: Status, critical: bool) -> Overall {
    match status {
        Status::Pass => Overall::Success,
        Status::Fail if critical => Overall::Failure,
        Status::Warn | Status::Fail => Overall::Degraded,
    }
}

/// Whether the failure of a check fails the whole of this scope. Otherwise it degrades it.
///
/// Other instances share what an `external` check asks. Taking all of them out of rotation repairs nothing, so where
/// nobody said `critical`, its failure only degrades readiness.
pub(super) fn is_critical(check: &Check, scope: Scope) -> bool {
    let Some(info) = check.info() else { return true };
    let options = info.options();
    options.critical
        && (scope != Scope::Readiness || options.critical_is_said() || !is_shared(info, check.shown))
}

/// Whether the failure of a check is an error in the log. It is a warning if readiness merely degrades.
pub(super) fn is_logged_as_error(check: &Check) -> bool {
    is_critical(check, Scope::Readiness)
}

/// Whether other instances share what this check fails by.
pub(super) fn is_shared(info: &CheckInfo, shown: Shown) -> bool {
    match shown.because {
        Because::Blocked(blocker) => blocker.shared,
        _ => info.options().external,
    }
}

/// How many checks stand in the way of a better verdict on all of them. Kept up to date with each change of a status, so
/// that the verdict costs no look at the others.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) unknown: usize,
    /// Critical, and failing.
    pub(super) failing: usize,
    /// Failing, and not critical.
    pub(super) optional: usize,
    pub(super) warning: usize,
}

impl Tally {
    pub(super) fn add(&mut self, check: &Check, status: Option<Status>) {
        if let Some(count) = self.count(check, status) {
            *count += 1;
        }
    }

    pub(super) fn remove(&mut self, check: &Check, status: Option<Status>) {
        if let Some(count) = self.count(check, status) {
            *count = count.saturating_sub(1);
        }
    }

    fn count(&mut self, check: &Check, status: Option<Status>) -> Option<&mut usize> {
        match status {
            None => Some(&mut self.unknown),
            Some(Status::Pass) => None,
            Some(Status::Fail) if is_critical(check, Scope::All) => Some(&mut self.failing),
            Some(Status::Fail) => Some(&mut self.optional),
            Some(Status::Warn) => Some(&mut self.warning),
        }
    }

    /// `None` while that depends on checks without a result.
    pub(super) const fn verdict(&self) -> Option<Overall> {
        if self.failing > 0 {
            Some(Overall::Failure)
        } else if self.unknown > 0 {
            None
        } else if self.optional + self.warning > 0 {
            Some(Overall::Degraded)
        } else {
            Some(Overall::Success)
        }
    }
}
