//! The events that change the world, and the effects that the runner then carries out.

use std::task::Waker;

use serde_json::Value;

use super::check::{Override, RunsOn};
use super::id::{CheckId, RunId};
use crate::model::time::Instant;
use crate::model::{CheckInfo, Shared};
use crate::outcome::Status;
use crate::report::CheckResult;
use crate::selection::MaxAge;
use crate::transition::Transition;

/// An event. Each call of `step` handles one.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A request needs the results of these checks, which are in topological order. Due checks run on `runs_on`.
    Asked {
        required: &'a [CheckId],
        max_age: Option<MaxAge>,
        runs_on: RunsOn,
    },
    /// The function of a run has returned, or panicked.
    Returned {
        check: CheckId,
        run: RunId,
        status: Status,
        output: Value,
    },
    /// A cancelled run has ended without a result.
    Ended { check: CheckId, run: RunId },
    /// A runtime has shut down and dropped a run before it had a result.
    Lost { check: CheckId, run: RunId },
    /// The runner answers [`Effects::overdue`]: `begun` says whether the run's function has been called.
    Overdue { check: CheckId, run: RunId, begun: bool },
    /// Time has passed. `runtime` is the runtime that sends the tick. With `driver`, the tick also starts the due
    /// background runs on that runtime.
    Tick {
        runtime: Option<u32>,
        driver: Option<RunsOn>,
    },
    /// A request got its answer while the runs of these checks were still in progress.
    Missed(&'a [CheckId]),
    /// The service or an operator sets an override, or removes it with `None`.
    Overridden { check: CheckId, set: Option<Override> },
    /// [`World::add`](super::World::add) has added these checks. The event updates their statuses, for example if a
    /// failing dependency blocks them.
    Added(&'a [CheckId]),
    /// The service removes a check. With `disable`, its name stays known.
    Removed { check: CheckId, disable: bool },
    /// An observer reports a status of the process. `None` removes the observation.
    Observed {
        name: &'a str,
        seen: Option<(Status, Value)>,
    },
    /// The service expires the cached results of these checks, so the next request runs them.
    Expired(&'a [CheckId]),
    /// Maintenance begins, with this reason. With `None` it ends.
    Maintenance(Option<String>),
    /// The service shuts down.
    Drain,
    /// The service adds a warning, which every report then shows.
    Warned(String),
}

impl Event<'_> {
    /// Returns whether the event concerns checks. `step` then first updates the statuses that have changed with time.
    pub(super) const fn is_about_checks(&self) -> bool {
        !matches!(
            self,
            Self::Drain | Self::Maintenance(_) | Self::Warned(_) | Self::Observed { .. }
        )
    }
}

/// The effects of an event. The runner first starts the runs, then calls the wakers, then sends the notices.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) start: Vec<Start>,
    pub(crate) wakers: Vec<Waker>,
    /// The runs to cancel. The runner drops the future of an async run, and frees the permit of a sync run.
    pub(crate) cancel: Vec<(CheckId, RunId)>,
    /// Long sync runs without a limit. The runner frees their permits, and the runs continue.
    pub(crate) release_permits: Vec<(CheckId, RunId)>,
    /// The overdue runs. The runner answers each with [`Event::Overdue`], which says whether the run has begun.
    pub(crate) overdue: Vec<(CheckId, RunId)>,
    /// The notices for listeners and the log, in order.
    pub(crate) notices: Vec<Notice>,
    /// The runs that the request of an [`Event::Asked`] has to wait for.
    pub(crate) waits: Vec<Wait>,
    /// Whether the driver has to send its next tick earlier than it planned before the event.
    pub(crate) wake_driver: bool,
}

/// A run to launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) check: CheckId,
    pub(crate) run: RunId,
    pub(crate) runs_on: RunsOn,
    /// Whether the check's function is async. Otherwise it blocks a thread.
    pub(crate) is_async: bool,
}

impl Start {
    /// Returns whether the runner launches both runs in the same way: on the same runtime, as tasks or on threads.
    pub(crate) fn is_launched_with(&self, other: &Self) -> bool {
        self.runs_on.runtime == other.runs_on.runtime && self.is_async == other.is_async
    }
}

/// A run that a request waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) check: CheckId,
    /// Is `None` if the request waits for the first run of a background check, and the background loop hasn't started
    /// that run yet.
    pub(super) run: Option<RunId>,
}

/// A waiting request.
#[derive(Debug)]
pub(crate) struct Request {
    /// Identifies the request.
    pub(crate) id: u64,
    /// The time at which the request arrived.
    pub(crate) since: Instant,
    pub(crate) waits: Vec<Wait>,
    pub(super) lost: Vec<CheckId>,
    /// The check that holds the request's waker.
    pub(super) waits_for: Option<CheckId>,
}

impl Request {
    pub(crate) const fn new(id: u64, since: Instant, waits: Vec<Wait>) -> Self {
        Self {
            id,
            since,
            waits,
            lost: Vec::new(),
            waits_for: None,
        }
    }
}

/// The progress of a waiting request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// A runtime has shut down and dropped the runs of these checks.
    Lost(Vec<CheckId>),
    /// The request has to ask again when its waker is called, or at this time.
    Wait(Option<Instant>),
}

/// A notice for the listeners and the log.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    Transition {
        transition: Transition,
        /// With `None` we don't log the transition.
        wording: Option<Wording>,
        critical: bool,
        /// The info of a check that doesn't pass. It contains the owner and the runbook.
        info: Option<Shared<CheckInfo>>,
    },
    /// A blocked check is no longer blocked, but now fails itself. We log this, although its status doesn't change.
    OwnFailure {
        info: Shared<CheckInfo>,
        output: Value,
        critical: bool,
    },
    /// A run has ended. With `changed`, another notice already logs its result.
    Ran {
        result: Box<CheckResult>,
        changed: bool,
    },
    SectionFailed {
        section: String,
        output: Value,
    },
    /// These checks still fail ten minutes after the last line about failures. `critical`: at least one is critical.
    StillFailing {
        checks: Vec<String>,
        critical: bool,
    },
    Overridden {
        check: String,
        status: Status,
        reason: String,
        seconds: u64,
    },
    MaintenanceBegins(String),
    MaintenanceEnds,
    ShuttingDown,
    LoopRestarted,
    /// A gate that waits for these checks was closed for so long that it now admits all waiters.
    GateFailedOpen {
        checks: Vec<String>,
        seconds: u64,
    },
}

/// The kind of log line for a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    Plain,
    /// A dependency caused the transition. We log the dependency's transition separately.
    Blocked,
    Flapping,
}
