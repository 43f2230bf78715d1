//! `step` applies one event to the `World`, and returns the effects that the runner has to carry out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use serde_json::Value;

use super::World;
use super::check::{Check, Phase, Returned, RunReason};
use super::event::{Effects, Event, Notice, Wording};
use super::id::{CheckId, RunId};
use super::record::{Change, REMINDER};
use super::shown::Because;
use super::status;
use super::whole;
use crate::model::policy::PATIENCE;
use crate::model::time::{Instant, Now, human};
use crate::outcome::Status;
use crate::report::Overall;
use crate::selection::Scope;
use crate::transition::Cause;

mod by_hand;
mod requests;
mod time;

/// Applies one event to the `World`, and returns the effects that the runner has to carry out.
pub(crate) fn step(world: &mut World, event: Event<'_>, now: Now) -> Effects {
    let before = world.next_of_driver();
    let generation = world.generation;
    let mut step = Step {
        world,
        now,
        effects: Effects::default(),
        affected: BinaryHeap::new(),
        changed: Vec::new(),
        cause: None,
    };
    if event.is_about_checks() {
        step.let_time_pass();
        step.propagate();
    }
    step.take(event);
    step.propagate();
    step.judge_whole();
    let mut effects = step.effects;
    if world.generation != generation {
        world.judge_gates(now.mono);
    }
    world.forget_what_is_over();
    let after = world.next_of_driver();
    effects.wake_driver = after.is_some_and(|after| before.is_none_or(|before| after < before));
    effects
}

/// The state of one call of [`step`].
struct Step<'w> {
    world: &'w mut World,
    now: Now,
    effects: Effects,
    /// The checks whose status `propagate` has to update, in topological order.
    affected: BinaryHeap<Reverse<(u32, CheckId)>>,
    /// The names of the checks whose status this step has changed.
    changed: Vec<String>,
    /// The cause of the last status change that this step has made.
    cause: Option<Cause>,
}

impl World {
    /// Drops outdated entries from `deadlines`, `moments`, `intervals` and `in_grace`.
    fn forget_what_is_over(&mut self) {
        let Self {
            checks,
            deadlines,
            moments,
            intervals,
            in_grace,
            ..
        } = self;
        let get = |id: CheckId| checks.get(id.index()).and_then(Option::as_ref);
        in_grace.retain(|&(id, run)| {
            let current = get(id).and_then(|check| check.run.as_ref());
            current.is_some_and(|current| current.id == run && matches!(current.phase, Phase::Running))
        });
        let most = 2 * checks.len() + 64;
        let is_deadline = |at, check: &Check| check.run.as_ref().is_some_and(|run| run.deadline == Some(at));
        deadlines.prune(most, |at, id| get(id).is_some_and(|check| is_deadline(at, check)));
        moments.prune(most, |at, id| {
            get(id).is_some_and(|check| check.timer == Some(at))
        });
        intervals.prune(most, |at, id| {
            get(id).is_some_and(|check| check.next_run == Some(at))
        });
    }
}

impl Step<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Asked {
                required,
                max_age,
                runs_on,
            } => {
                for &id in required {
                    let wait = self.join_or_start(id, max_age, runs_on);
                    self.effects.waits.extend(wait);
                }
            }
            Event::Returned {
                check,
                run,
                status,
                output,
            } => self.returned(check, run, status, output),
            Event::Ended { check, run } => self.ended(check, run),
            Event::Lost { check, run } => self.lost(check, run),
            Event::Overdue { check, run, begun } => self.overdue(check, run, begun),
            Event::Tick { runtime, driver } => {
                self.look_at_runs(runtime);
                if let Some(runs_on) = driver {
                    self.run_what_is_due(runs_on);
                }
            }
            Event::Missed(checks) => checks.iter().for_each(|&id| self.missed(id)),
            Event::Overridden { check, set } => self.set_override(check, set),
            Event::Added(checks) => {
                for &id in checks {
                    self.replace_observation(id);
                }
                let added = checks
                    .iter()
                    .filter_map(|&id| Some((self.world.get(id)?.rank, id)));
                self.affected.extend(added.map(Reverse));
            }
            Event::Removed { check, disable } => self.remove(check, disable),
            Event::Observed { name, seen } => self.observe(name, seen),
            Event::Expired(checks) => self.expire(checks),
            Event::Maintenance(reason) => self.maintain(reason),
            Event::Drain => {
                if !std::mem::replace(&mut self.world.draining, true) {
                    self.world.generation += 1;
                    self.wake_all();
                    self.effects.notices.push(Notice::ShuttingDown);
                }
            }
            Event::Warned(text) => self.warn(text),
        }
    }
}

