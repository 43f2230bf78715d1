//! The state of one check or section: its timing options, its results, and its current run.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use super::id::{CheckId, RunId};
use super::record::Record;
use super::shown::Shown;
use super::verdict::Verdict;
use crate::model::CheckInfo;
use crate::model::Shared;
use crate::model::policy::Policy;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::Overridden;
use crate::selection::MaxAge;

/// Identifies the runtime on which the runner launches a run. The runner knows the tokio runtime for each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunsOn {
    pub(crate) runtime: u32,
    /// Whether the service chose this runtime explicitly. If the service chose the runtime, no other runtime takes over
    /// a run of this runtime.
    pub(crate) chosen: bool,
}

/// The thing whose function a run calls: a check, or a section of the health body or the environment page.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Check(Shared<CheckInfo>),
    Section(Cow<'static, str>),
}

#[derive(Debug)]
pub(crate) struct Check {
    pub(super) subject: Subject,
    pub(super) policy: Shared<Policy>,
    /// Whether the check's function is async. A sync function blocks a thread during its run.
    pub(super) is_async: bool,
    pub(super) depends_on: Box<[CheckId]>,
    pub(super) dependants: Box<[CheckId]>,
    /// The check's position in the topological order. The positions of the check's dependencies are lower.
    pub(super) rank: u32,
    /// The current run of the check. We box the run to save memory, since most checks have no current run most of the
    /// time.
    pub(super) run: Option<Box<Run>>,
    pub(super) last: Option<Finished>,
    pub(super) verdict: Verdict,
    /// The result of the first run that passed or warned. Only a check of the startup probe keeps this result.
    pub(super) latched: Option<Box<Finished>>,
    pub(super) overridden: Option<Box<Override>>,
    pub(super) counts: Counts,
    /// Whether the next request has to run the check even if the check's last result is still fresh.
    pub(super) due: bool,
    /// The id of the latest run, if that run was lost, that is, if it ended without a result because its runtime shut
    /// down or was no longer polled.
    pub(super) lost: Option<RunId>,
    pub(super) shown: Shown,
    pub(super) record: Record,
    /// The next time at which the check's status can change without an event. For this time, `World::moments` has an
    /// entry with this check.
    pub(super) timer: Option<Instant>,
    /// The time at which the background loop next runs the check.
    pub(super) next_run: Option<Instant>,
}

/// The reason for a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RunReason {
    /// A request that accepts results up to this maximum age needs a result of the check, and the last result isn't
    /// fresh.
    Due(Option<MaxAge>),
    /// The check runs even if its last result is fresh. The reason is that the check's interval is over, or that
    /// another check, which depends on this check, has failed.
    Forced,
}

/// The current run of a check.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) runs_on: RunsOn,
    pub(super) reason: RunReason,
    /// The time at which the run started. While the run still waits for its dependencies, this is the time at which the
    /// wait began.
    pub(super) since: Now,
    pub(super) phase: Phase,
    /// `Some` if the run takes so long that we no longer show the check's last result. The time is a copy of `since`,
    /// made when we noticed that the run takes too long. Later changes of `since` don't change this copy.
    pub(super) silent: Option<Instant>,
    /// The time at which a tick next has to handle the run. While the runner executes the run, this is the run's
    /// limit, or an earlier time at which we find out whether the run takes too long.
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The run waits for the results of the check's dependencies. The run's time limit begins only after this wait.
    AwaitingDependencies,
    /// The runner has launched the run, and the run hasn't ended.
    Running,
    /// The function has returned a failure. We first run the check's dependencies again, and then publish the failure.
    /// The time limit of the run no longer applies.
    Returned(Box<Returned>),
    /// We have cancelled the run, because its runtime doesn't poll the run's future. The run ends without a result as
    /// soon as this future is dropped.
    Abandoned,
    /// The run has exceeded its limit but hasn't ended. We show a timeout failure. The check can't run again until this
    /// run has ended.
    TimedOut {
        /// Whether the run was still in progress when the TTL of the timeout failure was over.
        lasts: bool,
    },
}

#[derive(Debug)]
pub(super) struct Returned {
    pub(super) status: Status,
    pub(super) output: Value,
    pub(super) took: Duration,
}

/// The result of a finished run.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: Status,
    pub(crate) output: Value,
    pub(crate) at: Now,
    pub(crate) took: Duration,
}

/// A status that the service or an operator sets in place of the check's real status. The monotonic clock determines
/// the end of the override. A change of the wall clock doesn't shorten or extend the override.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) until: Instant,
    pub(crate) until_wall: f64,
}

impl Override {
    pub(super) fn shown(&self) -> Overridden {
        Overridden {
            reason: self.reason.clone(),
            until: self.until_wall,
        }
    }
}

/// The number of finished runs that passed, warned and failed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) pass: u64,
    pub(crate) warn: u64,
    pub(crate) fail: u64,
}

