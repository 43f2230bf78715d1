//! Derives a check's status from the results of its consecutive runs, by the thresholds and `fail_after`.

use std::time::{Duration, SystemTime};

use crate::model::policy::Policy;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::Pending;

/// The part of a check's state from which we derive the check's status.
///
/// Thresholds and `fail_after` apply only after the check has passed once. If they always applied, a check that has
/// never worked could be shown as passing until the number of its failures reaches the threshold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// The status that results from the thresholds. `fail_after` isn't applied to it yet.
    held: Option<Status>,
    latest: Option<Status>,
    has_passed: bool,
    /// Whether we have already shown the current failure as a failure. In this case, we don't show it as a warning
    /// again until the check has recovered.
    escalated: bool,
    /// The number of latest runs in a row with the same outcome. There are two outcomes: failed, or not failed.
    streak: u32,
    /// The number of latest runs in a row that warned.
    warned: u32,
    consecutive_failures: u64,
    failing: Option<Box<Failing>>,
}

/// The beginning of a check's current failure. A recovery ends the failure, but a single pass may not be a recovery
/// yet.
#[derive(Clone, Copy, Debug)]
struct Failing {
    /// The end of the first failed run after the last recovery.
    since: Now,
    /// The end of the first run that failed after the last run that passed or warned.
    in_a_row_since: Now,
}

impl Verdict {
    /// Records the result of one run.
    pub(crate) fn record(&mut self, status: Status, now: Now, policy: &Policy) {
        let warned = self.warns(now.mono, policy);
        let same = self
            .latest
            .is_some_and(|latest| latest.passed() == status.passed());
        if same {
            self.streak = self.streak.saturating_add(1);
        } else {
            self.streak = 1;
        }
        self.latest = Some(status);
        self.warned = if status == Status::Warn {
            self.warned.saturating_add(1)
        } else {
            0
        };
        if status.passed() {
            self.consecutive_failures = 0;
            self.escalated |= self.held == Some(Status::Fail) && !warned;
        } else {
            self.consecutive_failures = self.consecutive_failures.saturating_add(1);
            let new = Failing {
                since: now,
                in_a_row_since: now,
            };
            let failing = self.failing.get_or_insert_with(|| Box::new(new));
            if !same {
                failing.in_a_row_since = now;
            }
        }
        // While a failure is shown as a warning, the success threshold doesn't apply: the first pass ends the failure.
        if warned && status.passed() || !self.is_below_threshold(status, policy) {
            self.held = Some(status);
        }
        self.has_passed |= status.passed();
        if status.passed() && self.held != Some(Status::Fail) {
            self.failing = None;
            self.escalated = false;
        }
    }

    /// Makes the check fail, even if fewer runs have failed than the failure threshold requires. Only a recovery ends
    /// this failure.
    pub(crate) const fn fail(&mut self) {
        self.held = Some(Status::Fail);
    }

    /// Returns the status that follows from the results so far, or `None` if there is no result.
    pub(crate) fn status(&self, now: Instant, policy: &Policy) -> Option<Status> {
        if self.warns(now, policy) {
            Some(Status::Warn)
        } else {
            self.held
        }
    }

    /// Returns whether a failure is shown as a warning, because the failure hasn't lasted for the time `fail_after`
    /// yet.
    pub(crate) fn warns(&self, now: Instant, policy: &Policy) -> bool {
        self.may_warn(policy) && self.turns_at(policy).is_none_or(|turns| now < turns)
    }

    /// Returns the time at which `fail_after` is over. Before this time, the failure is shown as a warning. From this
    /// time on, it is shown as a failure, without a new run.
    ///
    /// Returns `None` if `fail_after` doesn't apply to the current state of the check.
    pub(crate) fn turns_at(&self, policy: &Policy) -> Option<Instant> {
        let failing = self.failing.as_ref().filter(|_| self.may_warn(policy))?;
        failing.in_a_row_since.mono.checked_add(policy.fail_after?)
    }

    fn may_warn(&self, policy: &Policy) -> bool {
        let fails = self.held == Some(Status::Fail) && self.latest == Some(Status::Fail);
        policy.fail_after.is_some() && fails && self.has_passed && !self.escalated
    }

    /// Returns two durations: for how long the check has failed at the time `at`, and the check's `fail_after`. Returns
    /// `None` if `fail_after` doesn't apply to the current failure.
    pub(crate) fn failing_for(&self, at: Now, policy: &Policy) -> Option<(Duration, Duration)> {
        let failing = self.failing.as_ref().filter(|_| self.may_warn(policy))?;
        Some((at.since(failing.in_a_row_since.mono), policy.fail_after?))
    }

    /// Returns the time until which a run that takes too long counts as a warning. From this time on, the run counts as
    /// a failure. `None` means that the run counts as a failure from the beginning.
    ///
    /// `fail_after` begins at the time `began`, when the run started. If the runs directly before this run failed,
    /// `fail_after` begins with the first of those failures.
    pub(crate) fn silence_turns_at(&self, began: Instant, policy: &Policy) -> Option<Instant> {
        if self.held == Some(Status::Fail) {
            return self.turns_at(policy);
        }
        let fails = self
            .failing
            .as_ref()
            .filter(|_| self.latest == Some(Status::Fail));
        let since = fails.map_or(began, |failing| failing.in_a_row_since.mono);
        policy
            .fail_after
            .filter(|_| self.has_passed)
            .and_then(|lasts| since.checked_add(lasts))
    }

    pub(crate) const fn has_passed(&self) -> bool {
        self.has_passed
    }

    pub(crate) const fn consecutive_failures(&self) -> u64 {
        self.consecutive_failures
    }

    /// Returns the wall-clock time at which the check began to fail. If the wall clock was set after that, we convert
    /// this time to the new setting of the clock.
    pub(crate) fn failing_since(&self, now: Now) -> Option<SystemTime> {
        /// The wall clock was set if it differs by more than this from the time that the monotonic clock predicts.
        const DRIFT: Duration = Duration::from_secs(1);
        let since = self.failing.as_ref()?.since;
        let ago = now.since(since.mono);
        let by_now = now.wall.checked_sub(ago)?;
        let difference = by_now
            .duration_since(since.wall)
            .unwrap_or_else(|error| error.duration());
        Some(if difference > DRIFT { by_now } else { since.wall })
    }

    /// Returns the change of the status that is pending, because a threshold isn't reached or `fail_after` isn't over.
    pub(crate) fn pending(&self, now: Instant, policy: &Policy) -> Option<Pending> {
        let (latest, held) = (self.latest?, self.held?);
        let warned = self.failing.as_ref().filter(|_| self.warns(now, policy));
        let until = warned
            .and_then(|failing| failing.in_a_row_since.wall.checked_add(policy.fail_after?))
            .map(time::epoch_seconds);
        if latest == Status::Warn && held == Status::Pass {
            return Some(Pending {
                status: latest,
                count: self.warned,
                of: policy.warn_threshold,
                until,
            });
        }
        (until.is_some() || latest.passed() != held.passed()).then(|| Pending {
            status: latest,
            count: self.streak,
            of: policy.threshold(latest),
            until,
        })
    }

    fn is_below_threshold(&self, status: Status, policy: &Policy) -> bool {
        let changes = self.held.is_some_and(|held| held.passed() != status.passed());
        let begins_to_warn = status == Status::Warn && self.held == Some(Status::Pass);
        self.has_passed
            && (changes && self.streak < policy.threshold(status)
                || begins_to_warn && self.warned < policy.warn_threshold)
    }
}
