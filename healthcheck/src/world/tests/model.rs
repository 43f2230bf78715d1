//! A plain model of the checks and their statuses. The model computes each status from the results of the runs,
//! independently of the `World`. All times are in milliseconds.
//!
//! A check in these tests depends only on checks with smaller names, so sorting by name gives a topological order.

use std::collections::BTreeMap;

use super::stage::Spec;
use crate::outcome::Status;
use crate::report::Overall;
use crate::selection::Scope;

/// The model's state of one check, which follows from the results of the check's runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// The check has never passed. Its status is the status of its latest run, or `None` if it has never run.
    Never { latest: Option<Status> },
    /// The check passes or warns, as `status` says. The latest `failures` runs have failed, but their number is below
    /// the failure threshold. `since` is the time at which the first of these failed runs ended.
    Up {
        status: Status,
        failures: u32,
        since: u64,
    },
    /// The check fails. Until the time `warns_until`, the failure is shown as a warning. The latest `passes` runs have
    /// passed, but their number is below the success threshold.
    Down { warns_until: u64, passes: u32 },
}

#[derive(Clone, Debug)]
pub(super) struct ModelCheck {
    pub(super) spec: Spec,
    pub(super) standing: Standing,
    /// The last result: its time on the monotonic clock, its time on the wall clock, and its status.
    pub(super) last: Option<(u64, u64, Status)>,
    pub(super) has_passed: bool,
    pub(super) failures_in_a_row: u64,
    /// Whether the next request has to run the check even if its last result is still fresh.
    pub(super) due: bool,
    /// Whether the current run is stuck and the `World` has already renewed the timeout failure of this run.
    pub(super) stuck_said: bool,
    /// The time at which the current run started, if the run takes too long; otherwise `None`.
    pub(super) silent: Option<u64>,
    pub(super) set: Option<(Status, u64)>,
    pub(super) latched: bool,
    /// The last status that the check has shown. If an override ends before the first result, the check no longer has a
    /// status, but this field still has the status of the override.
    pub(super) announced: Option<Status>,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) now: u64,
    pub(super) wall: u64,
    pub(super) checks: BTreeMap<String, ModelCheck>,
    pub(super) whole: Option<Overall>,
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a test waits for no eternity")
}

