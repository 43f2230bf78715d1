//! Handles a request for a report. The request starts the due checks, and waits for their runs until its deadline.
//!
//! A waiting request doesn't depend on other tasks: whenever a deadline has passed, the request itself sends
//! [`Event::Tick`] to the `World` (the state of all checks). The request gets its answer even if no other runtime is
//! polled.

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

/// A request whose runs have all ended, or whose deadline has passed.
pub(crate) struct FinishedRequest {
    pub(crate) members: Shared<Members>,
    /// The time at which the request arrived.
    pub(crate) arrived: Now,
    /// The checks without a new result. The request tried twice to run each of these checks, and the run was lost both
    /// times, for example because its runtime shut down.
    pub(crate) lost: Vec<CheckId>,
}

/// The maximum number of checks in one [`Event::Asked`]. Between two of these events, the request releases the lock.
const CHECKS_PER_STEP: usize = 256;

/// The runtime on which a request or waiter runs the due checks.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) handle: Handle,
    /// Whether the service chose this runtime explicitly.
    pub(crate) chosen: bool,
}

impl Target {
    /// Returns `chosen`, or the current runtime if `chosen` is `None`. Outside of a runtime, returns `None` in both
    /// cases, since the caller has no timer there and can't wait.
    pub(crate) fn of(chosen: Option<&Handle>) -> Option<Self> {
        let here = Handle::try_current().ok()?;
        Some(Self {
            handle: chosen.cloned().unwrap_or(here),
            chosen: chosen.is_some(),
        })
    }
}

impl Runner {
    /// Runs the due checks of a selection and their due dependencies. Waits until all their runs have ended, or until
    /// the time `budget` is over.
    ///
    /// # Errors
    /// The selection names a check or tag that the selected probe doesn't have.
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
                    // The runs of these checks were lost once. We run each of these checks a second time, on the
                    // runtime of this request.
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
        // We start the checks in groups, and release the lock after each group. Other threads can then take the lock,
        // and the runs of this group can begin while we handle the next group.
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

    /// Starts a driver if there are background checks. A driver is the task that starts their background runs.
    pub(crate) fn start_loops(self: &Arc<Self>, target: &Target) {
        if self.has_loops() {
            self.ensure_driver(&target.handle, target);
        }
    }
}

/// A waiting request.
///
/// If the request is dropped before its runs have ended, its destructor starts a driver. The driver is a task that ends
/// the runs at their limits.
struct PendingRequest<'a> {
    runner: &'a Arc<Runner>,
    request: Request,
    target: &'a Target,
    has_ended: bool,
}

impl PendingRequest<'_> {
    /// Waits until all runs of this request have ended. Returns [`Progress::Lost`] if some of the runs were lost, and
    /// `None` if the deadline passes first.
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

    /// Sends a tick to the `World` if one is due. Registers this request's waker, and returns the request's progress.
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

    /// Starts a new run of each of these checks, whose previous run was lost.
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
