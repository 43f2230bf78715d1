//! The events that change the `World`, and the effects of an event, which the runner carries out.

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

/// An event that changes the `World`. Each call of `step` handles one event.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A request needs the results of these checks, which are sorted in topological order. Due checks run on the
    /// runtime `runs_on`.
    Asked {
        required: &'a [CheckId],
        max_age: Option<MaxAge>,
        runs_on: RunsOn,
    },
    /// The function of a run has returned or panicked.
    Returned {
        check: CheckId,
        run: RunId,
        status: Status,
        output: Value,
    },
    /// A cancelled run has ended without a result.
    Ended { check: CheckId, run: RunId },
    /// A run was lost: its runtime has shut down, and has dropped the run before it had a result.
    Lost { check: CheckId, run: RunId },
    /// The runner sends this event in answer to [`Effects::overdue`]. `begun` says whether the run's function has been
    /// called.
    Overdue { check: CheckId, run: RunId, begun: bool },
    /// Time has passed. `runtime` is the number of the tokio runtime whose task sends this tick.
    ///
    /// `driver` is set if the sender is a driver, which is the task that starts background runs. The due background
    /// runs start on the runtime `driver`.
    Tick {
        runtime: Option<u32>,
        driver: Option<RunsOn>,
    },
    /// A request was answered at its deadline, while the runs of these checks were still in progress.
    Missed(&'a [CheckId]),
    /// The service or an operator sets an override of this check. If `set` is `None`, they remove the override.
    Overridden { check: CheckId, set: Option<Override> },
    /// [`World::add`](super::World::add) has added these checks. This event makes the `World` compute their statuses.
    /// For example, a new check with a failing dependency is blocked.
    Added(&'a [CheckId]),
    /// The service removes a check. If `disable` is true, the `World` records the check as disabled.
    Removed { check: CheckId, disable: bool },
    /// An observer reports a status of the process. `name` is the name of this observation. If `seen` is `None`, the
    /// observer removes the observation.
    Observed {
        name: &'a str,
        seen: Option<(Status, Value)>,
    },
    /// The service expires the cached results of these checks. The next request then runs the checks.
    Expired(&'a [CheckId]),
    /// Maintenance begins, for this reason. If the reason is `None`, maintenance ends.
    Maintenance(Option<String>),
    /// The service begins to shut down.
    Drain,
    /// The service adds a warning, which every report then shows.
    Warned(String),
}

impl Event<'_> {
    /// Returns true if the event concerns checks. Before such an event, `step` updates the statuses that have changed
    /// with time.
    pub(super) const fn is_about_checks(&self) -> bool {
        !matches!(
            self,
            Self::Drain | Self::Maintenance(_) | Self::Warned(_) | Self::Observed { .. }
        )
    }
}

/// The effects of an event, which the runner carries out.
///
/// The runner queues the notices while it holds the lock of the `World`. After it has released the lock, the runner
/// starts and cancels runs. Next it calls the wakers. Last it wakes the threads that take the notices from their
/// queues.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) start: Vec<Start>,
    pub(crate) wakers: Vec<Waker>,
    /// The runs that the runner has to cancel. Cancelling drops the future of an async run, and releases the permit of
    /// a sync run.
    pub(crate) cancel: Vec<(CheckId, RunId)>,
    /// Sync runs that have no time limit and run for a long time. The runner releases their permits, so that other sync
    /// runs can execute. The runs themselves continue.
    pub(crate) release_permits: Vec<(CheckId, RunId)>,
    /// Runs whose deadline has passed. For each of them, the runner sends an [`Event::Overdue`], which says whether the
    /// run's function has been called.
    pub(crate) overdue: Vec<(CheckId, RunId)>,
    /// The notices for the listeners and the log, in the order in which they happened.
    pub(crate) notices: Vec<Notice>,
    /// The runs that the request of an [`Event::Asked`] has to wait for.
    pub(crate) waits: Vec<Wait>,
    /// Whether the driver's next tick is due earlier than it was before the event. The runner then wakes the driver.
    pub(crate) wake_driver: bool,
}

/// A run to launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) check: CheckId,
    pub(crate) run: RunId,
    pub(crate) runs_on: RunsOn,
    /// Whether the check's function is async. A sync function blocks a thread during its run.
    pub(crate) is_async: bool,
}

impl Start {
    /// Returns whether the runner can launch both runs in one batch. Both must be on the same runtime, and either both
    /// async or both sync.
    pub(crate) fn is_launched_with(&self, other: &Self) -> bool {
        self.runs_on.runtime == other.runs_on.runtime && self.is_async == other.is_async
    }
}

/// A run that a request waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) check: CheckId,
    /// The id of the run. It is `None` if the request waits for the first run of a background check, and the background
    /// loop hasn't started this run yet.
    pub(super) run: Option<RunId>,
}

/// A waiting request.
#[derive(Debug)]
pub(crate) struct Request {
    /// The number that identifies the request.
    pub(crate) id: u64,
    /// The time at which the request arrived.
    pub(crate) since: Instant,
    pub(crate) waits: Vec<Wait>,
    pub(super) lost: Vec<CheckId>,
    /// The check for which the request's waker is registered.
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
    /// The request gets no result of these checks. Their runs were lost, or no background loop will start their first
    /// run.
    Lost(Vec<CheckId>),
    /// Some runs that the request waits for haven't ended. The request asks for its progress again when its waker is
    /// called, or at this time at the latest.
    Wait(Option<Instant>),
}

/// A notice for the listeners and the log, for example about a status change.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    Transition {
        transition: Transition,
        /// The kind of log line for the transition. If it is `None`, we don't log the transition.
        wording: Option<Wording>,
        critical: bool,
        /// The check's info, which has the owner and the runbook. It is `None` if the check passes.
        info: Option<Shared<CheckInfo>>,
    },
    /// A failing dependency blocked the check. The check is no longer blocked, but now its own run fails. The check's
    /// status stays a failure, so there is no transition. We log the check's own failure.
    OwnFailure {
        info: Shared<CheckInfo>,
        output: Value,
        critical: bool,
    },
    /// A run has ended. If `changed` is true, another notice already logs the run's result.
    Ran {
        result: Box<CheckResult>,
        changed: bool,
    },
    SectionFailed {
        section: String,
        output: Value,
    },
    /// These checks still fail, ten minutes after we last logged the failing checks. `critical` says whether at least
    /// one of them is critical.
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
    /// A gate makes callers wait until these checks pass. The gate was closed for too long. It now admits all
    /// callers, even while the checks fail.
    GateFailedOpen {
        checks: Vec<String>,
        seconds: u64,
    },
}

/// The kind of log line for a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    Plain,
    /// The transition happened because a dependency began or ceased to fail. The dependency's own transition has its
    /// own log line.
    Blocked,
    Flapping,
}
