//! Waits until checks have certain statuses. `HealthCheck::until` and gates use this module.
//!
//! A [`Waiter`] starts the due checks. Whenever a deadline has passed, the waiter sends an [`Event::Tick`] to the
//! [`World`] (the state of all checks). With these ticks, the `World` handles overdue runs even if no other task sends
//! ticks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Sleep;

use super::{Guarded, Runner, Target, is_inside_a_check};
use crate::clock::{Instant, Now};
use crate::selection::MaxAge;
use crate::world::{CheckId, Event, World, earlier};

/// The minimum time between two starts of due checks by the same waiter, even if the TTLs of these checks are shorter.
pub(crate) const RERUN_INTERVAL: Duration = Duration::from_millis(250);

/// The maximum age of a cached result that a probe shows. Waiters use the same maximum: with the default TTLs, which
/// are longer, a waiter could notice a recovery half a minute late.
pub(crate) const PROBE_MAX_AGE: MaxAge = MaxAge {
    pass: Duration::from_secs(5),
    fail: Duration::from_secs(2),
};

/// Waits until the statuses of some checks meet a condition.
pub(crate) struct Waiter {
    runner: Arc<Runner>,
    /// The runtime on which the waiter starts due checks. It is `None` if the waiter was created outside of a runtime
    /// or inside a check. Such a waiter starts no runs.
    target: Option<Target>,
    id: u64,
    /// The time at which the waiter began to wait.
    pub(crate) since: Instant,
    /// The time at which the waiter last started the due checks.
    last_asked: Option<Instant>,
    /// The checks whose changes wake the waiter.
    watched: Vec<CheckId>,
    alarm: Option<Pin<Box<Sleep>>>,
    has_ended: bool,
}

/// The result of evaluating a waiter's condition once.
pub(crate) enum Evaluation<T> {
    Done(T),
    /// The condition isn't met yet. The waiter evaluates the condition again when one of these checks changes its
    /// status or ends a run, or at this time at the latest.
    Wait(Vec<CheckId>, Option<Instant>),
}

impl Waiter {
    /// Creates a waiter. `chosen` is the runtime that the service chose for its checks, or `None` if the service chose
    /// none.
    pub(crate) fn new(runner: &Arc<Runner>, chosen: Option<&Handle>) -> Self {
        let target = Target::of(chosen).filter(|_| !is_inside_a_check(runner));
        Self {
            runner: Arc::clone(runner),
            target,
            id: runner.requests.fetch_add(1, Ordering::Relaxed),
            since: Now::read().mono,
            last_asked: None,
            watched: Vec::new(),
            alarm: None,
            has_ended: false,
        }
    }

    /// Returns whether the waiter has a runtime. A waiter without a runtime can't wait for a deadline.
    pub(crate) const fn has_runtime(&self) -> bool {
        self.target.is_some()
    }

    /// Waits until the condition is met. Each round calls `needed`, which returns checks. The round starts those of
    /// these checks that are due, and then calls `evaluate`.
    ///
    /// The wait ends when `needed` returns an `Err` or `evaluate` returns an [`Evaluation::Done`]. This method returns
    /// the value inside the `Err` or `Done`.
    pub(crate) async fn wait<T>(
        &mut self,
        max_age: MaxAge,
        mut needed: impl FnMut(&World, Now) -> Result<Vec<CheckId>, T>,
        mut evaluate: impl FnMut(&mut World, &[CheckId], Now) -> Evaluation<T>,
    ) -> T {
        let result = std::future::poll_fn(|cx| self.poll(cx, max_age, &mut needed, &mut evaluate)).await;
        self.has_ended = true;
        result
    }

    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        max_age: MaxAge,
        needed: &mut impl FnMut(&World, Now) -> Result<Vec<CheckId>, T>,
        evaluate: &mut impl FnMut(&mut World, &[CheckId], Now) -> Evaluation<T>,
    ) -> Poll<T> {
        loop {
            let until = match self.evaluate_once(cx.waker(), max_age, needed, evaluate) {
                Ok(until) => until,
                Err(result) => return Poll::Ready(result),
            };
            let (Some(until), Some(_)) = (until, &self.target) else {
                return Poll::Pending;
            };
            let alarm = match &mut self.alarm {
                Some(alarm) => {
                    alarm.as_mut().reset(until);
                    alarm
                }
                None => self.alarm.insert(Box::pin(tokio::time::sleep_until(until))),
            };
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Executes one round of [`wait`](Self::wait). Returns the time of the next round as an `Ok`, or the final value of
    /// the wait as an `Err`.
    fn evaluate_once<T>(
        &mut self,
        waker: &Waker,
        max_age: MaxAge,
        needed: &mut impl FnMut(&World, Now) -> Result<Vec<CheckId>, T>,
        evaluate: &mut impl FnMut(&mut World, &[CheckId], Now) -> Evaluation<T>,
    ) -> Result<Option<Instant>, T> {
        let runner = Arc::clone(&self.runner);
        let mut state = runner.lock();
        let now = Now::read();
        state.world.unwatch(self.id, &self.watched);
        self.watched.clear();
        let mut prepared = runner.tick_if_due(&mut state, now);
        let result = needed(&state.world, now).and_then(|checks| {
            let required = state.world.with_dependencies(checks.clone());
            let mut due = self.next_due(&state, &required, max_age, now);
            if let Some(target) = &self.target
                && due.is_some_and(|at| now.mono >= at)
            {
                self.last_asked = Some(now.mono);
                let event = Event::Asked {
                    required: &required,
                    max_age: Some(max_age),
                    runs_on: state.runs_on(target),
                };
                prepared.append(runner.step_locked(&mut state, event, now));
                due = self.next_due(&state, &required, max_age, now);
            }
            match evaluate(&mut state.world, &checks, now) {
                Evaluation::Done(result) => Err(result),
                Evaluation::Wait(watched, until) => {
                    state.world.watch(self.id, &watched, waker);
                    self.watched = watched;
                    Ok(earlier(until, earlier(due, state.world.next_moment())))
                }
            }
        });
        drop(state);
        runner.carry_out(prepared);
        if let Some(target) = &self.target
            && runner.has_loops()
        {
            runner.ensure_driver(&target.handle, target);
        }
        result
    }

    /// Returns the time at which the waiter has to start due checks again, or `None` if no check becomes due by time
    /// alone.
    fn next_due(&self, state: &Guarded, required: &[CheckId], max_age: MaxAge, now: Now) -> Option<Instant> {
        let due = state.world.next_due(required, Some(max_age), now)?;
        let earliest = self.last_asked.and_then(|last| last.checked_add(RERUN_INTERVAL));
        Some(earliest.map_or(due, |earliest| due.max(earliest)))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.runner.lock().world.unwatch(self.id, &self.watched);
        // Runs that this waiter started may still be in progress, and need ticks. The waiter no longer sends ticks, so
        // we start a driver (a task that sends ticks).
        if let (false, Some(target), Ok(here)) = (self.has_ended, &self.target, Handle::try_current()) {
            self.runner.ensure_driver(&here, target);
        }
    }
}