impl ModelCheck {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            spec,
            standing: Standing::Never { latest: None },
            last: None,
            has_passed: false,
            failures_in_a_row: 0,
            due: false,
            stuck_said: false,
            silent: None,
            set: None,
            latched: false,
            announced: None,
        }
    }

    fn fail_after(&self) -> Option<u64> {
        self.spec.options.fail_after.map(millis)
    }

    fn limit_or_patience(&self) -> u64 {
        match self.spec.options.timeout {
            None | Some(None) => 5_000,
            Some(Some(limit)) => millis(limit),
        }
    }

    /// Returns true if the check never has to run again. This is the case if it belongs only to the startup probe and
    /// has passed.
    pub(super) fn is_over(&self) -> bool {
        let options = &self.spec.options;
        self.latched && !options.readiness && !options.liveness
    }

    /// Returns the age at which the result of a background check is too old to be shown. Returns `None` if the check
    /// has no interval.
    fn oldest(&self) -> Option<u64> {
        let interval = millis(self.spec.options.interval?);
        let run = match self.spec.options.timeout {
            Some(None) => interval,
            _ => self.limit_or_patience(),
        };
        Some(2 * interval + run)
    }

    /// Records the result of a run that ends at the time `now`.
    pub(super) fn record(&mut self, now: u64, wall: u64, status: Status) {
        let options = &self.spec.options;
        let failed = status == Status::Fail;
        self.standing = match (self.standing, failed) {
            (Standing::Never { .. }, true) => Standing::Never { latest: Some(status) },
            (Standing::Never { .. } | Standing::Up { .. }, false) => Standing::Up {
                status,
                failures: 0,
                since: 0,
            },
            (
                Standing::Up {
                    status: before,
                    failures,
                    since,
                },
                true,
            ) => {
                let since = if failures == 0 { now } else { since };
                if failures + 1 < options.failure_threshold {
                    Standing::Up {
                        status: before,
                        failures: failures + 1,
                        since,
                    }
                } else {
                    Standing::Down {
                        warns_until: self.fail_after().map_or(0, |lasts| since + lasts),
                        passes: 0,
                    }
                }
            }
            (Standing::Down { warns_until, .. }, true) => Standing::Down {
                warns_until,
                passes: 0,
            },
            (Standing::Down { warns_until, passes }, false) => {
                if now < warns_until || passes + 1 >= options.success_threshold {
                    Standing::Up {
                        status,
                        failures: 0,
                        since: 0,
                    }
                } else {
                    Standing::Down {
                        warns_until,
                        passes: passes + 1,
                    }
                }
            }
        };
        self.last = Some((now, wall, status));
        self.has_passed |= !failed;
        self.latched |= !failed && options.startup;
        self.failures_in_a_row = if failed { self.failures_in_a_row + 1 } else { 0 };
        self.due = false;
        self.silent = None;
    }

    /// Renews the timeout failure of a stuck run. The test calls this when the run is still stuck after the TTL of that
    /// failure.
    pub(super) fn say_stuck(&mut self, now: u64, wall: u64) {
        self.standing = match self.standing {
            Standing::Never { .. } => Standing::Never {
                latest: Some(Status::Fail),
            },
            Standing::Up { failures, since, .. } => {
                assert!(failures > 0, "a run can't be stuck that hasn't timed out");
                Standing::Down {
                    warns_until: self.fail_after().map_or(0, |lasts| since + lasts),
                    passes: 0,
                }
            }
            down @ Standing::Down { .. } => down,
        };
        let status = self.last.map_or(Status::Fail, |(_, _, status)| status);
        assert_eq!(status, Status::Fail);
        self.last = Some((now, wall, status));
        self.stuck_said = true;
    }

    /// Returns the status that follows from the results of the check's own runs.
    fn by_runs(&self, now: u64) -> Option<Status> {
        match self.standing {
            Standing::Never { latest } => latest,
            Standing::Up { status, .. } => Some(status),
            Standing::Down { warns_until, .. } if now < warns_until => Some(Status::Warn),
            Standing::Down { .. } => Some(Status::Fail),
        }
    }

    /// Returns the status of a check whose current run takes too long. Such a run counts as a failure that began when
    /// the run started. If earlier runs directly before this run failed, the failure began with the first of those
    /// runs.
    fn of_silence(&self, began: u64, now: u64) -> Status {
        let fails_at = match self.standing {
            Standing::Never { .. } => 0,
            Standing::Up { failures: 0, .. } => self.fail_after().map_or(0, |lasts| began + lasts),
            Standing::Up { since, .. } => self.fail_after().map_or(0, |lasts| since + lasts),
            Standing::Down { warns_until, .. } => warns_until,
        };
        if now < fails_at {
            Status::Warn
        } else {
            Status::Fail
        }
    }

    pub(super) fn is_set(&self, now: u64) -> bool {
        self.set.is_some_and(|(_, until)| now < until)
    }

    pub(super) fn is_stale(&self, now: u64) -> bool {
        let at = self.last.map(|(at, ..)| at);
        at.zip(self.oldest())
            .is_some_and(|(at, oldest)| now >= at + oldest)
    }

    fn own_status(&self, blocked: bool, now: u64) -> Option<Status> {
        match self.set {
            Some((status, until)) if now < until => Some(status),
            _ if self.is_over() => self.by_runs(now),
            _ if blocked || self.is_stale(now) => Some(Status::Fail),
            _ => match self.silent {
                Some(began) => Some(self.of_silence(began, now)),
                None => self.by_runs(now),
            },
        }
    }

    /// Returns whether a request can use the check's last result without a new run. `max_age` contains the two maximum
    /// ages that the request accepts: the first for a pass or warning, the second for a failure.
    pub(super) fn is_fresh(&self, now: u64, wall: u64, max_age: Option<(u64, u64)>, is_stuck: bool) -> bool {
        if self.is_over() {
            return true;
        }
        let Some((at, wall_at, status)) = self.last else {
            return false;
        };
        if self.due && !is_stuck {
            return false;
        }
        let options = &self.spec.options;
        let passed = status != Status::Fail;
        let lasts = if let Some(oldest) = self.oldest() {
            oldest
        } else {
            let chosen = if passed {
                options.success_ttl
            } else {
                options.failed_ttl
            };
            match (chosen, max_age) {
                (Some(None), _) => return false,
                (Some(Some(ttl)), _) => millis(ttl),
                (None, None) if passed => 27_000,
                (None, None) => 9_000,
                (None, Some((pass, _))) if passed => pass.min(27_000),
                (None, Some((_, fail))) if self.has_passed => fail.min(9_000),
                (None, Some((_, fail))) => fail.min(250),
            }
        };
        if now >= at + lasts || wall >= wall_at + lasts {
            return false;
        }
        // A failure that is shown as a warning is fresh only until it is shown as a failure.
        match self.standing {
            Standing::Down { warns_until, .. } if at < warns_until => now < warns_until,
            _ => true,
        }
    }

    /// Returns whether the check has no result yet, and waits for its background loop to start the first run.
    pub(super) fn waits_for_loop(&self) -> bool {
        self.spec.options.interval.is_some() && self.last.is_none() && !self.due
    }

    /// Returns whether the check's last result is too old to be shown while the next run is in progress.
    pub(super) fn is_outdated(&self, now: u64, wall: u64) -> bool {
        let options = &self.spec.options;
        self.last.is_some_and(|(at, wall_at, status)| {
            let (chosen, default) = match status {
                Status::Fail => (options.failed_ttl, 9_000),
                _ => (options.success_ttl, 27_000),
            };
            let ttl = chosen.map_or(default, |ttl| ttl.map_or(0, millis));
            let oldest = ttl + self.limit_or_patience() + 60_000;
            now >= at + oldest || wall >= wall_at + oldest
        })
    }
}

