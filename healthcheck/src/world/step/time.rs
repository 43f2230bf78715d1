//! Handles the passing of time: statuses that change without an event, runs that exceed their limit, and background
//! runs that are due.

use std::cmp::Reverse;
use std::time::Duration;

use super::Step;
use crate::model::time::Instant;
use crate::world::check::{Phase, RunReason, RunsOn};
use crate::world::id::CheckId;
use crate::world::population::later;

/// If a run hasn't ended within this time after its limit, we assume that its runtime is no longer polled. We then
/// cancel the run, so that the check can run on another runtime.
const GRACE: Duration = Duration::from_millis(100);

impl Step<'_> {
    /// Queues the checks whose status may have changed with time. `propagate` then updates these checks.
    pub(super) fn let_time_pass(&mut self) {
        while let Some((at, due)) = self.world.moments.take_due(self.now.mono) {
            for id in due {
                let check = self.world.get_mut(id).filter(|check| check.timer == Some(at));
                let Some(check) = check else { continue };
                check.timer = None;
                // `propagate` visits the checks in topological order, and computes the status of each check at the
                // current time. It skips statuses that the check had between the previous step and now.
                self.affected.push(Reverse((check.rank, id)));
            }
        }
    }

    /// Handles each run whose deadline has passed.
    pub(super) fn look_at_runs(&mut self, runtime: Option<u32>) {
        // This loop handles runs that are in their grace period. If a run's own runtime has sent this tick, this
        // runtime is still polled. We then treat the run like any other overdue run.
        for &(id, run) in &self.world.in_grace {
            let current = self.world.get(id).and_then(|check| check.run.as_ref());
            if current.is_some_and(|current| current.id == run && runtime == Some(current.runs_on.runtime)) {
                self.effects.overdue.push((id, run));
            }
        }
        while let Some((at, due)) = self.world.deadlines.take_due(self.now.mono) {
            due.into_iter().for_each(|id| self.look_at_run(id, at, runtime));
        }
    }

    fn look_at_run(&mut self, id: CheckId, at: Instant, runtime: Option<u32>) {
        let now = self.now.mono;
        let in_grace = &mut self.world.in_grace;
        let Some(check) = self.world.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        let (limit, is_async) = (check.policy.limit, check.is_async);
        let may_be_silent = limit.is_none() && check.may_be_silent();
        let Some(current) = check.run.as_deref_mut().filter(|run| run.deadline == Some(at)) else {
            return;
        };
        current.deadline = None;
        let run = current.id;
        // From `due_at` on, a tick from another runtime may cancel the run, after a grace period.
        //
        // If the run has no time limit, `due_at` is the run's current deadline. While the run's own runtime is polled,
        // ticks from that runtime replace this deadline by a later one.
        let due_at = limit.map_or(Some(at), |limit| current.since.mono.checked_add(limit));
        let is_foreign = is_async && !current.runs_on.chosen && runtime != Some(current.runs_on.runtime);
        match current.phase {
            Phase::AwaitingDependencies | Phase::Returned(_) => self.proceed(id, true),
            // We have cancelled the run, but the runner couldn't drop the run's future. The check blocks the thread
            // that polls this future.
            //
            // If the run has a time limit, it has now timed out. A run without a time limit may block its thread for
            // any time.
            Phase::Abandoned if limit.is_some() => self.time_out(id, true),
            Phase::Abandoned => {}
            Phase::Running if is_foreign && due_at.is_some_and(|due_at| now >= due_at) => {
                if may_be_silent {
                    current.silent.get_or_insert(current.since.mono);
                }
                let driven_until = due_at.and_then(|due_at| due_at.checked_add(GRACE));
                if driven_until.is_some_and(|until| now < until) && !in_grace.contains(&(id, run)) {
                    in_grace.push((id, run));
                    self.set_deadline(id, driven_until);
                } else {
                    current.phase = Phase::Abandoned;
                    self.effects.cancel.push((id, run));
                    self.set_deadline(id, now.checked_add(GRACE));
                }
                self.refresh(id);
            }
            Phase::Running => self.effects.overdue.push((id, run)),
            Phase::TimedOut { .. } => {}
        }
    }

    /// Starts the background runs that are due. The first call of this method also begins the background loops.
    pub(super) fn run_what_is_due(&mut self, runs_on: RunsOn) {
        if !std::mem::replace(&mut self.world.looping, true) {
            for id in self.world.by_name.clone() {
                self.world.plan_first_run(id, self.now.mono);
            }
        }
        while let Some((at, due)) = self.world.intervals.take_due(self.now.mono) {
            due.into_iter()
                .for_each(|id| self.run_in_background(id, at, runs_on));
        }
    }

    pub(super) fn run_in_background(&mut self, id: CheckId, at: Instant, runs_on: RunsOn) {
        let now = self.now.mono;
        let jitter = &mut self.world.jitter;
        let Some(check) = self.world.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        let Some(interval) = check.policy.interval.filter(|_| check.next_run == Some(at)) else {
            return;
        };
        check.next_run = None;
        if check.is_over() {
            return;
        }
        let next = later(now, jitter.around(interval));
        check.next_run = Some(next);
        self.world.intervals.put(next, id);
        if check.is_stuck() {
            return self.refresh_timeout_failure(id);
        }
        if check.run.is_some() {
            return;
        }
        for on in self.world.with_dependencies(vec![id]) {
            if on != id {
                self.join_or_start(on, None, runs_on);
            }
        }
        let check = self.world.check(id);
        let is_blocked = self.world.blocker(check).is_some();
        let may_recover = check
            .depends_on
            .iter()
            .any(|&on| self.world.check(on).is_pending());
        if !is_blocked || may_recover {
            self.reserve(id, RunReason::Forced, runs_on);
        }
    }

    /// Sets the time at which a tick next has to handle the check's current run. If `at` is `None`, no tick handles the
    /// run.
    pub(super) fn set_deadline(&mut self, id: CheckId, at: Option<Instant>) {
        let Some(run) = self.world.get_mut(id).and_then(|check| check.run.as_deref_mut()) else {
            return;
        };
        run.deadline = at;
        if let Some(at) = at {
            self.world.deadlines.put(at, id);
        }
    }
}
