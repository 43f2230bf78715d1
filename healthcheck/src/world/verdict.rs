//! From runs in a row to one status: thresholds and `fail_after`.

use std::time::{Duration, SystemTime};

use crate::model::policy::Policy;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::Pending;

/// What the runs so far amount to.
///
/// Thresholds and `fail_after` hold after the first pass only. Otherwise a threshold would call a check up that has never
/// worked, which is what kubelet's readiness once did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// By the thresholds alone.
    held: Option<Status>,
    latest: Option<Status>,
    has_passed: bool,
    /// The failure that is held has been shown as one, not as a warning, and stays one until the recovery.
    escalated: bool,
    /// So many of the latest runs passed, or failed, in a row.
    streak: u32,
    consecutive_failures: u64,
    failing: Option<Box<Failing>>,
}

/// Since when a check fails.
#[derive(Clone, Copy, Debug)]
struct Failing {
    /// When the first failing run ended since it was shown as passing.
    since: Now,
    /// When the first failing run ended since the last one that passed.
    in_a_row_since: Now,
}

impl Verdict {
    /// Takes in one run.
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
        // A warning is no failure to recover from: the first pass ends it.
        if warned && status.passed() || !self.is_below_threshold(status, policy) {
            self.held = Some(status);
        }
        self.has_passed |= status.passed();
        if status.passed() && self.held != Some(Status::Fail) {
            self.failing = None;
            self.escalated = false;
        }
    }

    /// Fails at once, whatever the failure threshold. Only a recovery changes that.
    pub(crate) const fn fail(&mut self) {
        self.held = Some(Status::Fail);
    }

    /// The status that the runs amount to now.
    pub(crate) fn status(&self, now: Instant, policy: &Policy) -> Option<Status> {
        if self.warns(now, policy) {
            Some(Status::Warn)
        } else {
            self.held
        }
    }

    /// Whether a failure is shown as a warning, since it hasn't lasted for `fail_after`.
    pub(crate) fn warns(&self, now: Instant, policy: &Policy) -> bool {
        self.may_warn(policy) && self.turns_at(policy).is_none_or(|turns| now < turns)
    }

    /// When a warning turns into a failure by time alone; `None`: never.
    pub(crate) fn turns_at(&self, policy: &Policy) -> Option<Instant> {
        let failing = self.failing.as_ref().filter(|_| self.may_warn(policy))?;
        failing.in_a_row_since.mono.checked_add(policy.fail_after?)
    }

    fn may_warn(&self, policy: &Policy) -> bool {
        let fails = self.held == Some(Status::Fail) && self.latest == Some(Status::Fail);
        policy.fail_after.is_some() && fails && self.has_passed && !self.escalated
    }

    /// For how long the runs had failed when the latest one ended, and for how long they may.
    pub(crate) fn failing_for(&self, at: Now, policy: &Policy) -> Option<(Duration, Duration)> {
        let failing = self.failing.as_ref().filter(|_| self.may_warn(policy))?;
        Some((at.since(failing.in_a_row_since.mono), policy.fail_after?))
    }

    /// When a run that began then, and gives no result, turns from a warning into a failure. It is one failure more in a
    /// row; `None`: it fails at once.
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

    /// When it began to fail, by the wall clock of today: one that was set since then tells another time.
    pub(crate) fn failing_since(&self, now: Now) -> Option<SystemTime> {
        /// Both clocks differ by less as long as nobody sets one.
        const DRIFT: Duration = Duration::from_secs(1);
        let since = self.failing.as_ref()?.since;
        let ago = now.since(since.mono);
        let by_now = now.wall.checked_sub(ago)?;
        let difference = by_now
            .duration_since(since.wall)
            .unwrap_or_else(|error| error.duration());
        Some(if difference > DRIFT { by_now } else { since.wall })
    }

    /// The change that is under way and not shown yet.
    pub(crate) fn pending(&self, now: Instant, policy: &Policy) -> Option<Pending> {
        let (latest, held) = (self.latest?, self.held?);
        let warned = self.failing.as_ref().filter(|_| self.warns(now, policy));
        let until = warned
            .and_then(|failing| failing.in_a_row_since.wall.checked_add(policy.fail_after?))
            .map(time::epoch_seconds);
        (until.is_some() || latest.passed() != held.passed()).then(|| Pending {
            status: latest,
            count: self.streak,
            of: policy.threshold(latest),
            until,
        })
    }

    fn is_below_threshold(&self, status: Status, policy: &Policy) -> bool {
        self.has_passed
            && self.held.is_some_and(|held| held.passed() != status.passed())
            && self.streak < policy.threshold(status)
    }
}
