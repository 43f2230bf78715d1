//! Computes the overall status of several checks.

use super::check::Check;
use super::shown::{Because, Shown};
use crate::model::CheckInfo;
use crate::outcome::Status;
use crate::report::Overall;
use crate::selection::Scope;

/// Returns the contribution of one check to the overall status. The overall status is the worst contribution of all
/// checks.
pub(super) const fn contribution(status: Status, critical: bool) -> Overall {
    match status {
        Status::Pass => Overall::Success,
        Status::Fail if critical => Overall::Failure,
        Status::Warn | Status::Fail => Overall::Degraded,
    }
}

/// Returns whether a failure of the check makes the overall status of this scope a failure. If not, a failure of the
/// check only degrades the overall status.
///
/// An `external` check tests a dependency that all instances share. If this dependency fails, taking all instances out
/// of rotation repairs nothing. So the failure of an `external` check only degrades readiness.
///
/// If `critical` was set explicitly to true, the failure makes readiness fail.
pub(super) fn is_critical(check: &Check, scope: Scope) -> bool {
    let Some(info) = check.info() else { return true };
    let options = info.options();
    options.critical
        && (scope != Scope::Readiness || options.critical_is_said() || !is_shared(info, check.shown))
}

/// Returns whether we log a failure of the check as an error. If a failure of the check only degrades readiness, we log
/// it as a warning.
pub(super) fn is_logged_as_error(check: &Check) -> bool {
    is_critical(check, Scope::Readiness)
}

/// Returns whether other instances of the service share the cause of this check's failure.
pub(super) fn is_shared(info: &CheckInfo, shown: Shown) -> bool {
    match shown.because {
        Because::Blocked(blocker) => blocker.shared,
        _ => info.options().external,
    }
}

/// The numbers of checks by status, without the checks that pass. Each change of a status updates these numbers. We
/// derive the overall status from them, without visiting all checks.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) unknown: usize,
    /// The number of critical checks that fail now.
    pub(super) failing: usize,
    /// The number of checks that fail now and aren't critical.
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

    /// Returns the overall status. Returns `None` while the overall status depends on checks that have no result yet.
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
