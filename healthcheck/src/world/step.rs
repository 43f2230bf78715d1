//! The transitions of the world: the one way in which it changes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::Waker;
use std::time::Duration;

use serde_json::Value;

use super::World;
use super::check::{Check, CheckId, Home, Override, Phase, Returned, Run, RunId, RunReason};
use super::event::{Effects, Event, Notice, Progress, Request, Start, Wait, Wording};
use super::freshness::earlier;
use super::population::later;
use super::record::{Change, REMINDER};
use super::status::{self, Because};
use super::whole;
use crate::model::policy::PATIENCE;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::{CheckResult, Overall};
use crate::selection::{MaxAge, Scope};
use crate::transition::Cause;

/// A runtime that is driven ends its runs at their limit. So much later, it isn't, and another one takes the check over.
const GRACE: Duration = Duration::from_millis(100);

/// Changes the world by one event, and says what is to be done because of it.
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
    effects.sooner = after.is_some_and(|after| before.is_none_or(|before| after < before));
    effects
}

/// One transition that is under way.
struct Step<'w> {
    world: &'w mut World,
    now: Now,
    effects: Effects,
    /// Checks whose dependencies have changed, in topological order.
    affected: BinaryHeap<Reverse<(u32, CheckId)>>,
    /// The names of the checks whose status has changed.
    changed: Vec<String>,
    /// What brought the last change about.
    cause: Option<Cause>,
}

impl World {
    /// How far a request has come with what it waits for. Calls `waker` when it is to be looked at again.
    ///
    /// Without a loop that is alive nobody begins the first run of a background check.
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