impl Model {
    pub(super) fn dependencies(&self, name: &str) -> Vec<String> {
        let declared = &self.checks[name].spec.options.depends_on;
        let present = declared.iter().filter(|on| self.checks.contains_key(&***on));
        present.map(ToString::to_string).collect()
    }

    pub(super) fn is_blocked(&self, name: &str) -> bool {
        !self.checks[name].is_over()
            && self
                .dependencies(name)
                .iter()
                .any(|on| self.status(on) == Some(Status::Fail))
    }

    /// Returns the status that a report shows for the check with this name.
    pub(super) fn status(&self, name: &str) -> Option<Status> {
        let check = &self.checks[name];
        check.own_status(self.is_blocked(name), self.now)
    }

    /// Returns the overall status of all checks. Returns `None` while the overall status depends on checks without a
    /// result.
    pub(super) fn verdict(&self) -> Option<Overall> {
        let all: Vec<_> = self
            .checks
            .values()
            .map(|check| (check.announced, check.spec.options.critical))
            .collect();
        if all.contains(&(Some(Status::Fail), true)) {
            Some(Overall::Failure)
        } else if all.iter().any(|(status, _)| status.is_none()) {
            None
        } else if all.iter().any(|(status, _)| *status != Some(Status::Pass)) {
            Some(Overall::Degraded)
        } else {
            Some(Overall::Success)
        }
    }

    /// Returns whether other instances of the service share the cause of the failure of the check with this name.
    fn is_shared(&self, name: &str) -> bool {
        let check = &self.checks[name];
        let failing: Vec<_> = self
            .dependencies(name)
            .into_iter()
            .filter(|on| self.status(on) == Some(Status::Fail))
            .collect();
        if failing.is_empty() || check.is_over() || check.is_set(self.now) {
            check.spec.options.external
        } else {
            failing.iter().all(|on| self.is_shared(on))
        }
    }

    /// Returns the overall status of the scope if the check with this name fails and all other checks pass.
    pub(super) fn weight(&self, name: &str, scope: Scope) -> Overall {
        let options = &self.checks[name].spec.options;
        let excused = scope == Scope::Readiness && !options.critical_is_said() && self.is_shared(name);
        if options.critical && !excused {
            Overall::Failure
        } else {
            Overall::Degraded
        }
    }
}
