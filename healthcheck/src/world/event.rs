//! The events that change the world, and the effects they have outside of it.

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

/// What happens. `step` takes one at a time.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A request needs the results of these checks, given in topological order. Due checks run on `runs_on`.
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
    /// A run that was to end, without its result, has ended.
    Ended { check: CheckId, run: RunId },
    /// A run was dropped unfinished, with its runtime.
    Lost { check: CheckId, run: RunId },
    /// The answer to [`Effects::overdue`]: whether the run has begun.
    Overdue { check: CheckId, run: RunId, begun: bool },
    /// Time has passed, as somebody on this runtime sees it. A driver launches what its intervals make due.
    Tick {
        runtime: Option<u32>,
        driver: Option<RunsOn>,
    },
    /// An answer was given while the runs of these checks still go on.
    Missed(&'a [CheckId]),
    /// A status is set by hand, or that is over.
    Overridden { check: CheckId, set: Option<Override> },
    /// These have come in by [`World::add`](super::World::add): one that a failing check blocks is shown so at once.
    Added(&'a [CheckId]),
    /// A check is taken out; `disable`: its name stays known.
    Removed { check: CheckId, disable: bool },
    /// The process is seen from outside; `None`: no longer.
    Observed {
        name: &'a str,
        seen: Option<(Status, Value)>,
    },
    /// What is cached of these is due now.
    Expired(&'a [CheckId]),
    /// Maintenance begins, for this reason, or ends.
    Maintenance(Option<String>),
    /// The service shuts down.
    Drain,
    /// A sentence for every report.
    Warned(String),
}

impl Event<'_> {
    /// Whether it looks at checks. Then what time alone has changed of them is found out first.
    pub(super) const fn is_about_checks(&self) -> bool {
        !matches!(
            self,
            Self::Drain | Self::Maintenance(_) | Self::Warned(_) | Self::Observed { .. }
        )
    }
}

/// Effects for the runner to carry out, in this order: start, wake, then tell.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) start: Vec<Start>,
    pub(crate) wake: Vec<Waker>,
    /// Runs that nobody wants any more: an async one is dropped, the permit of a sync one goes to another.
    pub(crate) cancel: Vec<(CheckId, RunId)>,
    /// Sync runs without a limit that have gone on for long: their permit goes to another, and they go on.
    pub(crate) relieve: Vec<(CheckId, RunId)>,
    /// Has this run begun? The answer is [`Event::Overdue`].
    pub(crate) overdue: Vec<(CheckId, RunId)>,
    /// What listeners and the log hear, in this order.
    pub(crate) notices: Vec<Notice>,
    /// What [`Event::Asked`] has to wait for.
    pub(crate) waits: Vec<Wait>,
    /// The world is to be looked at earlier than it was before.
    pub(crate) sooner: bool,
}

/// A run to launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) check: CheckId,
    pub(crate) run: RunId,
    pub(crate) runs_on: RunsOn,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) check: CheckId,
    /// `None`: the first run of a background check, which its loop begins.
    pub(super) run: Option<RunId>,
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Request {
    /// Tells requests apart.
    pub(crate) id: u64,
    /// When it came.
    pub(crate) since: Instant,
    pub(crate) waits: Vec<Wait>,
    pub(super) lost: Vec<CheckId>,
    /// The check that is to wake it.
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

/// How far a request has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// The runs of these were dropped with their runtime.
    Lost(Vec<CheckId>),
    /// Look again when the waker is called, or then.
    Wait(Option<Instant>),
}

/// What listeners and the log hear.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    Transition {
        transition: Transition,
        /// `None`: there is no line about it.
        wording: Option<Wording>,
        critical: bool,
        /// Of a check that doesn't pass: what to do about it stands there.
        info: Option<Shared<CheckInfo>>,
    },
    /// A check that was blocked fails by itself now: no transition, and a line.
    OwnFailure {
        info: Shared<CheckInfo>,
        output: Value,
        critical: bool,
    },
    /// A run has ended; `changed`: there is a line about it already.
    Ran {
        result: Box<CheckResult>,
        changed: bool,
    },
    SectionFailed {
        section: String,
        output: Value,
    },
    /// These checks have been failing for ten minutes more; `critical`: one of them is.
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
    /// A gate before these has been closed for so long that it lets everybody through.
    GateFailedOpen {
        checks: Vec<String>,
        seconds: u64,
    },
}

/// How a transition of a check is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    Plain,
    /// Brought about by a dependency, which has a line of its own.
    Blocked,
    Flapping,
}