/// Handles the end of runs. A run ends with a result, at its time limit, or because its runtime shuts down.
impl Step<'_> {
    fn returned(&mut self, id: CheckId, run: RunId, status: Status, output: Value) {
        let now = self.now;
        if self.bury(run) {
            return;
        }
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        let limit = check.policy.limit;
        let Some(current) = check.current(run) else { return };
        let began = current.since;
        match current.phase {
            Phase::TimedOut { .. } => return self.ended(id, run),
            Phase::AwaitingDependencies | Phase::Returned(_) => return,
            Phase::Running | Phase::Abandoned => {}
        }
        let took = now.since(began.mono);
        if limit.is_some_and(|limit| took >= limit) {
            // The run has returned after its time limit, so it has timed out. No tick has handled this timeout, so we
            // handle it here.
            self.time_out(id, true);
            return self.ended(id, run);
        }
        if status == Status::Fail && self.look_at_dependencies_again(id, began.mono) {
            let returned = Returned { status, output, took };
            if let Some(current) = self.world.get_mut(id).and_then(|check| check.current(run)) {
                current.phase = Phase::Returned(Box::new(returned));
            }
            return;
        }
        self.publish(id, took, status, output);
    }

    /// Starts new runs of a failed check's dependencies. We skip each dependency that has a result since `began`, the
    /// time at which the failed run started.
    ///
    /// If a dependency now fails, the log and the report can name this dependency as the root cause.
    ///
    /// Returns whether the failed run has to wait for a dependency.
    fn look_at_dependencies_again(&mut self, id: CheckId, began: Instant) -> bool {
        let Some(runs_on) = self.world.check(id).run.as_ref().map(|run| run.runs_on) else {
            return false;
        };
        let on = self.world.check(id).depends_on.clone();
        let mut give_up = None;
        for on in on {
            let check = self.world.check(on);
            let is_known = check.last.as_ref().is_some_and(|last| last.at.mono >= began);
            // We don't run a dependency that is itself blocked: we already know the root cause, which is the failing
            // dependency that blocks it.
            let is_blocked = self.world.blocker(check).is_some();
            if is_known || is_blocked || check.is_stuck() || check.is_over() {
                continue;
            }
            let patience = check.policy.patience();
            if check.run.is_none() {
                self.reserve(on, RunReason::Forced, runs_on);
            }
            let until = self.now.mono.checked_add(patience.saturating_add(PATIENCE));
            give_up = give_up.max(until);
        }
        let waits = give_up.is_some();
        if waits {
            self.set_deadline(id, give_up);
        }
        waits
    }

    /// Continues a run that waits for its dependencies. If some of them have no result yet, the run goes on waiting.
    ///
    /// If `gives_up` is true, the run has waited for the maximum time:
    ///
    /// - A run that has already failed ends without waiting for its dependencies.
    /// - A run that hasn't started no longer waits for a dependency whose first background run hasn't begun. It
    ///   continues to wait for a dependency that is running.
    fn proceed(&mut self, id: CheckId, gives_up: bool) {
        let Some(check) = self.world.get(id) else { return };
        let Some(run) = &check.run else { return };
        let is_held_up = check.depends_on.iter().any(|&on| {
            let on = self.world.check(on);
            let first = !gives_up && on.waits_for_loop() && self.world.blocker(on).is_none();
            on.is_pending() || first
        });
        let is_blocked = self.world.blocker(check).is_some();
        match (&run.phase, run.reason) {
            (Phase::AwaitingDependencies, _) if is_held_up => {}
            (Phase::AwaitingDependencies, _) if is_blocked => self.release(id),
            (Phase::AwaitingDependencies, RunReason::Due(max_age))
                if check.fresh_until(self.now, max_age).is_some() =>
            {
                self.release(id);
            }
            (Phase::AwaitingDependencies, _) => self.start(id),
            (Phase::Returned(_), _) if is_held_up && !gives_up => {}
            // A failing dependency is the root cause, so we discard this check's own failure.
            (Phase::Returned(_), _) if is_blocked => self.release(id),
            (Phase::Returned(_), _) => {
                let run = self.world.get_mut(id).and_then(|check| check.run.take());
                if let Some(Phase::Returned(returned)) = run.map(|run| run.phase) {
                    let Returned {
                        status, output, took, ..
                    } = *returned;
                    self.publish(id, took, status, output);
                }
            }
            (Phase::Running | Phase::Abandoned | Phase::TimedOut { .. }, _) => {}
        }
    }

    /// Ends the check's current run without a result, because its result is no longer needed.
    fn release(&mut self, id: CheckId) {
        if let Some(check) = self.world.get_mut(id) {
            check.run = None;
        }
        self.refresh(id);
        self.settle(id);
    }

    /// Records the result of a run, updates the check's status, and adds the notices about both.
    fn publish(&mut self, id: CheckId, took: Duration, status: Status, output: Value) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        match &mut check.run {
            Some(run) if matches!(run.phase, Phase::TimedOut { .. }) => run.silent = None,
            _ => check.run = None,
        }
        check.lost = None;
        check.record_result(now, took, status, output);
        let before = self.effects.notices.len();
        self.refresh(id);
        let check = self.world.check(id);
        if check.info().is_none() {
            if !status.passed() && check.verdict.consecutive_failures() == 1 {
                let output = check
                    .last
                    .as_ref()
                    .map(|last| last.output.clone())
                    .unwrap_or_default();
                let section = check.name().to_owned();
                self.effects
                    .notices
                    .push(Notice::SectionFailed { section, output });
            }
        } else if self.world.wants_run_notices {
            let has_line = |notice: &Notice| !matches!(notice, Notice::Transition { wording: None, .. });
            let changed = self.effects.notices[before..].iter().any(has_line);
            let result = Box::new(self.world.own_result(id, now));
            self.effects.notices.push(Notice::Ran { result, changed });
        }
        self.remind();
        self.settle(id);
    }

    fn time_out(&mut self, id: CheckId, begun: bool) {
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        let limit = human(check.policy.patience());
        let Some(run) = &mut check.run else { return };
        run.phase = Phase::TimedOut { lasts: false };
        run.deadline = None;
        let took = self.now.since(run.since.mono);
        let run = run.id;
        let output = if begun {
            format!("timed out after {limit}")
        } else {
            format!("timed out after {limit}, before it could start")
        };
        self.effects.cancel.push((id, run));
        self.publish(id, took, Status::Fail, output.into());
    }

    /// Handles the end of a run that had already timed out, or that was cancelled because its runtime doesn't poll it.
    fn ended(&mut self, id: CheckId, run: RunId) {
        if self.bury(run) {
            return;
        }
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        match check.current(run).map(|run| &run.phase) {
            Some(Phase::TimedOut { lasts }) => {
                check.due |= *lasts;
                check.run = None;
                self.refresh(id);
                self.settle(id);
            }
            Some(Phase::Abandoned) => self.lose(id, run),
            _ => {}
        }
    }

    fn lost(&mut self, id: CheckId, run: RunId) {
        if self.bury(run) {
            return;
        }
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        match check.current(run).map(|run| &run.phase) {
            Some(Phase::TimedOut { .. }) => self.ended(id, run),
            Some(_) => self.lose(id, run),
            None => {}
        }
    }

    fn lose(&mut self, id: CheckId, run: RunId) {
        if let Some(check) = self.world.get_mut(id) {
            check.run = None;
            check.lost = Some(run);
        }
        self.refresh(id);
        self.settle(id);
    }

    /// Returns whether the run that has ended belonged to a removed check. If so, removes the run from the `World`, so
    /// that a new check with the same name can run.
    fn bury(&mut self, run: RunId) -> bool {
        if self.world.ghosts.is_empty() {
            return false;
        }
        let Some(name) = self.world.ghosts.remove(&run) else {
            return false;
        };
        if let Some(id) = self.world.find(&name)
            && let Some(check) = self.world.get_mut(id)
            && check.current(run).is_some()
        {
            check.run = None;
            check.due = true;
            self.refresh(id);
            self.settle(id);
        }
        true
    }

    /// Handles a run whose deadline has passed. `begun` says whether the run's function has been called.
    fn overdue(&mut self, id: CheckId, run: RunId, begun: bool) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        let limit = check.policy.limit;
        let is_async = check.is_async;
        let may_be_silent = check.may_be_silent();
        let Some(current) = check.current(run) else { return };
        if !matches!(current.phase, Phase::Running) {
            return;
        }
        let waited = now.since(current.since.mono);
        if limit.is_some_and(|limit| waited >= limit) {
            return self.time_out(id, begun);
        }
        let again = now
            .mono
            .checked_add(PATIENCE)
            .filter(|_| is_async && !current.runs_on.chosen);
        let at = limit.map_or(again, |limit| current.since.mono.checked_add(limit));
        if may_be_silent && (limit.is_none() || !begun) {
            current.silent.get_or_insert(current.since.mono);
        }
        if limit.is_none() && !is_async {
            // A run without a time limit may take arbitrarily long. We release the run's permit now, so that other
            // checks don't have to wait for this permit.
            self.effects.release_permits.push((id, run));
        }
        self.world.in_grace.retain(|&known| known != (id, run));
        self.set_deadline(id, at);
        self.refresh(id);
    }

    fn refresh_timeout_failure(&mut self, id: CheckId) {
        let now = self.now;
        if let Some(check) = self.world.get_mut(id) {
            check.refresh_timeout_failure(now);
        }
        self.refresh(id);
    }
}