    /// Drops what was put down for runs and times that are over.
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
        let looked_at = |&Reverse((at, id, run)): &Reverse<(Instant, CheckId, RunId)>| {
            let current = get(id).and_then(|check| check.run.as_ref());
            current.is_some_and(|current| current.id == run && current.deadline == Some(at))
        };
        in_grace.retain(|&(id, run)| {
            let current = get(id).and_then(|check| check.run.as_ref());
            current.is_some_and(|current| current.id == run && matches!(current.phase, Phase::Running))
        });
        let most = 2 * checks.len() + 64;
        while deadlines.peek().is_some_and(|deadline| !looked_at(deadline)) {
            deadlines.pop();
        }
        if deadlines.is_empty() {
            deadlines.shrink_to(most.min(1_024));
        }
        if deadlines.len() > most {
            deadlines.retain(looked_at);
        }
        if moments.len() > most {
            moments.retain(|Reverse((at, id))| get(*id).is_some_and(|check| check.timer == Some(*at)));
        }
        if intervals.len() > most {
            intervals.retain(|Reverse((at, id))| get(*id).is_some_and(|check| check.next_run == Some(*at)));
        }
    }

    /// A request waits no more.
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
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Asked {
                required,
                max_age,
                home,
            } => {
                for &id in required {
                    let wait = self.join_or_start(id, max_age, home);
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
                if let Some(home) = driver {
                    self.run_what_is_due(home);
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

    // Requests

    /// What a request has to wait for before this check is known; `None`: nothing.
    fn join_or_start(&mut self, id: CheckId, max_age: Option<MaxAge>, home: Home) -> Option<Wait> {
        let check = self.world.get(id)?;
        let blocker = self.world.blocker(check);
        // A dependency that fails is being run again: what it holds up may be shown otherwise in the same answer.
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
        let run = self.reserve(id, RunReason::Due(max_age), home);
        Some(Wait {
            check: id,
            run: Some(run),
        })
    }

    /// Begins with a run: at once, or behind what it depends on.
    fn reserve(&mut self, id: CheckId, reason: RunReason, home: Home) -> RunId {
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
                home,
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

    /// What the others had to say is known: the run's own time begins.
    fn start(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        let at = deadline(check, now.mono);
        let Some(run) = &mut check.run else { return };
        run.since = now;
        run.phase = Phase::Running;
        let start = Start {
            check: id,
            run: run.id,
            home: run.home,
        };
        self.effects.start.push(start);
        self.set_deadline(id, at);
    }

    /// An answer was given without the result of a run that goes on, and the last one is too old to stand for it.
    fn missed(&mut self, id: CheckId) {
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

    // Runs

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
            // Whoever looks first: a run past its limit has failed.
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

    /// Runs again what a failed check depends on and has no result since `began`, so that the log and the report name the
    /// root. Gives whether there is anything to wait for.
    fn look_at_dependencies_again(&mut self, id: CheckId, began: Instant) -> bool {
        let Some(home) = self.world.check(id).run.as_ref().map(|run| run.home) else {
            return false;
        };
        let on = self.world.check(id).depends_on.clone();
        let mut give_up = None;
        for on in on {
            let check = self.world.check(on);
            let is_known = check.last.as_ref().is_some_and(|last| last.at.mono >= began);
            // What is blocked isn't run, and the root of it has been looked at.
            let is_blocked = self.world.blocker(check).is_some();
            if is_known || is_blocked || check.is_stuck() || check.is_over() {
                continue;
            }
            let patience = check.policy.patience();
            if check.run.is_none() {
                self.reserve(on, RunReason::Forced, home);
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

    /// Something that a run waits for is known.
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
            // The root is known, and this check's own failure is none.
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

    /// Ends a run that is needed no more and gave nothing.
    fn release(&mut self, id: CheckId) {
        if let Some(check) = self.world.get_mut(id) {
            check.run = None;
        }
        self.refresh(id);
        self.settle(id);
    }

    /// A result is in place.
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
        } else if self.world.tell_runs {
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
        let limit = time::human(check.policy.patience());
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

    /// A run that is past its limit, or whose runtime doesn't drive it, has ended.
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

    /// The run of a removed check has ended: a new check of its name may run.
    fn bury(&mut self, run: RunId) -> bool {
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

    /// The deadline of a run is over.
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
            .filter(|_| is_async && !current.home.chosen);
        let at = limit.map_or(again, |limit| current.since.mono.checked_add(limit));
        if may_be_silent && (limit.is_none() || !begun) {
            current.silent.get_or_insert(current.since.mono);
        }
        if limit.is_none() && !is_async {
            // It may take as long as it likes, but no other check has to wait for its permit.
            self.effects.relieve.push((id, run));
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

    // Time

    /// Brings the statuses up to date that change by time alone.
    fn let_time_pass(&mut self) {
        while let Some(&Reverse((at, id))) = self.world.moments.peek() {
            if at > self.now.mono {
                break;
            }
            self.world.moments.pop();
            let Some(check) = self.world.get_mut(id) else {
                continue;
            };
            if check.timer == Some(at) {
                check.timer = None;
                // In topological order, and as they all are now: not one after another as they were in between.
                self.affected.push(Reverse((check.rank, id)));
            }
        }
    }

    /// Looks at each run whose deadline is over.
    fn look_at_runs(&mut self, runtime: Option<u32>) {
        // Their own runtime is driven after all: it ends them as it would have without the other one's look.
        for &(id, run) in &self.world.in_grace {
            let current = self.world.get(id).and_then(|check| check.run.as_ref());
            if current.is_some_and(|current| current.id == run && runtime == Some(current.home.runtime)) {
                self.effects.overdue.push((id, run));
            }
        }
        while let Some(&Reverse((at, id, run))) = self.world.deadlines.peek() {
            if at > self.now.mono {
                break;
            }
            self.world.deadlines.pop();
            let now = self.now.mono;
            let Some(check) = self.world.get_mut(id) else {
                continue;
            };
            let (limit, is_async) = (check.policy.limit, check.is_async);
            let may_be_silent = limit.is_none() && check.may_be_silent();
            let Some(current) = check.current(run).filter(|run| run.deadline == Some(at)) else {
                continue;
            };
            current.deadline = None;
            // Without a limit it is looked at again and again: a runtime that is driven does so itself.
            let due_at = limit.map_or(Some(at), |limit| current.since.mono.checked_add(limit));
            let is_foreign = is_async && !current.home.chosen && runtime != Some(current.home.runtime);
            let is_in_grace = self.world.in_grace.contains(&(id, run));
            let Some(current) = self.world.get_mut(id).and_then(|check| check.current(run)) else {
                continue;
            };
            match current.phase {
                Phase::AwaitingDependencies | Phase::Returned(_) => self.proceed(id, true),
                // It is being polled: its check blocks its thread. Without a limit it may.
                Phase::Abandoned if limit.is_some() => self.time_out(id, true),
                Phase::Abandoned => {}
                Phase::Running if is_foreign && due_at.is_some_and(|due_at| now >= due_at) => {
                    if may_be_silent {
                        current.silent.get_or_insert(current.since.mono);
                    }
                    let driven_until = due_at.and_then(|due_at| due_at.checked_add(GRACE));
                    if !is_in_grace && driven_until.is_some_and(|until| now < until) {
                        self.set_deadline(id, driven_until);
                        self.world.in_grace.push((id, run));
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
    }

    /// Launches what the intervals make due. With the first driver the loops begin.
    fn run_what_is_due(&mut self, home: Home) {
        if !std::mem::replace(&mut self.world.looping, true) {
            for id in self.world.by_name.clone() {
                self.world.plan_first_run(id, self.now.mono);
            }
        }
        while let Some(&Reverse((at, id))) = self.world.intervals.peek() {
            if at > self.now.mono {
                break;
            }
            self.world.intervals.pop();
            self.run_in_background(id, at, home);
        }
    }

    fn run_in_background(&mut self, id: CheckId, at: Instant, home: Home) {
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
        self.world.intervals.push(Reverse((next, id)));
        if check.is_stuck() {
            return self.refresh_timeout_failure(id);
        }
        if check.run.is_some() {
            return;
        }
        for on in self.world.with_dependencies(vec![id]) {
            if on != id {
                self.join_or_start(on, None, home);
            }
        }
        let check = self.world.check(id);
        let is_blocked = self.world.blocker(check).is_some();
        let may_recover = check
            .depends_on
            .iter()
            .any(|&on| self.world.check(on).is_pending());
        if !is_blocked || may_recover {
            self.reserve(id, RunReason::Forced, home);
        }
    }

    /// Has a run looked at; `None`: by nobody.
    fn set_deadline(&mut self, id: CheckId, at: Option<Instant>) {
        let Some(run) = self.world.get_mut(id).and_then(|check| check.run.as_deref_mut()) else {
            return;
        };
        run.deadline = at;
        let run = run.id;
        if let Some(at) = at {
            self.world.deadlines.push(Reverse((at, id, run)));
        }
    }

    // Statuses

    /// Visits whatever hangs on what has changed, each behind all that it depends on.
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
            .wake
            .extend(waiting.into_iter().map(|(_, waker)| waker));
    }

    fn wake_all(&mut self) {
        self.effects.wake.extend(self.world.take_waiters());
    }

    fn affect_dependants(&mut self, id: CheckId) {
        let Some(check) = self.world.get(id) else { return };
        let dependants = check.dependants.iter().map(|&on| (self.world.check(on).rank, on));
        self.affected.extend(dependants.map(Reverse));
    }

    /// Nothing goes on in a check that others wait for.
    fn settle(&mut self, id: CheckId) {
        self.world.generation += 1;
        if !self.world.waiters.is_empty() {
            self.wake(id);
        }
        self.affect_dependants(id);
    }

    /// Finds out the status of a check and notes what has changed.
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
            self.world.moments.push(Reverse((at, id)));
        }
        if before != shown {
            self.world.generation += 1;
            if !self.world.waiters.is_empty() {
                self.wake(id);
            }
            // Also where nothing is announced: a check without a result blocks nobody any more.
            self.affect_dependants(id);
        }
        if self.world.check(id).info().is_some() {
            self.announce(id);
        }
    }

    /// Compares what is shown of a check with what was announced, and announces the difference.
    fn announce(&mut self, id: CheckId) {
        let now = self.now;
        let Some(check) = self.world.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        let overridden = check.shown.because == Because::Override;
        let blocked = matches!(check.shown.because, Because::Blocked(_));
        // Between what was announced and the next result there may be a time without any.
        let Some(shown) = check.shown.status else { return };
        let was_overridden = std::mem::replace(&mut check.record.was_overridden, overridden);
        let was_blocked = std::mem::replace(&mut check.record.was_blocked, blocked);
        let critical = whole::is_critical(check, Scope::All);
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
        let output = self.world.told(id, now);
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
            // What it held up is due at once, and not only when a failure of before has expired.
            for on in self.world.check(id).dependants.clone() {
                if let Some(dependant) = self.world.get_mut(on)
                    && dependant.last.as_ref().is_none_or(|last| !last.status.passed())
                {
                    dependant.due = true;
                }
            }
        }
    }

    /// Announces the whole, where the verdict on it has changed.
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

    /// The names of those that the whole isn't better for; of a recovery, of those that have changed.
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

    /// Logs again what has been failing for long.
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
                // The first is the transition's own line.
                if before.is_some() {
                    let checks = world.by_name.iter().map(|&id| world.check(id));
                    let failing = checks.filter(|check| check.record.status == Some(Status::Fail));
                    let checks = failing.map(|check| check.name().to_owned()).collect();
                    let critical = world.tally.failing > 0;
                    self.effects
                        .notices
                        .push(Notice::StillFailing { checks, critical });
                }
            }
        }
    }

    // What somebody does by hand

    fn set_override(&mut self, id: CheckId, set: Option<Override>) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        if let Some(set) = &set {
            self.effects.notices.push(Notice::Overridden {
                check: check.name().to_owned(),
                status: set.status,
                reason: set.reason.clone(),
                seconds: set.until.saturating_duration_since(now.mono).as_secs(),
            });
        }
        check.overridden = set.map(Box::new);
        self.world.generation += 1;
        self.refresh(id);
    }

    fn remove(&mut self, id: CheckId, disable: bool) {
        let dependants = self
            .world
            .get(id)
            .map(|check| check.dependants.clone())
            .unwrap_or_default();
        let Some(check) = self.world.take_out(id) else {
            return;
        };
        if let Some(run) = check.run.as_ref() {
            match run.phase {
                Phase::AwaitingDependencies | Phase::Returned(_) => {}
                Phase::Running | Phase::Abandoned | Phase::TimedOut { .. } => {
                    self.world.ghosts.insert(run.id, check.name().to_owned());
                    self.effects.cancel.push((id, run.id));
                }
            }
        }
        if let Some(info) = check.info().filter(|_| disable) {
            self.world.note_disabled(info.clone());
        }
        self.cause = Some(Cause::Run);
        self.changed.push(check.name().to_owned());
        self.world.connect();
        self.wake(id);
        for on in dependants {
            if let Some(dependant) = self.world.get_mut(on) {
                dependant.due = true;
                let rank = dependant.rank;
                self.affected.push(Reverse((rank, on)));
            }
        }
        self.world.generation += 1;
    }

    /// A check that was added takes the place of what was observed under its name.
    fn replace_observation(&mut self, id: CheckId) {
        let Some(check) = self.world.get(id) else { return };
        let name = check.name().to_owned();
        self.record_observation(&name, None);
        // The history of that name is the check's from now on.
        self.world.observed.remove(&name);
    }

    fn observe(&mut self, name: &str, seen: Option<(Status, Value)>) {
        if self.world.find(name).is_none() && !self.world.disabled.contains_key(name) {
            self.record_observation(name, seen);
        }
    }

    fn record_observation(&mut self, name: &str, seen: Option<(Status, Value)>) {
        let now = self.now;
        let before = self.world.observations.get_mut(name);
        let from = before.as_ref().map(|before| before.status);
        let (to, output) = match seen {
            None => {
                if self.world.observations.remove(name).is_none() {
                    return;
                }
                // What failed is over with it.
                (Status::Pass, Value::Null)
            }
            Some((status, output)) => {
                let at = time::epoch_seconds(now.wall);
                let before = match before {
                    // Only its time is new, and no report is thrown away for that.
                    Some(same) if same.status == status && same.output == output => {
                        same.timestamp = Some(at);
                        return;
                    }
                    before => before,
                };
                let since = before.and_then(|before| before.failing_since).unwrap_or(at);
                let fails = status == Status::Fail;
                let result = CheckResult {
                    output: output.clone(),
                    passed: status.passed(),
                    status,
                    timestamp: Some(at),
                    failing_since: fails.then_some(since),
                    consecutive_failures: u64::from(fails),
                    ..CheckResult::unknown(name.to_owned())
                };
                self.world.observations.insert(name.to_owned(), result);
                (status, output)
            }
        };
        self.world.generation += 1;
        let record = self.world.observed.entry(name.to_owned()).or_default();
        if from.unwrap_or(Status::Pass) == to {
            return;
        }
        self.world.sequence += 1;
        let change = Change {
            checker: Some(name.to_owned()),
            to,
            output,
            by: Cause::Run,
            sequence: self.world.sequence,
        };
        let transition = record.change(change, now);
        self.effects.notices.push(Notice::Transition {
            transition,
            wording: Some(Wording::Plain),
            critical: true,
            info: None,
        });
    }

    fn expire(&mut self, checks: &[CheckId]) {
        for &id in checks {
            let now = self.now;
            let Some(check) = self.world.get_mut(id) else {
                continue;
            };
            if check.last.is_some() && !check.is_over() {
                check.due = true;
            }
            if check.next_run.is_some_and(|at| at > now.mono) {
                check.next_run = Some(now.mono);
                self.world.intervals.push(Reverse((now.mono, id)));
            }
        }
        self.world.generation += 1;
    }

    fn maintain(&mut self, reason: Option<String>) {
        let before = std::mem::replace(&mut self.world.maintenance, reason.clone());
        if before == reason {
            return;
        }
        self.world.generation += 1;
        self.effects.notices.push(match &reason {
            Some(reason) => Notice::MaintenanceBegins(reason.clone()),
            None => Notice::MaintenanceEnds,
        });
        self.wake_all();
        if before.is_some() == reason.is_some() {
            return;
        }
        let to = if reason.is_some() {
            Status::Fail
        } else {
            Status::Pass
        };
        if self.world.maintained.status.is_none() {
            self.world.maintained.status = Some(Status::Pass);
        }
        self.world.sequence += 1;
        let change = Change {
            checker: None,
            to,
            output: reason.map_or(Value::Null, Value::from),
            by: Cause::Maintenance,
            sequence: self.world.sequence,
        };
        let transition = self.world.maintained.change(change, self.now);
        self.effects.notices.push(Notice::Transition {
            transition,
            wording: Some(Wording::Plain),
            critical: true,
            info: None,
        });
    }

    fn warn(&mut self, text: String) {
        let world = &mut *self.world;
        if world.built_warnings.contains(&text) || world.added_warnings.contains(&text) {
            return;
        }
        if world.added_warnings.len() == super::MOST_WARNINGS {
            world.added_warnings.pop_front();
        }
        world.added_warnings.push_back(text);
        world.generation += 1;
    }
}

/// When a run that begins now has to be looked at: at its limit, or earlier where it may be that it gives no result.
fn deadline(check: &Check, now: Instant) -> Option<Instant> {
    let limit = check.policy.limit;
    let limit_at = limit.and_then(|limit| now.checked_add(limit));
    let patience_at = now.checked_add(PATIENCE);
    earlier(
        limit_at,
        patience_at.filter(|_| check.may_be_silent() || limit.is_none()),
    )
}
