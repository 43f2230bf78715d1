//! A request: it starts the due checks and waits for the runs until its deadline. At its own deadlines each request lets
//! the world take note of the time, so no answer depends on another runtime.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::time::Sleep;

use super::Runner;
use crate::clock::{Instant, Now};
use crate::error::SelectionError;
use crate::model::Shared;
use crate::selection::Selection;
use crate::world::{CheckId, Event, Members, Progress, Request, earlier};

/// How a request ended: all its runs have settled, or its deadline is over.
pub(crate) struct FinishedRequest {
    pub(crate) members: Shared<Members>,
    /// When it came.
    pub(crate) arrived: Now,
    /// Those whose runtime went away, twice.
    pub(crate) lost: Vec<CheckId>,
}

/// So many checks are asked for at once.
const CHECKS_PER_STEP: usize = 256;

/// The runtime that due checks run on.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) handle: Handle,
    pub(crate) chosen: bool,
}

impl Target {
    /// The chosen runtime, else the current one; `None` outside of a runtime, where nobody can wait.
    pub(crate) fn of(chosen: Option<&Handle>) -> Option<Self> {
        let here = Handle::try_current().ok()?;
        Some(Self {
            handle: chosen.cloned().unwrap_or(here),
            chosen: chosen.is_some(),
        })
    }
}

impl Runner {
    /// Brings what a selection needs up to date, as far as that is possible until the budget is over.
    ///
    /// # Errors
    /// It names a check or tag that doesn't exist (in its probe).
    pub(crate) async fn ask(
        self: &Arc<Self>,
        selection: &Selection,
        target: &Target,
        budget: Option<std::time::Duration>,
    ) -> Result<FinishedRequest, SelectionError> {
        let (members, arrived, request) = self.start_due_runs(selection, target)?;
        let mut pending = PendingRequest {
            runner: self,
            request,
            target,
            has_ended: false,
        };
        let deadline = budget.and_then(|budget| arrived.mono.checked_add(budget));
        let mut lost = Vec::new();
        let mut retried: HashSet<CheckId> = HashSet::new();
        loop {
            match pending.wait(deadline).await {
                Some(Progress::Lost(checks)) => {
                    let (twice, once): (Vec<_>, Vec<_>) =
                        checks.into_iter().partition(|id| retried.contains(id));
                    lost.extend(twice);
                    if once.is_empty() {
                        break;
                    }
                    // Once more, on this request's own runtime.
                    retried.extend(&once);
                    pending.retry_lost(once, selection);
                }
                Some(_) => break,
                None => {
                    if budget.is_some_and(|budget| !budget.is_zero()) {
                        let missed: Vec<CheckId> =
                            pending.request.waits.iter().map(|wait| wait.check).collect();
                        self.step(Event::Missed(&missed));
                    }
                    return Ok(FinishedRequest {
                        members,
                        arrived,
                        lost,
                    });
                }
            }
        }
        pending.has_ended = true;
        Ok(FinishedRequest {
            members,
            arrived,
            lost,
        })
    }

    fn start_due_runs(
        self: &Arc<Self>,
        selection: &Selection,
        target: &Target,
    ) -> Result<(Shared<Members>, Now, Request), SelectionError> {
        let (members, required) = self.read(|world| world.required(selection))?;
        let mut arrived = None;
        let mut waits = Vec::new();
        // A part at a time: the first runs begin while the last are looked at, and others come in between.
        for part in required.chunks(CHECKS_PER_STEP) {
            let mut state = self.lock();
            let now = Now::read();
            arrived.get_or_insert(now);
            let event = Event::Asked {
                required: part,
                max_age: selection.max_age,
                runs_on: state.runs_on(target),
            };
            let mut prepared = self.step_locked(&mut state, event, now);
            drop(state);
            waits.append(&mut prepared.waits);
            self.carry_out(prepared);
        }
        let now = arrived.unwrap_or_else(Now::read);
        if self.has_loops() {
            self.ensure_driver(&target.handle, target);
        }
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        Ok((members, now, Request::new(id, now.mono, waits)))
    }

    /// Starts the loops of the background checks.
    pub(crate) fn start_loops(self: &Arc<Self>, target: &Target) {
        if self.has_loops() {
            self.ensure_driver(&target.handle, target);
        }
    }
}

/// A request that waits. Dropped before its runs have ended, it leaves them to a driver.
struct PendingRequest<'a> {
    runner: &'a Arc<Runner>,
    request: Request,
    target: &'a Target,
    has_ended: bool,
}

impl PendingRequest<'_> {
    /// Waits until all has ended, or something is lost; `None`: until the deadline.
    async fn wait(&mut self, deadline: Option<Instant>) -> Option<Progress> {
        let mut alarm: Option<Pin<Box<Sleep>>> = None;
        std::future::poll_fn(|cx| self.poll(deadline, &mut alarm, cx)).await
    }

    fn poll(
        &mut self,
        deadline: Option<Instant>,
        alarm: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Progress>> {
        loop {
            let until = match self.poll_progress(cx) {
                Progress::Wait(until) => until,
                progress => return Poll::Ready(Some(progress)),
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Poll::Ready(None);
            }
            let Some(until) = earlier(until, deadline) else {
                return Poll::Pending;
            };
            let alarm = match alarm {
                Some(alarm) => {
                    alarm.as_mut().reset(until);
                    alarm
                }
                None => alarm.insert(Box::pin(tokio::time::sleep_until(until))),
            };
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Has the world looked at where that is due, then asks it how far this request has come.
    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Progress {
        let runner = self.runner;
        let loop_is_alive = !runner.lacks_driver();
        let mut state = runner.lock();
        let now = Now::read();
        let prepared = runner.tick_if_due(&mut state, now);
        let progress = state
            .world
            .progress(&mut self.request, now, loop_is_alive, cx.waker());
        drop(state);
        runner.carry_out(prepared);
        progress
    }

    fn retry_lost(&mut self, mut checks: Vec<CheckId>, selection: &Selection) {
        let runner = self.runner;
        let mut state = runner.lock();
        state.world.sort_by_rank(&mut checks);
        let event = Event::Asked {
            required: &checks,
            max_age: selection.max_age,
            runs_on: state.runs_on(self.target),
        };
        let mut prepared = runner.step_locked(&mut state, event, Now::read());
        drop(state);
        self.request.waits.append(&mut prepared.waits);
        runner.carry_out(prepared);
    }
}

impl Drop for PendingRequest<'_> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.runner.lock().world.leave(&mut self.request);
        if let Ok(here) = Handle::try_current() {
            self.runner.ensure_driver(&here, self.target);
        }
    }
}
