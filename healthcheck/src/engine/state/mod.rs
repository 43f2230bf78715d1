//! The state of one check or section and its transitions: pure functions of `now`, no waiting, no runtime.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::policy::Policy;
use super::verdict::Verdict;
use crate::clock::{self, Now, Until};
use crate::outcome::Status;
use crate::report::Overridden;

mod ending;
mod freshness;
mod running;

use running::Running;
pub(crate) use running::{Next, RunId};

#[derive(Debug, Default)]
pub(crate) struct State {
    running: Option<Running>,
    pub(crate) last: Option<Finished>,
    pub(crate) verdict: Verdict,
    /// The result with which a startup check latched.
    pub(crate) latched: Option<Box<Finished>>,
    pub(crate) masked: Option<Box<Mask>>,
    pub(crate) runs: Runs,
    latest_id: RunId,
    ended_id: RunId,
    /// When the last attempt ended, or its limit did.
    ended_at: Option<Instant>,
    /// The attempt that ended last was dropped unfinished, with its runtime.
    lost: bool,
    /// Due whatever the TTL or the loop says: the dependency that failed has recovered since, or the run that was stuck
    /// has ended.
    recheck: bool,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: Status,
    pub(crate) output: Value,
    pub(crate) at: Now,
    pub(crate) took: Duration,
}

/// A status set by hand.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) until: Until,
}

impl Mask {
    pub(crate) fn told(&self) -> Overridden {
        let until = self.until.wall().map_or(f64::MAX, clock::epoch_seconds);
        Overridden {
            reason: self.reason.clone(),
            until,
        }
    }
}

/// How many runs ended with which status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Runs {
    pub(crate) pass: u64,
    pub(crate) warn: u64,
    pub(crate) fail: u64,
}

impl State {
    /// Makes it due, whatever its TTL says.
    pub(crate) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// The status that the runs amount to; a background result that is too old is a failure, and so is a run that
    /// doesn't end.
    pub(crate) fn given(&self, policy: &Policy, now: Now) -> Option<Status> {
        if self.is_stale(policy, now) || self.stays_stuck() {
            Some(Status::Fail)
        } else {
            self.verdict.shown()
        }
    }

    /// The status set by hand, until it ends.
    pub(crate) fn mask(&self, now: Now) -> Option<&Mask> {
        self.masked.as_deref().filter(|mask| !mask.until.passed(now))
    }

    fn publish(&mut self, policy: &Policy, took: Duration, now: Now, status: Status, output: Value) {
        self.recheck = false;
        self.verdict.record(status, now.wall, policy.thresholds);
        match status {
            Status::Pass => self.runs.pass += 1,
            Status::Warn => self.runs.warn += 1,
            Status::Fail => self.runs.fail += 1,
        }
        let finished = Finished {
            status,
            output,
            at: now,
            took,
        };
        if policy.latches && status.passed() && self.latched.is_none() {
            self.latched = Some(Box::new(finished.clone()));
        }
        self.last = Some(finished);
    }
}