impl Check {
    pub(super) fn new(subject: Subject, policy: Shared<Policy>, is_async: bool) -> Self {
        Self {
            subject,
            policy,
            is_async,
            depends_on: Box::default(),
            dependants: Box::default(),
            rank: 0,
            run: None,
            last: None,
            verdict: Verdict::default(),
            latched: None,
            overridden: None,
            counts: Counts::default(),
            due: false,
            lost: None,
            shown: Shown::UNKNOWN,
            record: Record::default(),
            timer: None,
            next_run: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.subject {
            Subject::Check(info) => info.name(),
            Subject::Section(name) => name,
        }
    }

    pub(crate) const fn info(&self) -> Option<&Shared<CheckInfo>> {
        match &self.subject {
            Subject::Check(info) => Some(info),
            Subject::Section(_) => None,
        }
    }

    /// Returns true if the check never has to run again. This is the case if it belongs only to the startup probe and
    /// has passed.
    pub(super) fn is_over(&self) -> bool {
        self.policy.only_startup && self.latched.is_some()
    }

    /// Returns whether the current run has timed out but hasn't ended. Requests don't wait for such a run. Until it
    /// ends, the check can't run again.
    pub(super) fn is_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { .. }))
    }

    /// Returns whether the current run was still stuck when the TTL of its timeout failure was over.
    pub(super) fn stays_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { lasts: true }))
    }

    /// Returns whether the check has a current run that can still produce a result.
    pub(super) fn is_pending(&self) -> bool {
        self.run.is_some() && !self.is_stuck()
    }

    /// Returns the time at which the current run started, if this run takes too long. Otherwise returns `None`.
    ///
    /// A run that takes too long counts as a failure. Reports then no longer show the check's last result.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        self.run.as_ref()?.silent
    }

    /// Returns true if a run of this check counts as a failure when the run takes too long. This rule applies only to a
    /// check that has a last result and isn't a background check.
    ///
    /// For a background check, [`stale_at`](Self::stale_at) decides when the check fails.
    pub(super) fn may_be_silent(&self) -> bool {
        self.last.is_some() && self.policy.interval.is_none()
    }

    pub(super) fn current(&mut self, id: RunId) -> Option<&mut Run> {
        self.run.as_deref_mut().filter(|run| run.id == id)
    }

    /// Returns the override that is in effect at the time `now`.
    pub(super) fn override_at(&self, now: Instant) -> Option<&Override> {
        self.overridden.as_deref().filter(|set| now < set.until)
    }

    /// Records the result of a run that ends at the time `now`.
    pub(super) fn record_result(&mut self, now: Now, took: Duration, status: Status, output: Value) {
        self.due = false;
        self.verdict.record(status, now, &self.policy);
        match status {
            Status::Pass => self.counts.pass += 1,
            Status::Warn => self.counts.warn += 1,
            Status::Fail => self.counts.fail += 1,
        }
        let finished = Finished {
            status,
            output,
            at: now,
            took,
        };
        if self.policy.latches && status.passed() && self.latched.is_none() {
            self.latched = Some(Box::new(finished.clone()));
        }
        self.last = Some(finished);
    }

    /// Returns the output of the last run. While `fail_after` makes a failure a warning, the output also says for how
    /// long the check has failed.
    pub(super) fn output(&self, now: Instant) -> Value {
        let Some(last) = &self.last else {
            return Value::Null;
        };
        let held_back = self
            .verdict
            .warns(now, &self.policy)
            .then(|| self.verdict.failing_for(last.at, &self.policy));
        match held_back.flatten() {
            Some((lasted, at_most)) => warning(lasted, at_most, &last.output).into(),
            None => last.output.clone(),
        }
    }

    /// Renews the timeout failure of a stuck run once the TTL of this failure is over.
    ///
    /// The renewed failure isn't the result of a new run, so we don't count it as another failed run. It makes the
    /// check fail immediately, even below the failure threshold.
    pub(super) fn refresh_timeout_failure(&mut self, now: Now) {
        let Some(run) = &mut self.run else { return };
        let Phase::TimedOut { lasts } = &mut run.phase else {
            return;
        };
        *lasts = true;
        self.verdict.fail();
        let since = time::rfc3339(run.since.wall);
        let lasted = time::human(now.since(run.since.mono));
        let output =
            format!("still running since {since} ({lasted}); not started again until it ends").into();
        match &mut self.last {
            Some(last) => {
                last.output = output;
                last.at = now;
            }
            // The check is new and has never run, because a run of a removed check with the same name hasn't ended yet.
            None => {
                self.last = Some(Finished {
                    status: Status::Fail,
                    output,
                    at: now,
                    took: now.since(run.since.mono),
                });
            }
        }
    }
}

/// Formats the output of a failure that is shown as a warning, because `fail_after` isn't over yet.
fn warning(lasted: Duration, at_most: Duration, output: &Value) -> String {
    let (lasted, at_most) = (time::human(lasted), time::human(at_most));
    match output {
        Value::String(text) => format!("failing for {lasted}, fails after {at_most}: {text}"),
        other => format!("failing for {lasted}, fails after {at_most}: {other}"),
    }
}
