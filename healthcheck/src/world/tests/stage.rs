//! `Stage`: a `World` for a test, with a simulated runner. The stage keeps the launched runs until the test ends them.
//! After every event, the stage asserts the invariants of the `World`.
//!
//! The stage polls a request only after the request's waker was called or the request's deadline has passed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::super::check::Phase;
use super::super::{
    Asked, CheckId, Event, NewCheck, Notice, Progress, Request, RunId, RunsOn, Subject, Wait, World, step,
};
use crate::model::policy::{Policy, Ttl};
use crate::model::time::{Instant, Now};
use crate::model::{CheckInfo, CheckOptions, Shared};
use crate::outcome::Status;
use crate::report::Report;
use crate::selection::{MaxAge, Selection};
use crate::transition::Transition;

/// The runtime that tests use if it doesn't matter on which runtime a run is launched.
pub(super) const RUNTIME: RunsOn = RunsOn {
    runtime: 1,
    chosen: false,
};

/// The name and the options of a check that a test adds to its `World`.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) options: CheckOptions,
    pub(super) is_async: bool,
}

impl Spec {
    pub(super) fn new(name: &str) -> Self {
        let spec = Self {
            name: name.to_owned(),
            options: CheckOptions::default(),
            is_async: true,
        };
        spec.with(|options| options.readiness = true)
    }

    pub(super) fn with(mut self, set: impl FnOnce(&mut CheckOptions)) -> Self {
        set(&mut self.options);
        self
    }

    pub(super) fn depends_on(self, names: &[&str]) -> Self {
        self.with(|options| options.depends_on = names.iter().map(|&name| name.to_owned().into()).collect())
    }

    pub(super) fn policy(&self) -> Policy {
        let options = &self.options;
        let ttl = |own: Option<Option<Duration>>, default: u64| match own {
            Some(lasts) => Ttl::chosen(lasts),
            None => Ttl {
                lasts: Some(Duration::from_secs(default)),
                chosen: false,
            },
        };
        Policy {
            limit: options.timeout.unwrap_or(Some(Duration::from_secs(5))),
            success_ttl: ttl(options.success_ttl, 27),
            failed_ttl: ttl(options.failed_ttl, 9),
            interval: options.interval,
            initial_delay: options.initial_delay,
            failure_threshold: options.failure_threshold,
            success_threshold: options.success_threshold,
            warn_threshold: 1,
            fail_after: options.fail_after,
            latches: options.startup,
            only_startup: options.startup && !options.readiness && !options.liveness,
        }
    }

    fn into_new(self) -> NewCheck {
        let policy = Shared::new(self.policy());
        let mut info = CheckInfo::by_hand(self.name, std::panic::Location::caller());
        *info.options_mut() = self.options;
        NewCheck {
            subject: Subject::Check(Shared::new(info)),
            policy,
            is_async: self.is_async,
        }
    }
}

/// A run that the `World` has launched and that hasn't ended.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) check: CheckId,
    pub(super) name: String,
    /// Whether the simulated runner has called the check's function.
    pub(super) begun: bool,
    /// Whether the `World` has cancelled the run.
    pub(super) cancelled: bool,
}

/// A request that is still waiting for runs.
pub(super) struct Waiting {
    request: Request,
    bell: Arc<Bell>,
    waker: Waker,
    until: Option<Instant>,
}

impl Waiting {
    pub(super) fn waits(&self) -> Vec<CheckId> {
        self.request.waits.iter().map(|wait| wait.check).collect()
    }
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) now: Now,
    /// The launched runs that haven't ended, sorted by id. Tests pick runs from this map at random. The fixed order
    /// lets the same seed always pick the same runs.
    pub(super) live: BTreeMap<RunId, Live>,
    pub(super) waiting: Vec<Waiting>,
    /// The notices for listeners and the log since the test last cleared or took this list.
    pub(super) notices: Vec<Notice>,
    /// Whether the `World` has got a tick since the test last reset this field.
    pub(super) ticked: bool,
    /// Whether to print each event, for debugging.
    pub(super) traced: bool,
    /// The number of events that the `World` has handled so far.
    pub(super) events: u64,
    /// The number of requests that have ended because all their runs ended.
    pub(super) answered: u64,
    /// The number of runs that the `World` has launched so far.
    pub(super) launched: u64,
    waits: Vec<Wait>,
    latest_request: u64,
    latest_run: Option<RunId>,
    sequence: u64,
    told: HashMap<Option<String>, Status>,
}

