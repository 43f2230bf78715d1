//! Compares the `World` with a plain model. A test applies random sequences of events to the `World` and to the model.
//! One such sequence is called a life. After each event, the `World` and the model must show the same statuses.
//!
//! At the end of a life, all runs pass. The `World` must then recover, and no run, request or waker may be left.

use std::num::NonZeroU64;
use std::time::Duration;

use serde_json::Value;

use super::super::check::Phase;
use super::super::{CheckId, Event, Notice, Override, RunId, RunsOn};
use super::model::{Model, ModelCheck};
use super::stage::{RUNTIME, Spec, Stage};
use crate::outcome::Status;
use crate::report::{Overall, Report};
use crate::selection::{Scope, Selection};

/// The number of random steps in all lives together. A life is one sequence of random events.
const STEPS: u64 = if cfg!(miri) { 60 } else { 1_000_000 };
/// The maximum number of random steps in one life, that is, in one sequence of random events.
const LONGEST: u64 = if cfg!(miri) { 60 } else { 300 };
/// The possible names of checks in a sequence of random events. There are six names, so a `World` has at most six
/// checks at a time.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const SCOPES: [Scope; 4] = Scope::EVERY;

/// A random number generator (xorshift64*). It is fast, and the same seed always produces the same numbers.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // We mix the bits of the seed, so that consecutive seeds produce unrelated numbers.
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 33) % end as u64).expect("less than a usize")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// The seed of a sequence of random events. If the test panics during this sequence, dropping this value prints the
/// seed. With the seed, you can run only this sequence.
struct Life(u64);

impl Drop for Life {
    #[expect(clippy::print_stderr, reason = "what a failing test has to say")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "life {}: `HEALTHCHECK_WORLD_LIFE={}` lives it alone",
                self.0, self.0
            );
        }
    }
}

