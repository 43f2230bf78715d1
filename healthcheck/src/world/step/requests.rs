//! Handles requests: starts the due runs, and finds the runs that a request has to wait for.

use std::task::Waker;

use super::Step;
use crate::model::policy::PATIENCE;
use crate::model::time::{Instant, Now};
use crate::selection::MaxAge;
use crate::world::World;
use crate::world::check::{Check, Phase, Run, RunReason, RunsOn};
use crate::world::event::{Progress, Request, Start, Wait};
use crate::world::freshness::earlier;
use crate::world::id::{CheckId, RunId};

impl World {
    /// Returns the progress of a waiting request. If the request isn't done, also registers `waker`, which the `World`
    /// wakes when the caller has to call `progress` again.
    ///
    /// If `loop_is_alive` is false, no background loop starts runs. The request then no longer waits for the first run
    /// of a background check.
    pub(crate) fn progress(
        &mut self,
        request: &mut Request,
        now: Now,
        loop_is_alive: bool,
        waker: &Waker,
    ) -> Progress {
        self.leave(request);
        let Request {
            id: number,
            since,
            waits,
            lost,
            waits_for,
        } = request;
        while let Some(&Wait { check: id, run }) = waits.last() {
            let Some(check) = self.get(id) else {
                waits.pop();
                continue;
            };
            let goes_on = check
                .run
                .as_ref()
                .filter(|_| check.is_pending())
                .map(|run| run.id);
            let until = match run {
                Some(run) if goes_on == Some(run) => None,
                Some(run) => {
                    if check.lost == Some(run) {
                        lost.push(id);
                    }
                    waits.pop();
                    continue;
                }
                None if check.last.is_some() || self.blocker(check).is_some() && goes_on.is_none() => {
                    waits.pop();
                    continue;
                }
                None if goes_on.is_some() => None,
                None if !loop_is_alive => {
                    lost.push(id);
                    waits.pop();
                    continue;
                }
                None => {
                    let begins = (*since).checked_add(check.policy.begins_within());
                    if begins.is_some_and(|begins| now.mono >= begins) {
                        waits.pop();
                        continue;
                    }
                    begins
                }
            };
            self.waiters.entry(id).or_default().push((*number, waker.clone()));
            *waits_for = Some(id);
            return Progress::Wait(earlier(until, self.next_moment()));
        }
        if lost.is_empty() {
            Progress::Done
        } else {
            Progress::Lost(std::mem::take(lost))
        }
    }

    /// Removes the waker that a request has registered.
    pub(crate) fn leave(&mut self, request: &mut Request) {
        if let Some(check) = request.waits_for.take()
            && let Some(waiting) = self.waiters.get_mut(&check)
        {
            waiting.retain(|(other, _)| *other != request.id);
            if waiting.is_empty() {
                self.waiters.remove(&check);
            }
        }
    }
}

impl Step<'_> {
    /// Starts a run of the check if the check is due and has no current run. Returns the run that the request has to
    /// wait for, or `None` if it needn't wait for this check.
    pub(super) fn join_or_start(
        &mut self,
        id: CheckId,
        max_age: Option<MaxAge>,
        runs_on: RunsOn,
    ) -> Option<Wait> {
        let check = self.world.get(id)?;
        let blocker = self.world.blocker(check);
        // The check is blocked, but one of its dependencies is running again. If that run passes, the check is no
        // longer blocked and can run for the same report.
        let may_recover = blocker.is_some()
            && check
                .depends_on
                .iter()
                .any(|&on| self.world.check(on).is_pending());
        let waits_for_loop = check.waits_for_loop();
        let goes_on = check.run.as_ref().map(|run| run.id);
        let is_fresh = check.fresh_until(self.now, max_age).is_some();
        if (is_fresh || waits_for_loop) && !may_recover {
            let first = waits_for_loop && blocker.is_none();
            return first.then_some(Wait {
                check: id,
                run: goes_on,
            });
        }
        if check.is_stuck() {
            self.refresh_timeout_failure(id);
            return None;
        }
        if let Some(run) = goes_on {
            return Some(Wait {
                check: id,
                run: Some(run),
            });
        }
        if blocker.is_some() && !may_recover || check.is_over() {
            return None;
        }
        let run = self.reserve(id, RunReason::Due(max_age), runs_on);
        Some(Wait {
            check: id,
            run: Some(run),
        })
    }

    /// Creates a run. The run starts immediately, unless it first has to wait for its dependencies.
    pub(super) fn reserve(&mut self, id: CheckId, reason: RunReason, runs_on: RunsOn) -> RunId {
        let run = self.world.next_run_id();
        let now = self.now;
        let mut awaits = false;
        let mut give_up = None;
        for &on in &self.world.check(id).depends_on {
            let on = self.world.check(on);
            awaits |= on.is_pending();
            if on.waits_for_loop() && on.run.is_none() && self.world.blocker(on).is_none() {
                awaits = true;
                give_up = give_up.max(now.mono.checked_add(on.policy.begins_within()));
            }
        }
        if let Some(check) = self.world.get_mut(id) {
            check.run = Some(Box::new(Run {
                id: run,
                runs_on,
                reason,
                since: now,
                phase: Phase::AwaitingDependencies,
                silent: None,
                deadline: None,
            }));
        }
        if awaits {
            self.set_deadline(id, give_up);
        } else {
            self.start(id);
        }
        run
    }

    /// Starts a run that doesn't wait for its dependencies, or no longer does. The run's time limit begins now.
    pub(super) fn start(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        let at = deadline(check, now.mono);
        let is_async = check.is_async;
        let Some(run) = &mut check.run else { return };
        run.since = now;
        run.phase = Phase::Running;
        let start = Start {
            check: id,
            run: run.id,
            runs_on: run.runs_on,
            is_async,
        };
        self.effects.start.push(start);
        self.set_deadline(id, at);
    }

    /// Handles a request that was answered while a run of the check was still in progress. If the check's last result
    /// is outdated, marks the run as silent. A silent run takes too long, and counts as a failure.
    pub(super) fn missed(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id).filter(|check| check.is_pending()) else {
            return;
        };
        let policy = check.policy.clone();
        let outdated = check
            .last
            .as_ref()
            .is_some_and(|last| last.is_outdated(&policy, now));
        if let Some(run) = check
            .run
            .as_mut()
            .filter(|_| outdated && policy.interval.is_none())
        {
            run.silent.get_or_insert(run.since.mono);
            self.refresh(id);
        }
    }
}

/// Returns the time at which a tick has to handle a run that starts now. This is the run's time limit, or an earlier
/// time to notice that the run takes too long.
fn deadline(check: &Check, now: Instant) -> Option<Instant> {
    let limit = check.policy.limit;
    let limit_at = limit.and_then(|limit| now.checked_add(limit));
    let patience_at = now.checked_add(PATIENCE);
    earlier(
        limit_at,
        patience_at.filter(|_| check.may_be_silent() || limit.is_none()),
    )
}
