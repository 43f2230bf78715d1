//! One check or section: what is fixed about it, what its runs gave, and the run that goes on.

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

/// Names the runtime that runs are launched on. What it stands for is known to the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunsOn {
    pub(crate) runtime: u32,
    /// Somebody chose it, so no other runtime takes its runs over.
    pub(crate) chosen: bool,
}

/// What is run: a check, or a section of the health body or the environment page.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Check(Shared<CheckInfo>),
    Section(Cow<'static, str>),
}

#[derive(Debug)]
pub(crate) struct Check {
    pub(super) subject: Subject,
    pub(super) policy: Shared<Policy>,
    /// Whether its function is a future to poll, and not a call that blocks its thread.
    pub(super) is_async: bool,
    pub(super) depends_on: Box<[CheckId]>,
    pub(super) dependants: Box<[CheckId]>,
    /// Its place in the topological order: behind all that it depends on.
    pub(super) rank: u32,
    /// Most checks rest most of the time, so a run has its own place.
    pub(super) run: Option<Box<Run>>,
    pub(super) last: Option<Finished>,
    pub(super) verdict: Verdict,
    /// The result with which a startup check passed.
    pub(super) latched: Option<Box<Finished>>,
    pub(super) overridden: Option<Box<Override>>,
    pub(super) counts: Counts,
    /// Due whatever the TTL or the loop says.
    pub(super) due: bool,
    /// The last run was dropped unfinished, with its runtime.
    pub(super) lost: Option<RunId>,
    pub(super) shown: Shown,
    pub(super) record: Record,
    /// When the world looks at it next, at the latest.
    pub(super) timer: Option<Instant>,
    /// When its loop runs it next.
    pub(super) next_run: Option<Instant>,
}

/// Why a check is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RunReason {
    /// A request found it due, for results of this age.
    Due(Option<MaxAge>),
    /// Its interval is over, or a dependant has failed.
    Forced,
}

/// A run that goes on.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) runs_on: RunsOn,
    pub(super) reason: RunReason,
    /// When its own time began: behind the wait for what it depends on.
    pub(super) since: Now,
    pub(super) phase: Phase,
    /// It has been going on for so long, without a result, that the last one is shown no more.
    /// `Some`: since when. It stays so when the run's own time begins only then.
    pub(super) silent: Option<Instant>,
    /// When the world next looks at it: at its limit, or when it has waited for long enough.
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Waits until what it depends on is known. Its own limit hasn't begun.
    AwaitingDependencies,
    /// The runner has it.
    Running,
    /// Has failed. What it depends on runs again before that is shown, at the cost of no limit of its own.
    Returned(Box<Returned>),
    /// Its runtime doesn't drive it. It ends without a result as soon as its future is dropped.
    Abandoned,
    /// Its limit is over and its failure shown. It keeps its check from being run again until it has really ended.
    TimedOut {
        /// It was still going on when its failure wasn't fresh any more.
        lasts: bool,
    },
}

#[derive(Debug)]
pub(super) struct Returned {
    pub(super) status: Status,
    pub(super) output: Value,
    pub(super) took: Duration,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: Status,
    pub(crate) output: Value,
    pub(crate) at: Now,
    pub(crate) took: Duration,
}

/// A status set by hand. It ends by the monotonic clock, whatever becomes of the wall clock.
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

/// How many runs ended with which status.
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

    /// Whether it needs no run any more: a startup check that has passed.
    pub(super) fn is_over(&self) -> bool {
        self.policy.only_startup && self.latched.is_some()
    }

    /// Whether a run goes on that is past its limit: there is nothing to wait for, and no second one may start.
    pub(super) fn is_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { .. }))
    }

    /// Whether it is stuck for longer than one failure lasts.
    pub(super) fn stays_stuck(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { lasts: true }))
    }

    /// Whether a run goes on that may still give a result.
    pub(super) fn is_pending(&self) -> bool {
        self.run.is_some() && !self.is_stuck()
    }

    /// Since when a run goes on without a result, where that is shown.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        self.run.as_ref()?.silent
    }

    /// Whether a run that goes on for long without a result is a failure: what there was before is no answer any more. A
    /// background result has a time of its own.
    pub(super) fn may_be_silent(&self) -> bool {
        self.last.is_some() && self.policy.interval.is_none()
    }

    pub(super) fn current(&mut self, id: RunId) -> Option<&mut Run> {
        self.run.as_deref_mut().filter(|run| run.id == id)
    }

    /// The status set by hand, until it ends.
    pub(super) fn override_at(&self, now: Instant) -> Option<&Override> {
        self.overridden.as_deref().filter(|set| now < set.until)
    }

    /// Takes in what a run gave.
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

    /// The output of the last run as it is shown now: with how long it has failed while that is shown as a warning.
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

    /// Says again, once its failure isn't fresh any more, that a run is stuck. This is no run, so no threshold counts it,
    /// and none holds what was shown before.
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
            // A run of a removed check keeps the new one of its name from being run.
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

/// What is shown of a failure that `fail_after` still holds back.
fn warning(lasted: Duration, at_most: Duration, output: &Value) -> String {
    let (lasted, at_most) = (time::human(lasted), time::human(at_most));
    match output {
        Value::String(text) => format!("failing for {lasted}, fails after {at_most}: {text}"),
        other => format!("failing for {lasted}, fails after {at_most}: {other}"),
    }
}