fn duration(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn random_spec(random: &mut Random, name: &str) -> Spec {
    let mut spec = Spec::new(name);
    spec.is_async = random.one_in(2);
    let options = &mut spec.options;
    options.readiness = !random.one_in(4);
    options.startup = random.one_in(6);
    options.liveness = random.one_in(6);
    if !(options.startup || options.liveness) {
        options.readiness = true;
    }
    if random.one_in(4) {
        options.set_critical(random.one_in(2));
    }
    options.external = !options.liveness && random.one_in(4);
    options.timeout = random.of(&[
        None,
        None,
        Some(None),
        Some(Some(duration(300))),
        Some(Some(duration(10_000))),
    ]);
    options.failure_threshold = random.of(&[1, 1, 1, 2, 3]);
    options.success_threshold = random.of(&[1, 1, 1, 2, 3]);
    options.fail_after = random.of(&[
        None,
        None,
        Some(duration(1_000)),
        Some(duration(10_000)),
        Some(duration(60_000)),
    ]);
    if random.one_in(5) {
        options.interval = Some(random.of(&[duration(1_000), duration(10_000)]));
        options.initial_delay = random.of(&[None, Some(duration(500)), Some(duration(20_000))]);
    } else {
        let ttls = [
            None,
            None,
            Some(None),
            Some(Some(duration(500))),
            Some(Some(duration(20_000))),
        ];
        options.success_ttl = random.of(&ttls);
        options.failed_ttl = random.of(&ttls);
    }
    // A check depends only on checks with smaller names, so the dependencies form no cycle.
    let smaller: Vec<&str> = NAMES.iter().copied().filter(|other| *other < name).collect();
    if !smaller.is_empty() {
        let mut on: Vec<&str> = (0..random.of(&[0, 0, 1, 1, 2]))
            .map(|_| random.of(&smaller))
            .collect();
        on.dedup();
        spec = spec.depends_on(&on);
    }
    spec
}

fn random_status(random: &mut Random) -> Status {
    random.of(&[
        Status::Pass,
        Status::Pass,
        Status::Pass,
        Status::Warn,
        Status::Fail,
        Status::Fail,
        Status::Fail,
    ])
}

fn random_runtime(random: &mut Random) -> RunsOn {
    RunsOn {
        runtime: random.of(&[1, 1, 2, 3]),
        chosen: random.one_in(6),
    }
}

/// A `World` and the model to which we compare it. Both get the same events.
struct Pair {
    stage: Stage,
    model: Model,
    random: Random,
    steps: u64,
    /// The names of the checks that can't run yet, because a removed check with the same name is still running.
    held_up: Vec<String>,
    /// The runs that take too long, each with the name of its check. Such a run counts as a failure of its check.
    silent: Vec<(String, RunId)>,
    /// The runs that hang: no random step ends them.
    hanging: Vec<RunId>,
    seen: RunId,
    began: crate::model::time::Instant,
    draining: bool,
    maintained: bool,
    compared: Compared,
}

/// The numbers of runs, transitions and so on in the random sequences. The test asserts that these numbers are large.
/// If little happened, even a wrong model could agree with the `World`.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    events: u64,
    runs: u64,
    answers: u64,
    reports: u64,
    transitions: u64,
    statuses: u64,
    launches: u64,
    spared: u64,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let count = 1 + random.below(NAMES.len());
        let specs: Vec<Spec> = NAMES[..count]
            .iter()
            .map(|name| random_spec(&mut random, name))
            .collect();
        let mut model = Model::default();
        for spec in &specs {
            model
                .checks
                .insert(spec.name.clone(), ModelCheck::new(spec.clone()));
        }
        let stage = Stage::new(specs, random.next());
        let began = stage.now.mono;
        Self {
            stage,
            model,
            random,
            steps: 0,
            held_up: Vec::new(),
            silent: Vec::new(),
            hanging: Vec::new(),
            seen: RunId(NonZeroU64::MIN),
            began,
            draining: false,
            maintained: false,
            compared: Compared::default(),
        }
    }

    fn pass_time(&mut self, millis: u64) {
        self.stage.pass_time(duration(millis));
        self.model.now += millis;
        self.model.wall += millis;
        // This event expires no check. Its only effect is that the `World` updates the statuses that have changed with
        // time.
        self.happen(Event::Expired(&[]));
    }

    fn happen(&mut self, event: Event<'_>) {
        self.stage.step(event);
        self.compare();
        self.poll();
    }

    fn poll(&mut self) {
        while self.stage.poll_next_request() {
            self.compare();
        }
    }

    fn happens_at_random(&mut self) {
        self.steps += 1;
        match self.random.below(100) {
            0..20 => {
                let millis = self.random.of(&[
                    1, 10, 50, 249, 250, 299, 300, 500, 700, 1_000, 1_000, 2_000, 4_999, 5_000, 9_000,
                    10_000, 27_000, 60_000, 100_000,
                ]);
                self.pass_time(millis);
            }
            20..42 => self.ask_at_random(),
            42..66 => self.end_a_run(),
            66..73 => {
                let runtime = self.random.of(&[None, Some(1), Some(2), Some(3)]);
                self.happen(Event::Tick {
                    runtime,
                    driver: None,
                });
            }
            73..79 => {
                let runs_on = random_runtime(&mut self.random);
                self.happen(Event::Tick {
                    runtime: Some(runs_on.runtime),
                    driver: Some(runs_on),
                });
            }
            79..84 => self.override_at_random(),
            84..88 => self.come_or_go(),
            88..91 => self.expire_at_random(),
            91..95 if !self.stage.waiting.is_empty() => {
                let place = self.random.below(self.stage.waiting.len());
                let missed = self.random.one_in(2);
                self.hang_up(place, missed);
            }
            95 => {
                let millis = self.random.of(&[0, 1_000, 40_000, 4_000_000]);
                self.model.wall = millis.max(self.model.wall / 2);
                let epoch = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
                self.stage.set_wall_clock(epoch + duration(self.model.wall));
                self.happen(Event::Expired(&[]));
            }
            96 => {
                self.maintained = !self.maintained;
                let reason = self.maintained.then(|| "a new disk".to_owned());
                self.happen(Event::Maintenance(reason));
            }
            97 => {
                if self.random.one_in(10) {
                    self.draining = true;
                    self.happen(Event::Drain);
                }
            }
            98 => {
                let seen =
                    self.random
                        .of(&[None, Some(Status::Pass), Some(Status::Warn), Some(Status::Fail)]);
                let seen = seen.map(|status| (status, Value::Null));
                self.happen(Event::Observed { name: "z", seen });
            }
            _ => {
                let place = self.random.below(self.stage.live.len().max(1));
                if let Some(live) = self.stage.live.values_mut().nth(place) {
                    live.begun = true;
                }
            }
        }
    }

    fn ask_at_random(&mut self) {
        let scope = self.random.of(&SCOPES);
        let selection = match scope {
            Scope::All => Selection::all(),
            Scope::Liveness => Selection::liveness(),
            Scope::Readiness => Selection::readiness(),
            Scope::Startup => Selection::startup(),
        };
        let selection = if self.random.one_in(2) {
            selection.max_age(duration(5_000), duration(2_000))
        } else {
            selection
        };
        let runs_on = random_runtime(&mut self.random);
        self.ask(&selection, runs_on);
        if self.random.one_in(3) {
            self.compare_report(&selection);
        }
    }

    /// Starts a request for the selection. Asserts that the `World` starts runs of exactly the due checks.
    fn ask(&mut self, selection: &Selection, runs_on: RunsOn) {
        let (_, required) = self.stage.world.required(selection).expect("no names, no error");
        let max_age = selection
            .max_age
            .map(|age| {
                (
                    u64::try_from(age.pass.as_millis()),
                    u64::try_from(age.fail.as_millis()),
                )
            })
            .map(|(pass, fail)| (pass.expect("short"), fail.expect("short")));
        let before: Vec<_> = required
            .iter()
            .map(|&id| {
                let name = self.stage.world.check(id).name().to_owned();
                let check = &self.model.checks[&name];
                let is_stuck = self.stage.is_stuck(&name);
                let fresh = check.is_fresh(self.model.now, self.model.wall, max_age, is_stuck);
                let run = self.stage.world.check(id).run.as_ref().map(|run| run.id);
                (id, name.clone(), fresh, self.model.is_blocked(&name), run)
            })
            .collect();
        self.stage.begin_request(&required, selection.max_age, runs_on);
        self.compare();
        if self.stage.traced {
            self.stage.trace(&Event::Expired(&[]));
        }
        let may_recover = |pair: &Self, id: CheckId| {
            let world = &pair.stage.world;
            world
                .check(id)
                .depends_on
                .iter()
                .any(|&on| world.check(on).is_pending())
        };
        for (id, name, fresh, was_blocked, run) in before {
            let check = &self.model.checks[&name];
            let is_blocked = self.model.is_blocked(&name);
            let now = self.stage.world.check(id).run.as_ref().map(|run| run.id);
            if now.is_some() && now != run {
                self.compared.launches += 1;
                assert_eq!(run, None, "`{name}` is run a second time");
                assert!(!check.is_over(), "`{name}` is over, and is run");
                // The `World` may start a fresh or blocked check only in two cases. In the first case, this step has
                // blocked or unblocked the check. In the second case, the check is blocked and one of its dependencies
                // is running. This dependency can pass and unblock the check.
                let recovers = was_blocked != is_blocked || was_blocked && may_recover(self, id);
                assert!(!fresh || recovers, "`{name}` is fresh, and is run");
                assert!(!was_blocked || recovers, "`{name}` is blocked, and is run");
            } else if !fresh
                && run.is_none()
                && !check.waits_for_loop()
                && !was_blocked
                && !is_blocked
                && !check.is_over()
            {
                assert!(now.is_some(), "`{name}` is due, and isn't run");
            } else {
                self.compared.spared += 1;
            }
        }
        self.poll();
    }

    fn end_a_run(&mut self) {
        let free: Vec<RunId> = self
            .stage
            .live
            .keys()
            .copied()
            .filter(|run| !self.hanging.contains(run))
            .collect();
        if free.is_empty() {
            return;
        }
        let run = self.random.of(&free);
        let status = random_status(&mut self.random);
        let cancelled = self.stage.live[&run].cancelled;
        match self.random.below(12) {
            0 => self.end(run, |check, run| Event::Lost { check, run }),
            1..6 if cancelled => self.end(run, |check, run| Event::Ended { check, run }),
            // A cancelled run may return too, if its function was already returning when the `World` cancelled the run.
            _ => self.end(run, |check, run| Event::Returned {
                check,
                run,
                status,
                output: Value::Null,
            }),
        }
    }

    fn end(&mut self, run: RunId, event: impl FnOnce(CheckId, RunId) -> Event<'static>) {
        if let Some(live) = self.stage.live.remove(&run) {
            self.happen(event(live.check, run));
        }
    }

    fn random_name(&mut self) -> Option<String> {
        let names: Vec<&String> = self.model.checks.keys().collect();
        if names.is_empty() {
            return None;
        }
        Some(names[self.random.below(names.len())].clone())
    }

    fn override_at_random(&mut self) {
        let Some(name) = self.random_name() else { return };
        let set = (!self.random.one_in(3)).then(|| {
            let status = random_status(&mut self.random);
            (status, self.random.of(&[500, 5_000, 60_000]))
        });
        self.set_override(&name, set);
    }

    fn set_override(&mut self, name: &str, set: Option<(Status, u64)>) {
        let now = self.model.now;
        let check = self.model.checks.get_mut(name).expect("it is there");
        check.set = set.map(|(status, lasts)| (status, now + lasts));
        let set = set.map(|(status, lasts)| Override {
            status,
            reason: "game day".to_owned(),
            until: self.stage.now.mono + duration(lasts),
            until_wall: 0.0,
        });
        let check = self.stage.id(name);
        self.happen(Event::Overridden { check, set });
    }

    fn come_or_go(&mut self) {
        let name = self.random.of(&NAMES);
        if self.model.checks.contains_key(name) {
            let check = self.stage.id(name);
            let disable = self.random.one_in(3);
            let dependants: Vec<String> = self.dependants_of(name);
            self.model.checks.remove(name);
            self.held_up.retain(|held_up| held_up != name);
            for dependant in dependants {
                if let Some(dependant) = self.model.checks.get_mut(&dependant) {
                    dependant.due = true;
                }
            }
            self.stage.forget_transitions_of(name);
            self.happen(Event::Removed { check, disable });
            assert!(self.stage.world.find(name).is_none(), "`{name}` was removed");
            let report = self.report(&Selection::all());
            assert!(report.get(name).is_none(), "`{name}` was removed, and is shown");
            let history = self.stage.world.history();
            assert!(
                history
                    .iter()
                    .all(|transition| transition.checker.as_deref() != Some(name)),
                "`{name}` was removed, and is in the history"
            );
        } else {
            let spec = random_spec(&mut self.random, name);
            self.model
                .checks
                .insert(name.to_owned(), ModelCheck::new(spec.clone()));
            if self.stage.run_of(name).is_some() {
                self.held_up.push(name.to_owned());
            }
            self.stage.add(spec);
            self.compare();
            self.poll();
        }
    }

    fn dependants_of(&self, name: &str) -> Vec<String> {
        let all = self.model.checks.keys();
        let depends = |other: &&String| self.model.dependencies(other).iter().any(|on| on == name);
        all.filter(depends).cloned().collect()
    }

    fn expire_at_random(&mut self) {
        let Some(name) = self.random_name() else { return };
        let id = self.stage.id(&name);
        let check = self.model.checks.get_mut(&name).expect("it is there");
        check.due |= check.last.is_some() && !check.is_over();
        self.happen(Event::Expired(&[id]));
    }

    fn hang_up(&mut self, place: usize, missed: bool) {
        if missed {
            for id in self.stage.waiting[place].waits() {
                let Some(check) = self.stage.world.get(id) else {
                    continue;
                };
                let name = check.name().to_owned();
                let model = &self.model.checks[&name];
                let outdated = model.is_outdated(self.model.now, self.model.wall);
                if check.is_pending()
                    && outdated
                    && model.spec.options.interval.is_none()
                    && let Some(run) = &check.run
                {
                    self.silent.push((name, run.id));
                }
            }
        }
        self.stage.leave(place, missed);
        self.compare();
        self.poll();
    }

    /// Updates the model with the results of the runs that have ended. Then compares the statuses in the model with the
    /// statuses in the `World`.
    fn compare(&mut self) {
        self.compared.events += 1;
        for (&run, live) in self.stage.live.range_mut(RunId(self.seen.0.saturating_add(1))..) {
            self.seen = run;
            live.begun = !self.random.one_in(8);
            if self.random.one_in(10) {
                self.hanging.push(run);
            }
        }
        self.take_notices();
        self.take_ends();
        let now = self.stage.now;
        let since = now.mono.saturating_duration_since(self.began);
        assert_eq!(u128::from(self.model.now), since.as_millis());
        let names: Vec<String> = self.model.checks.keys().cloned().collect();
        for name in &names {
            let expected = self.model.status(name);
            let check = self.model.checks.get_mut(name).expect("it is there");
            check.announced = expected.or(check.announced);
            let actual = self.stage.world.check(self.stage.id(name));
            self.compared.statuses += 1;
            assert_eq!(
                actual.shown.status, expected,
                "the status of `{name}`, {:?}, in the model {:?}, silent since {:?}",
                actual.shown, check.standing, check.silent
            );
            assert_eq!(
                actual.record.status, check.announced,
                "what is announced of `{name}`"
            );
        }
        if let Some(verdict) = self.model.verdict() {
            self.model.whole = Some(verdict);
        }
        let whole = self.model.whole.map(Overall::as_status);
        assert_eq!(self.stage.world.whole.status, whole, "the whole");
    }

    fn take_notices(&mut self) {
        for notice in std::mem::take(&mut self.stage.notices) {
            match notice {
                Notice::Ran { result, .. } => {
                    self.compared.runs += 1;
                    let check = self
                        .model
                        .checks
                        .get_mut(&result.checker)
                        .expect("no result of a removed check");
                    check.record(self.model.now, self.model.wall, result.status);
                    check.stuck_said = false;
                }
                Notice::Transition { transition, .. } => {
                    self.compared.transitions += 1;
                    let Some(name) = &transition.checker else { continue };
                    if transition.from != Some(Status::Fail) || !self.model.checks.contains_key(name) {
                        continue;
                    }
                    for dependant in self.dependants_of(name) {
                        let dependant = self.model.checks.get_mut(&dependant).expect("it depends");
                        dependant.due |= dependant.last.is_none_or(|(.., status)| status == Status::Fail);
                    }
                }
                _ => {}
            }
        }
    }

    /// Updates the model with the runs that gave no new result: runs that stay stuck, runs that take too long, and lost
    /// runs.
    fn take_ends(&mut self) {
        let ticked = std::mem::take(&mut self.stage.ticked);
        let now = self.stage.now;
        let (now_millis, wall) = (self.model.now, self.model.wall);
        for (name, check) in &mut self.model.checks {
            let actual = self
                .stage
                .world
                .check(self.stage.world.find(name).expect("it is there"));
            let run = actual.run.as_ref();
            let at = actual.last.as_ref().map(|last| last.at.mono);
            let said = check.last.map(|(at, ..)| self.began + duration(at));
            let lasts = run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { lasts: true }));
            if at != said || lasts && !check.stuck_said {
                assert!(lasts, "`{name}` has a result that no run gave");
                check.say_stuck(now_millis, wall);
            }
            if run.is_none() {
                let was_held_up = self.held_up.iter().position(|held_up| held_up == name);
                if let Some(place) = was_held_up {
                    self.held_up.remove(place);
                    check.due = true;
                }
                check.due |= std::mem::take(&mut check.stuck_said);
            }
            self.silent
                .retain(|(of, id)| of != name || run.is_some_and(|run| run.id == *id));
            if ticked
                && let Some(run) = run
                && matches!(run.phase, Phase::Running | Phase::Abandoned)
                && check.last.is_some()
                && check.spec.options.interval.is_none()
            {
                let waited = now.since(run.since.mono);
                let begun = self.stage.live.get(&run.id).is_none_or(|live| live.begun);
                let falls_silent = match check.spec.policy().limit {
                    None => true,
                    Some(limit) => !begun && waited < limit,
                };
                if falls_silent && waited >= duration(5_000) {
                    self.silent.push((name.clone(), run.id));
                }
            }
            let is_silent = self.silent.iter().any(|(of, _)| of == name)
                && run.is_some_and(|run| !matches!(run.phase, Phase::TimedOut { .. }));
            check.silent = run.filter(|_| is_silent).map(|run| {
                let since = run.since.mono.saturating_duration_since(self.began);
                // If a run that takes too long has first waited for its dependencies, its start can move to a later
                // time. We keep the earlier time.
                check
                    .silent
                    .unwrap_or_else(|| u64::try_from(since.as_millis()).expect("short"))
            });
        }
    }

    fn report(&self, selection: &Selection) -> Report {
        self.stage.report(selection)
    }

    fn compare_report(&mut self, selection: &Selection) {
        self.compared.reports += 1;
        let report = self.report(selection);
        let scope = selection.scope;
        let mut overall = Overall::Success;
        let of_startup = |name: &String| self.model.checks[name].spec.options.startup;
        for (name, check) in &self.model.checks {
            if !scope.has(&check.spec.options) {
                assert!(report.get(name).is_none(), "`{name}` isn't asked for");
                continue;
            }
            let result = report.get(name).expect("it is asked for");
            let mut expected = self.model.status(name).unwrap_or(match scope {
                Scope::Liveness => Status::Pass,
                _ => Status::Fail,
            });
            if scope == Scope::Startup && check.latched && !check.is_set(self.model.now) {
                assert!(result.passed, "`{name}` has passed its startup check");
                expected = result.status;
            }
            assert_eq!(result.status, expected, "`{name}` in the report: {result:?}");
            overall = overall.max(match result.status {
                Status::Pass => Overall::Success,
                Status::Warn => Overall::Degraded,
                Status::Fail => self.model.weight(name, scope),
            });
            let is_blocked = !check.is_set(self.model.now) && self.model.is_blocked(name);
            if result.overridden.is_none() {
                let latched = scope == Scope::Startup && check.latched;
                assert_eq!(result.blocked_by.is_some(), is_blocked && !latched, "{result:?}");
            }
            if !result.passed {
                assert_eq!(result.consecutive_failures, check.failures_in_a_row, "{result:?}");
            }
        }
        if scope == Scope::Readiness {
            let starting = self
                .model
                .checks
                .keys()
                .filter(|name| of_startup(name))
                .any(|name| {
                    let check = &self.model.checks[name];
                    let set = check.set.filter(|(_, until)| self.model.now < *until);
                    !check.latched
                        && self.model.weight(name, Scope::Startup) == Overall::Failure
                        && set.is_none_or(|(status, _)| status == Status::Fail)
                });
            if self.draining || self.maintained || starting {
                overall = Overall::Failure;
            }
            assert_eq!(
                report.reason.is_some(),
                self.draining || self.maintained || starting
            );
        }
        if scope == Scope::Liveness {
            let observed = report.get("z").map_or(Status::Pass, |observed| observed.status);
            overall = overall.max(Overall::Success.max(match observed {
                Status::Pass => Overall::Success,
                Status::Warn => Overall::Degraded,
                Status::Fail => Overall::Failure,
            }));
        }
        assert_eq!(report.status, overall, "{report:#?}");
    }

    /// Ends the sequence of random events: makes all runs pass, and sends ticks as a driver does. Asserts that the
    /// `World` recovers, and that no run, request or waker is left.
    fn come_to_rest(&mut self) {
        self.hanging.clear();
        let names: Vec<String> = self.model.checks.keys().cloned().collect();
        for name in &names {
            self.set_override(name, None);
        }
        for _ in 0..12 {
            self.end_all_well();
            self.pass_time(31_000);
            self.happen(Event::Tick {
                runtime: Some(RUNTIME.runtime),
                driver: Some(RUNTIME),
            });
            self.ask(&Selection::all(), RUNTIME);
        }
        self.end_all_well();
        let world = &self.stage.world;
        let mut status = Overall::Success;
        for name in &names {
            // A check that belongs only to the startup probe runs until one run passes or warns. The check never runs
            // again after that run. If that run warned, the warning stays.
            if self.model.checks[name].is_over() && self.stage.status(name) == Some(Status::Warn) {
                status = Overall::Degraded;
            } else {
                assert_eq!(
                    self.stage.status(name),
                    Some(Status::Pass),
                    "`{name}` doesn't recover"
                );
            }
            assert!(!self.stage.goes_on(name), "`{name}` has a run that nobody ends");
        }
        assert!(self.stage.waiting.is_empty(), "a request waits for ever");
        assert!(world.waiters.is_empty(), "the waker of a request stays");
        assert!(world.ghosts.is_empty(), "a run of a removed check stays");
        assert_eq!(world.stuck_runs(), 0);
        assert_eq!(self.report(&Selection::all()).status, status);
        if !names.is_empty() {
            assert_eq!(world.whole.status, Some(status.as_status()));
        }
        let sequences: Vec<u64> = world
            .history()
            .iter()
            .map(|transition| transition.sequence)
            .collect();
        assert!(sequences.is_sorted_by(|one, other| one < other), "{sequences:?}");
    }

    fn end_all_well(&mut self) {
        // The end of a run can start other runs, and we end those runs too. The maximum number of rounds turns an
        // endless chain of runs into a failing assertion.
        for _ in 0..4 * NAMES.len() {
            let Some((&run, live)) = self.stage.live.iter().next() else {
                return;
            };
            if live.cancelled {
                self.end(run, |check, run| Event::Ended { check, run });
            } else {
                self.end(run, |check, run| Event::Returned {
                    check,
                    run,
                    status: Status::Pass,
                    output: Value::Null,
                });
            }
        }
        assert!(self.stage.live.is_empty(), "one run starts another, for ever");
    }
}

