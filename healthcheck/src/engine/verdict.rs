//! From consecutive runs to the status that is shown: thresholds, pure.

use std::time::SystemTime;

use crate::outcome::Status;
use crate::report::Pending;

/// How many runs in a row it takes to change the shown status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Thresholds {
    pub(crate) failure: u32,
    pub(crate) success: u32,
}

/// What the runs so far amount to.
///
/// A check that has never passed is not held up or down by any threshold: kubelet's readiness began that way, and
/// a peer that did otherwise called a check up that had never worked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    shown: Option<Status>,
    latest: Option<Status>,
    has_passed: bool,
    streak: u32,
    consecutive_failures: u64,
    failing_since: Option<SystemTime>,
}

impl Verdict {
    /// Takes in one run.
    pub(crate) fn record(&mut self, status: Status, at: SystemTime, thresholds: Thresholds) {
        let same = self
            .latest
            .is_some_and(|latest| latest.passed() == status.passed());
        self.streak = if same { self.streak.saturating_add(1) } else { 1 };
        self.latest = Some(status);
        if status.passed() {
            self.consecutive_failures = 0;
        } else {
            self.consecutive_failures = self.consecutive_failures.saturating_add(1);
            self.failing_since.get_or_insert(at);
        }

        if !self.holds(status, thresholds) {
            self.shown = Some(status);
        }
        self.has_passed |= status.passed();
        if status.passed() && self.shown != Some(Status::Fail) {
            self.failing_since = None;
        }
    }

    /// Shows a failure at once, whatever the threshold: it takes a recovery to show anything else.
    pub(crate) const fn fail(&mut self) {
        self.shown = Some(Status::Fail);
    }

    pub(crate) const fn shown(&self) -> Option<Status> {
        self.shown
    }

    pub(crate) const fn consecutive_failures(&self) -> u64 {
        self.consecutive_failures
    }

    pub(crate) const fn failing_since(&self) -> Option<SystemTime> {
        self.failing_since
    }

    /// The change that is under way and not shown yet.
    pub(crate) fn pending(&self, thresholds: Thresholds) -> Option<Pending> {
        let (latest, shown) = (self.latest?, self.shown?);
        (latest.passed() != shown.passed()).then(|| Pending {
            status: latest,
            count: self.streak,
            of: thresholds.needed_for(latest),
        })
    }

    fn holds(&self, status: Status, thresholds: Thresholds) -> bool {
        self.has_passed
            && self.shown.is_some_and(|shown| shown.passed() != status.passed())
            && self.streak < thresholds.needed_for(status)
    }
}

impl Thresholds {
    const fn needed_for(self, status: Status) -> u32 {
        if status.passed() {
            self.success
        } else {
            self.failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Fail, Pass, Warn};

    const THREE_TWO: Thresholds = Thresholds {
        failure: 3,
        success: 2,
    };

    fn shown(runs: &[Status]) -> Vec<Status> {
        let mut verdict = Verdict::default();
        runs.iter()
            .map(|&status| {
                verdict.record(status, SystemTime::UNIX_EPOCH, THREE_TWO);
                verdict.shown().unwrap_or(Fail)
            })
            .collect()
    }

    #[test]
    fn only_consecutive_failures_count() {
        assert_eq!(shown(&[Pass, Fail, Fail, Pass, Fail, Fail]), [Pass; 6]);
        assert_eq!(shown(&[Pass, Fail, Fail, Fail]), [Pass, Pass, Pass, Fail]);
    }

    #[test]
    fn no_threshold_holds_before_the_first_pass() {
        assert_eq!(shown(&[Fail, Fail, Pass]), [Fail, Fail, Pass]);
    }

    #[test]
    fn a_recovery_takes_its_threshold_and_a_warning_counts_as_a_pass() {
        assert_eq!(
            shown(&[Pass, Fail, Fail, Fail, Warn, Pass]),
            [Pass, Pass, Pass, Fail, Fail, Pass]
        );
    }

    #[test]
    fn pass_and_warn_change_at_once() {
        assert_eq!(shown(&[Pass, Warn, Pass]), [Pass, Warn, Pass]);
    }

    #[test]
    fn a_change_under_way_is_pending() {
        let mut verdict = Verdict::default();
        verdict.record(Pass, SystemTime::UNIX_EPOCH, THREE_TWO);
        assert_eq!(verdict.pending(THREE_TWO), None);
        verdict.record(Fail, SystemTime::UNIX_EPOCH, THREE_TWO);
        assert_eq!(
            verdict.pending(THREE_TWO),
            Some(Pending {
                status: Fail,
                count: 1,
                of: 3
            })
        );
    }
}
