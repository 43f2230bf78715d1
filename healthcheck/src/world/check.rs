//! The state of one check or section: its settings, its results, and its current run.

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

/// Identifies the runtime on which a run is launched. The runner maps the number to a tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunsOn {
    pub(crate) runtime: u32,
    /// Whether the service chose this runtime explicitly. If it did, no other runtime takes over the run.
    pub(crate) chosen: bool,
}

/// The subject of a run: a check, or a section of the health body or the environment page.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Check(Shared<CheckInfo>),
    Section(Cow<'static, str>),
}

#[derive(Debug)]
pub(crate) struct Check {
    pub(super) subject: Subject,
    pub(super) policy: Shared<Policy>,
    /// Whether the check's function is async. Otherwise it blocks a thread.
    pub(super) is_async: bool,
    pub(super) depends_on: Box<[CheckId]>,
    pub(super) dependants: Box<[CheckId]>,
    /// The check's position in the topological order. It is higher than the positions of its dependencies.
    pub(super) rank: u32,
    /// The current run. We box it to save memory, since most checks are idle most of the time.
    pub(super) run: Option<Box<Run>>,
    pub(super) last: Option<Finished>,
    pub(super) verdict: Verdict,
    /// The result with which a startup check first passed.
    pub(super) latched: Option<Box<Finished>>,
    pub(super) overridden: Option<Box<Override>>,
    pub(super) counts: Counts,
    /// Whether the next request has to run the check even if its result is still fresh.
    pub(super) due: bool,
    /// The last run, if its runtime shut down and dropped it before it had a result.
    pub(super) lost: Option<RunId>,
    pub(super) shown: Shown,
    pub(super) record: Record,
    /// The next time at which the status can change without an event. The check has an entry for it in
    /// `World::moments`.
    pub(super) timer: Option<Instant>,
    /// The time at which the background loop next runs the check.
    pub(super) next_run: Option<Instant>,
}

/// The reason for a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RunReason {
    /// A request with this maximum age found no fresh result.
    Due(Option<MaxAge>),
    /// The check runs even if its result is fresh: its interval is over, or a dependant has failed.
    Forced,
}

/// The current run of a check.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) runs_on: RunsOn,
    pub(super) reason: RunReason,
    /// The time at which the run started, after it waited for its dependencies.
    pub(super) since: Now,
    pub(super) phase: Phase,
    /// The start of the run. It is set only if the run takes so long that we no longer show the last result. If it is
    /// set while the run waits for its dependencies, the later start of the function doesn't change it.
    pub(super) silent: Option<Instant>,
    /// The time at which a tick next has to handle the run: at its limit, or earlier to notice that it takes too long.
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The run waits for the results of its dependencies. Its time limit hasn't begun.
    AwaitingDependencies,
    /// The runner executes the run.
    Running,
    /// The run has failed. Its dependencies run again before we publish the failure. This time doesn't count towards
    /// the limit.
    Returned(Box<Returned>),
    /// The run's runtime doesn't poll it. The run ends without a result as soon as its future is dropped.
    Abandoned,
    /// The run has exceeded its limit, and we show that failure. The check can't run again until this run has ended.
    TimedOut {
        /// Whether the run was still going on when the TTL of its failure was over.
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

/// A status that the service or an operator sets in place of the real one. It ends by the monotonic clock, so a change
/// of the wall clock doesn't affect it.
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

/// The number of finished runs per status.
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

    /// Returns whether the check never has to run again: it is only a startup check, and has passed.
    pub(super) fn is_over(&self) -> bool {
        self.policy.only_startup && self.latched.is_some()
    }

    /// Returns whether the current run has timed out but hasn't ended. Requests don't wait for it, and no second run
    /// may start.
    pub(super) fn is_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { .. }))
    }

    /// Returns whether the run is still stuck after the TTL of its timeout failure.
    pub(super) fn stays_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { lasts: true }))
    }

    /// Returns whether there is a current run that can still produce a result.
    pub(super) fn is_pending(&self) -> bool {
        self.run.is_some() && !self.is_stuck()
    }

    /// Returns the start of the current run if the run takes too long. Such a run counts as a failure, and reports no
    /// longer show the last result.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        self.run.as_ref()?.silent
    }

    /// Returns whether a run that takes too long counts as a failure, since the last result is outdated by then. For
    /// background checks, [`stale_at`](Self::stale_at) decides this instead.
    pub(super) fn may_be_silent(&self) -> bool {
        self.last.is_some() && self.policy.interval.is_none()
    }

    pub(super) fn current(&mut self, id: RunId) -> Option<&mut Run> {
        self.run.as_deref_mut().filter(|run| run.id == id)
    }

    /// Returns the override that is in effect at this time.
    pub(super) fn override_at(&self, now: Instant) -> Option<&Override> {
        self.overridden.as_deref().filter(|set| now < set.until)
    }

    /// Records the result of a run.
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

    /// Returns the output of the last run. While a failure is shown as a warning, adds for how long the check has
    /// failed.
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

    /// Renews the failure of a stuck run once its TTL is over. This isn't a new run, so it doesn't count for the
    /// thresholds, and the check fails at once.
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
            // This check is new. It has never run because a removed check of the same name is still running.
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

/// Formats the output of a failure that `fail_after` still holds back.
fn warning(lasted: Duration, at_most: Duration, output: &Value) -> String {
    let (lasted, at_most) = (time::human(lasted), time::human(at_most));
    match output {
        Value::String(text) => format!("failing for {lasted}, fails after {at_most}: {text}"),
        other => format!("failing for {lasted}, fails after {at_most}: {other}"),
    }
}