impl Stage {
    pub(super) fn new(specs: Vec<Spec>, seed: u64) -> Self {
        let now = Now {
            mono: Instant::now(),
            wall: UNIX_EPOCH + Duration::from_secs(1_600_000_000),
        };
        let mut world = World::new(Vec::new(), seed);
        world.wants_run_notices = true;
        world.add(specs.into_iter().map(Spec::into_new).collect(), now);
        Self {
            world,
            now,
            live: BTreeMap::new(),
            waiting: Vec::new(),
            notices: Vec::new(),
            ticked: false,
            traced: false,
            events: 0,
            answered: 0,
            launched: 0,
            waits: Vec::new(),
            latest_request: 0,
            latest_run: None,
            sequence: 0,
            told: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, spec: Spec) {
        let now = self.now;
        let added = self.world.add(vec![spec.into_new()], now);
        self.step(Event::Added(&added));
    }

    pub(super) fn id(&self, name: &str) -> CheckId {
        self.world.find(name).expect("the check is there")
    }

    /// Advances the monotonic clock and the wall clock by this duration, without sending an event.
    pub(super) fn pass_time(&mut self, by: Duration) {
        self.now.mono += by;
        self.now.wall += by;
    }

    pub(super) fn set_wall_clock(&mut self, to: SystemTime) {
        self.now.wall = to;
    }

    /// Applies an event to the `World`, then polls the requests whose waker the `World` has called.
    pub(super) fn happen(&mut self, event: Event<'_>) {
        self.step(event);
        self.poll_requests();
    }

    pub(super) fn step(&mut self, event: Event<'_>) {
        self.events += 1;
        if self.traced {
            self.trace(&event);
        }
        self.ticked |= matches!(event, Event::Tick { .. });
        let effects = step(&mut self.world, event, self.now);
        for start in effects.start {
            self.launched += 1;
            let name = self.world.check(start.check).name().to_owned();
            let twice = self.live.values().any(|live| live.name == name);
            assert!(!twice, "`{name}` is run twice at once");
            assert!(self.latest_run < Some(start.run) || !self.live.contains_key(&start.run));
            self.latest_run = self.latest_run.max(Some(start.run));
            let live = Live {
                check: start.check,
                name,
                begun: true,
                cancelled: false,
            };
            self.live.insert(start.run, live);
        }
        for (_, run) in effects.cancel {
            if let Some(live) = self.live.get_mut(&run) {
                live.cancelled = true;
            }
        }
        effects.wakers.into_iter().for_each(Waker::wake);
        for notice in effects.notices {
            if let Notice::Transition { transition, .. } = &notice {
                self.check_transition(transition);
            }
            self.notices.push(notice);
        }
        self.waits.extend(effects.waits);
        for (check, run) in effects.overdue {
            let begun = self.live.get(&run).is_none_or(|live| live.begun);
            self.step(Event::Overdue { check, run, begun });
        }
        let most = 2 * self.world.checks.len() + 64;
        let World {
            moments,
            deadlines,
            intervals,
            ..
        } = &self.world;
        for length in [moments.len(), deadlines.len(), intervals.len()] {
            assert!(length <= most, "an agenda grows without bound: {length}");
        }
    }

    #[expect(clippy::print_stdout, reason = "for those who look at one life")]
    pub(super) fn trace(&self, event: &Event<'_>) {
        println!("{event:?}");
        for check in self.world.checks.iter().flatten() {
            let run = check.run.as_ref().map(|run| (run.id, &run.phase, run.silent));
            let last = check
                .last
                .as_ref()
                .map(|last| (last.status, self.now.since(last.at.mono)));
            println!(
                "    {}: {:?}, last {last:?}, run {run:?}",
                check.name(),
                check.shown
            );
        }
    }

    /// Asserts that the transition's `from` is the `to` of the check's previous transition, and that the sequence
    /// numbers have no gap.
    fn check_transition(&mut self, transition: &Transition) {
        self.sequence += 1;
        assert_eq!(transition.sequence, self.sequence, "{transition:?}");
        assert_ne!(transition.from, Some(transition.to), "{transition:?}");
        // A transition of maintenance has no check name, and neither has a transition of the overall status. The
        // `World` records these two kinds separately, so we must not compare them with each other.
        if transition.by == crate::transition::Cause::Maintenance {
            return;
        }
        let before = self.told.insert(transition.checker.clone(), transition.to);
        if before.is_some() {
            assert_eq!(transition.from, before, "{transition:?}");
        }
        let is_known = matches!(transition.from, None | Some(Status::Pass));
        assert!(before.is_some() || is_known, "{transition:?}");
    }

    pub(super) fn forget_transitions_of(&mut self, name: &str) {
        self.told.remove(&Some(name.to_owned()));
    }

    /// Starts a request for the selection, and polls the request.
    pub(super) fn ask(&mut self, selection: &Selection, runs_on: RunsOn) {
        let (_, required) = self.world.required(selection).expect("its checks are there");
        self.begin_request(&required, selection.max_age, runs_on);
        self.poll_requests();
    }

    pub(super) fn begin_request(&mut self, required: &[CheckId], max_age: Option<MaxAge>, runs_on: RunsOn) {
        self.step(Event::Asked {
            required,
            max_age,
            runs_on,
        });
        let waits = std::mem::take(&mut self.waits);
        self.latest_request += 1;
        let bell = Arc::new(Bell(AtomicBool::new(true)));
        self.waiting.push(Waiting {
            request: Request::new(self.latest_request, self.now.mono, waits),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
            until: None,
        });
    }

    fn poll_requests(&mut self) {
        while self.poll_next_request() {}
    }

    /// Polls one request whose waker was called or whose deadline has passed. Returns false if there is no such
    /// request. If the `World` needs a tick, sends a tick before the poll, as the runner does.
    pub(super) fn poll_next_request(&mut self) -> bool {
        let now = self.now;
        let is_called = |waiting: &Waiting| {
            waiting.until.is_some_and(|until| until <= now.mono) || waiting.bell.0.load(Ordering::Relaxed)
        };
        let Some(place) = self.waiting.iter().position(is_called) else {
            return false;
        };
        if self.world.next_moment().is_some_and(|at| at <= now.mono) {
            self.step(Event::Tick {
                runtime: Some(RUNTIME.runtime),
                driver: None,
            });
        }
        let loops = self.world.looping;
        let waiting = &mut self.waiting[place];
        waiting.bell.0.store(false, Ordering::Relaxed);
        let waker = waiting.waker.clone();
        match self.world.progress(&mut waiting.request, now, loops, &waker) {
            Progress::Wait(until) => {
                assert!(
                    until.is_none_or(|until| until > now.mono),
                    "it would be polled for ever"
                );
                waiting.until = until;
            }
            Progress::Done | Progress::Lost(_) => {
                self.answered += 1;
                self.waiting.remove(place);
            }
        }
        true
    }

    /// Removes the waiting request with the index `place`. If `missed` is true, the request is answered while its runs
    /// are still in progress.
    pub(super) fn leave(&mut self, place: usize, missed: bool) {
        let mut waiting = self.waiting.remove(place);
        if missed {
            self.step(Event::Missed(&waiting.waits()));
        }
        self.world.leave(&mut waiting.request);
    }

    /// Returns the launched run of the check with this name. Returns `None` if the check has no such run.
    pub(super) fn run_of(&self, name: &str) -> Option<RunId> {
        let mut runs = self.live.iter().filter(|(_, live)| live.name == name);
        runs.next().map(|(&run, _)| run)
    }

    pub(super) fn end_run(&mut self, run: RunId, status: Status) {
        if let Some(live) = self.live.remove(&run) {
            self.happen(Event::Returned {
                check: live.check,
                run,
                status,
                output: Value::Null,
            });
        }
    }

    /// Ends all launched runs with this status. If the `World` then launches further runs, ends those too.
    pub(super) fn end_all(&mut self, status: Status) {
        while let Some((&run, _)) = self.live.first_key_value() {
            self.end_run(run, status);
        }
    }

    pub(super) fn tick(&mut self) {
        self.happen(Event::Tick {
            runtime: Some(RUNTIME.runtime),
            driver: None,
        });
    }

    pub(super) fn status(&self, name: &str) -> Option<Status> {
        self.world.check(self.id(name)).shown.status
    }

    /// Returns whether the check with this name has a current run, in any phase.
    pub(super) fn goes_on(&self, name: &str) -> bool {
        self.world.check(self.id(name)).run.is_some()
    }

    pub(super) fn is_stuck(&self, name: &str) -> bool {
        let run = self.world.check(self.id(name)).run.as_ref();
        run.is_some_and(|run| matches!(run.phase, Phase::TimedOut { .. }))
    }

    pub(super) fn report(&self, selection: &Selection) -> Report {
        let members = self.world.members(selection).expect("its checks are there");
        self.world
            .report("host", &members, &Asked::new(selection, self.now, self.now))
    }
}