fn live(seed: u64, traced: bool) -> (u64, Compared) {
    let _life = Life(seed);
    let mut pair = Pair::new(seed);
    pair.stage.traced = traced;
    let steps = 1 + pair.random.next() % LONGEST;
    while pair.steps < steps {
        pair.happens_at_random();
    }
    pair.come_to_rest();
    pair.compared.answers = pair.stage.answered;
    (pair.steps, pair.compared)
}

/// Applies many random sequences of events to a `World` and its model. The test uses the same seeds in each execution,
/// so it doesn't fail at random.
///
/// `HEALTHCHECK_STATE_RANDOM=1` selects other seeds. `HEALTHCHECK_WORLD_LIFE=<seed>` runs only the sequence of one seed
/// and prints its events.
#[test]
#[expect(clippy::print_stdout, reason = "how much was tried")]
fn whatever_happens_the_world_says_what_a_plain_model_says() {
    if let Some(seed) = std::env::var("HEALTHCHECK_WORLD_LIFE")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        live(seed, true);
        return;
    }
    let first = if std::env::var_os("HEALTHCHECK_STATE_RANDOM").is_some() {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(0_u8) >> 8
    } else {
        0
    };
    let (mut steps, mut lives) = (0, 0);
    let mut all = Compared::default();
    while steps < STEPS {
        let (lived, compared) = live(first + lives, false);
        steps += lived;
        lives += 1;
        all.events += compared.events;
        all.runs += compared.runs;
        all.answers += compared.answers;
        all.reports += compared.reports;
        all.transitions += compared.transitions;
        all.statuses += compared.statuses;
        all.launches += compared.launches;
        all.spared += compared.spared;
    }
    println!("{steps} random steps in {lives} lives: {all:?}");
    // If almost nothing happened in these sequences, a wrong model would agree with the `World` too.
    assert!(
        all.runs > steps / 20 && all.transitions > steps / 20 && all.spared > steps / 20,
        "{all:?}"
    );
}