/// After a result, updates the status of the check, the statuses of the checks that depend on it, and the overall
/// status.
impl Step<'_> {
    /// Updates all checks in `affected`, in topological order.
    fn propagate(&mut self) {
        while let Some(Reverse((_, id))) = self.affected.pop() {
            while matches!(self.affected.peek(), Some(Reverse((_, next))) if *next == id) {
                self.affected.pop();
            }
            self.refresh(id);
            self.proceed(id, false);
        }
    }

    fn wake(&mut self, id: CheckId) {
        let waiting = self.world.waiters.remove(&id).unwrap_or_default();
        self.effects
            .wakers
            .extend(waiting.into_iter().map(|(_, waker)| waker));
    }

    fn wake_all(&mut self) {
        self.effects.wakers.extend(self.world.take_waiters());
    }

    fn affect_dependants(&mut self, id: CheckId) {
        let Some(check) = self.world.get(id) else { return };
        let dependants = check.dependants.iter().map(|&on| (self.world.check(on).rank, on));
        self.affected.extend(dependants.map(Reverse));
    }

    /// Wakes the waiters of a check whose run has ended or timed out. Also queues the checks that depend on this check
    /// for an update.
    fn settle(&mut self, id: CheckId) {
        self.world.generation += 1;
        if !self.world.waiters.is_empty() {
            self.wake(id);
        }
        self.affect_dependants(id);
    }

    /// Recomputes the status of a check. If the status has changed, wakes the check's waiters, and queues the checks
    /// that depend on it for an update.
    fn refresh(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.get(id) else { return };
        let blocker = self.world.blocker(check);
        let shown = status::status(check, blocker, now.mono);
        let next = status::next_change(check, now.mono);
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        if check.overridden.as_ref().is_some_and(|set| now.mono >= set.until) {
            check.overridden = None;
        }
        let before = std::mem::replace(&mut check.shown, shown);
        if let Some(at) = next
            && check.timer.is_none_or(|timer| at < timer)
        {
            check.timer = Some(at);
            self.world.moments.put(at, id);
        }
        if before != shown {
            self.world.generation += 1;
            if !self.world.waiters.is_empty() {
                self.wake(id);
            }
            // The check may have lost its status. `announce` below ignores such a check. The change can unblock the
            // checks that depend on this check, so we update them here.
            self.affect_dependants(id);
        }
        if self.world.check(id).info().is_some() {
            self.announce(id);
        }
    }

    /// Adds a notice if the check's status differs from the status in its last notice.
    fn announce(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        let overridden = check.shown.because == Because::Override;
        let blocked = matches!(check.shown.because, Because::Blocked(_));
        // A check without a result can have a status from an override. When this override ends, the check has no status
        // again, and we add no notice.
        let Some(shown) = check.shown.status else { return };
        let was_overridden = std::mem::replace(&mut check.record.was_overridden, overridden);
        let was_blocked = std::mem::replace(&mut check.record.was_blocked, blocked);
        let critical = whole::is_logged_as_error(check);
        let from = check.record.status;
        if from == Some(shown) {
            if !blocked
                && !overridden
                && std::mem::take(&mut check.record.fails_quietly)
                && check.record.latest().is_some()
            {
                let output = check.output(now.mono);
                if let Some(info) = check.info().cloned() {
                    self.effects.notices.push(Notice::OwnFailure {
                        info,
                        output,
                        critical,
                    });
                }
            }
            return;
        }
        self.world.tally.remove(check, from);
        self.world.tally.add(check, Some(shown));
        let by = if overridden || was_overridden {
            Cause::Override
        } else if blocked || was_blocked {
            Cause::Dependency
        } else if matches!(check.shown.because, Because::Stale | Because::Silent) {
            Cause::Stale
        } else {
            Cause::Run
        };
        self.cause = Some(by);
        if from.is_none() && shown == Status::Pass {
            return check.record.begin(shown, now);
        }
        let output = self.world.shown_output(id, now);
        let Some(check) = self.world.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        self.world.sequence += 1;
        let change = Change {
            checker: Some(check.name().to_owned()),
            to: shown,
            output,
            by,
            sequence: self.world.sequence,
        };
        self.changed.push(check.name().to_owned());
        let transition = check.record.change(change, now);
        let wording = match check.record.flaps() {
            (true, true) => None,
            _ if by == Cause::Dependency => Some(Wording::Blocked),
            (false, true) => Some(Wording::Flapping),
            (_, false) => Some(Wording::Plain),
        };
        check.record.fails_quietly = wording == Some(Wording::Blocked) && shown == Status::Fail;
        let info = check.info().filter(|_| shown != Status::Pass).cloned();
        self.effects.notices.push(Notice::Transition {
            transition,
            wording,
            critical,
            info,
        });
        if from == Some(Status::Fail) {
            // The check has recovered. Its dependants that failed or haven't run are due now, even if their results
            // haven't expired.
            for on in self.world.check(id).dependants.clone() {
                if let Some(dependant) = self.world.get_mut(on)
                    && dependant.last.as_ref().is_none_or(|last| !last.status.passed())
                {
                    dependant.due = true;
                }
            }
        }
    }

    /// Adds a notice if this step has changed the overall status.
    fn judge_whole(&mut self) {
        let Some(verdict) = self.world.tally.verdict() else {
            return;
        };
        let to = verdict.as_status();
        let from = self.world.whole.status;
        if from == Some(to) {
            return;
        }
        if from.is_none() && to == Status::Pass {
            return self.world.whole.begin(to, self.now);
        }
        self.world.sequence += 1;
        let change = Change {
            checker: None,
            to,
            output: self.culprits(verdict).into(),
            by: self.cause.unwrap_or(Cause::Run),
            sequence: self.world.sequence,
        };
        let transition = self.world.whole.change(change, self.now);
        self.effects.notices.push(Notice::Transition {
            transition,
            wording: Some(Wording::Plain),
            critical: true,
            info: None,
        });
    }

    /// Returns the names of the checks that cause the overall status. If the overall status is a success, returns the
    /// names of the checks whose status has changed in this step.
    fn culprits(&self, verdict: Overall) -> String {
        if verdict == Overall::Success {
            return self.changed.join(", ");
        }
        let checks = self.world.by_name.iter().map(|&id| self.world.check(id));
        let guilty = checks.filter(|check| {
            let critical = whole::is_critical(check, Scope::All);
            check
                .record
                .status
                .is_some_and(|status| whole::contribution(status, critical) == verdict)
        });
        guilty.map(Check::name).collect::<Vec<_>>().join(", ")
    }

    /// Adds a notice that lists all failing checks, at most once per [`REMINDER`].
    fn remind(&mut self) {
        let world = &mut *self.world;
        if world.tally.failing + world.tally.optional == 0 {
            world.reminded = None;
            return;
        }
        match world.reminded {
            Some(before) if self.now.since(before) < REMINDER => {}
            before => {
                world.reminded = Some(self.now.mono);
                // If this is the first failure since all checks last passed, the check's own log line already reports
                // it. We then add no notice.
                if before.is_some() {
                    let checks = world.by_name.iter().map(|&id| world.check(id));
                    let failing: Vec<_> = checks
                        .filter(|check| check.record.status == Some(Status::Fail))
                        .collect();
                    let critical = failing.iter().any(|check| whole::is_logged_as_error(check));
                    let checks = failing.iter().map(|check| check.name().to_owned()).collect();
                    self.effects
                        .notices
                        .push(Notice::StillFailing { checks, critical });
                }
            }
        }
    }
}
