//! All checks and sections of a `HealthCheck` with their state: one value, changed by [`step()`] alone.
//!
//! Nothing here waits, locks, spawns, logs or reads a clock. Every function depends on the world, an event and the moment
//! at which it happens, so a test drives hours of it in milliseconds. The runner (`runner/`) holds the world under a lock,
//! runs the checks and carries the effects out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU64;
use std::task::Waker;

use crate::model::CheckInfo;
use crate::model::Shared;
use crate::model::time::Instant;
use crate::report::CheckResult;
use crate::selection::Scope;
use crate::statistics::CheckStatistics;
use crate::transition::Transition;

mod agenda;
mod check;
mod event;
mod freshness;
mod gate;
pub(crate) mod graph;
mod id;
mod members;
mod population;
mod record;
mod shown;
mod snapshot;
mod status;
mod step;
#[cfg(test)]
mod tests;
mod verdict;
mod whole;

use agenda::Agenda;
use check::Check;
pub(crate) use check::{Override, RunsOn, Subject};
pub(crate) use event::{Effects, Event, Notice, Progress, Request, Wait, Wording};
pub(crate) use freshness::{Expiration, earlier};
use gate::Gate;
pub(crate) use gate::{Admission, GateId};
pub(crate) use id::{CheckId, RunId};
pub(crate) use members::Members;
pub(crate) use population::{NO_CHECKS, NewCheck};
pub(crate) use record::FLAPPING;
use record::Record;
use shown::Blocker;
pub(crate) use snapshot::{Asked, NotRun};
pub(crate) use step::step;
use whole::Tally;

/// So many warnings that were added by hand are kept: one that names a number is another one each time.
const MOST_WARNINGS: usize = 64;

#[derive(Debug)]
pub(crate) struct World {
    /// By number; `None` is free.
    checks: Vec<Option<Check>>,
    free: Vec<CheckId>,
    /// Those that are checks, by name.
    by_name: Vec<CheckId>,
    /// Those that are sections, by name.
    sections: Vec<CheckId>,
    probes: [Shared<Members>; Scope::EVERY.len()],
    /// Checks that were taken out of the service: absent, and known by name.
    disabled: BTreeMap<String, Shared<CheckInfo>>,
    /// Runs of removed checks that haven't ended, and the names of those checks.
    ghosts: HashMap<RunId, String>,
    observations: BTreeMap<String, CheckResult>,
    observed: BTreeMap<String, Record>,
    whole: Record,
    maintenance: Option<String>,
    maintained: Record,
    draining: bool,
    tally: Tally,
    reminded: Option<Instant>,
    /// From the build; from absent dependencies; added since.
    built_warnings: Vec<String>,
    absence_warnings: Vec<String>,
    added_warnings: VecDeque<String>,
    gates: BTreeMap<u64, Gate>,
    latest_gate: u64,
    gates_failed_open: u64,
    /// Those that each check wakes: requests once nothing goes on in it, others with each change of its status.
    waiters: HashMap<CheckId, Vec<(u64, Waker)>>,
    /// When the status of a check changes by time alone.
    moments: Agenda,
    /// When a run is to be looked at.
    deadlines: Agenda,
    /// Runs past their limit that another runtime has found: their own one has a moment left to end them.
    in_grace: Vec<(CheckId, RunId)>,
    /// When a loop runs its check next.
    intervals: Agenda,
    /// How many checks have an interval.
    loops: usize,
    /// Whether the background loops have begun.
    looping: bool,
    jitter: Jitter,
    /// Counts how often checks have come or gone.
    population: u64,
    latest_run: RunId,
    sequence: u64,
    /// Counts each change of anything that a report shows.
    generation: u64,
    /// Whether somebody wants to hear of each run.
    pub(crate) tell_runs: bool,
}

impl World {
    /// An empty world with these warnings of the build. The number is for the jitter of the loops.
    pub(crate) fn new(warnings: Vec<String>, drawn: u64) -> Self {
        Self {
            checks: Vec::new(),
            free: Vec::new(),
            by_name: Vec::new(),
            sections: Vec::new(),
            probes: std::array::from_fn(|_| Shared::default()),
            disabled: BTreeMap::new(),
            ghosts: HashMap::new(),
            observations: BTreeMap::new(),
            observed: BTreeMap::new(),
            whole: Record::default(),
            maintenance: None,
            maintained: Record::default(),
            draining: false,
            tally: Tally::default(),
            reminded: None,
            built_warnings: warnings,
            absence_warnings: Vec::new(),
            added_warnings: VecDeque::new(),
            gates: BTreeMap::new(),
            latest_gate: 0,
            gates_failed_open: 0,
            waiters: HashMap::new(),
            moments: Agenda::default(),
            deadlines: Agenda::default(),
            in_grace: Vec::new(),
            intervals: Agenda::default(),
            loops: 0,
            looping: false,
            jitter: Jitter(drawn | 1),
            population: 0,
            latest_run: RunId(NonZeroU64::MIN),
            sequence: 0,
            generation: 0,
            tell_runs: false,
        }
    }

    /// A check that is there. Numbers are given out by the world and taken back with the check, so one that a list of
    /// the world names is there.
    fn check(&self, id: CheckId) -> &Check {
        match self.get(id) {
            Some(check) => check,
            None => unreachable!("a list of the world names a check that was removed"),
        }
    }

    fn get(&self, id: CheckId) -> Option<&Check> {
        self.checks.get(id.index())?.as_ref()
    }

    fn get_mut(&mut self, id: CheckId) -> Option<&mut Check> {
        self.checks.get_mut(id.index())?.as_mut()
    }

    /// The number of a new run.
    const fn next_run_id(&mut self) -> RunId {
        self.latest_run = RunId(self.latest_run.0.saturating_add(1));
        self.latest_run
    }

    /// What a check or section is.
    pub(crate) fn subject(&self, id: CheckId) -> Option<&Subject> {
        self.get(id).map(|check| &check.subject)
    }

    /// Whether a run of it goes on that is past its limit.
    pub(crate) fn has_timed_out(&self, id: CheckId) -> bool {
        self.get(id).is_some_and(Check::is_stuck)
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a loop has anything to run, now or later.
    pub(crate) fn has_loops(&self) -> bool {
        self.intervals.next().is_some() || !self.looping && self.loops > 0
    }

    /// Those who wait for anything.
    pub(crate) fn take_waiters(&mut self) -> Vec<Waker> {
        let waiting = std::mem::take(&mut self.waiters).into_values().flatten();
        waiting.map(|(_, waker)| waker).collect()
    }

    /// The runtimes that runs which go on were launched on.
    pub(crate) fn runtimes_in_use(&self) -> impl Iterator<Item = u32> {
        let runs = self
            .checks
            .iter()
            .flatten()
            .filter_map(|check| check.run.as_ref());
        runs.map(|run| run.runs_on.runtime)
    }

    /// When somebody has to look at the world, if nothing happens before.
    pub(crate) fn next_moment(&self) -> Option<Instant> {
        earlier(self.moments.next(), self.deadlines.next())
    }

    /// Whether somebody has to look at the world now. Of what is in grace every look may be that of its own runtime.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.in_grace.is_empty() || self.next_moment().is_some_and(|at| now >= at)
    }

    /// When a driver has to look at it: the intervals are its affair.
    pub(crate) fn next_of_driver(&self) -> Option<Instant> {
        let next = earlier(self.intervals.next(), self.deadlines.next())?;
        // While there is something to drive, it keeps the statuses up to date as well.
        earlier(Some(next), self.moments.next())
    }

    /// The info of each check, by name.
    pub(crate) fn infos(&self) -> impl Iterator<Item = &Shared<CheckInfo>> {
        self.by_name.iter().filter_map(|&id| self.check(id).info())
    }

    /// The info of each disabled check, by name.
    pub(crate) fn disabled(&self) -> impl Iterator<Item = &Shared<CheckInfo>> {
        self.disabled.values()
    }

    pub(crate) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.contains_key(name)
    }

    pub(crate) fn info(&self, id: CheckId) -> Option<&Shared<CheckInfo>> {
        self.get(id)?.info()
    }

    /// The sections by name, in that order.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, CheckId)> {
        self.sections.iter().map(|&id| (self.check(id).name(), id))
    }

    pub(crate) fn maintenance(&self) -> Option<&str> {
        self.maintenance.as_deref()
    }

    pub(crate) fn observations(&self) -> impl Iterator<Item = &CheckResult> {
        self.observations.values()
    }

    /// Every transition that is kept, in the order in which they happened.
    pub(crate) fn history(&self) -> Vec<Transition> {
        let checks = self.checks.iter().flatten().map(|check| &check.record);
        let others = self.observed.values().chain([&self.whole, &self.maintained]);
        let mut all: Vec<Transition> = checks.chain(others).flat_map(Record::history).cloned().collect();
        all.sort_unstable_by_key(|transition| transition.sequence);
        all
    }

    /// How many runs are past what they may take and haven't ended.
    pub(crate) fn stuck_runs(&self) -> usize {
        let stuck = |check: &&Check| check.is_stuck() || check.silent_since().is_some();
        let ghosts = self.ghosts.values().filter(|name| self.find(name).is_none());
        self.checks.iter().flatten().filter(stuck).count() + ghosts.count()
    }

    pub(crate) fn statistics(&self, now: crate::model::time::Now) -> Vec<CheckStatistics> {
        let checks = self.by_name.iter().map(|&id| self.check(id));
        let counted = checks.map(|check| CheckStatistics {
            checker: check.name().to_owned(),
            passes: check.counts.pass,
            warnings: check.counts.warn,
            failures: check.counts.fail,
            transitions: check.record.count(),
            outdated: check.is_outdated(now),
        });
        counted.collect()
    }

    /// The dependency that keeps a check from being run.
    fn blocker(&self, check: &Check) -> Option<Blocker> {
        if check.depends_on.is_empty() || check.is_over() {
            return None;
        }
        let mut failing = check
            .depends_on
            .iter()
            .filter(|&&on| self.check(on).shown.fails());
        let first = *failing.next()?;
        let is_shared = |&on: &CheckId| {
            let on = self.check(on);
            on.info().is_some_and(|info| whole::is_shared(info, on.shown))
        };
        Some(Blocker {
            check: first,
            shared: is_shared(&first) && failing.all(is_shared),
        })
    }
}

/// ± 10 %, so that a fleet started together doesn't beat in step. Nothing secret hangs on it.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    fn around(&mut self, duration: std::time::Duration) -> std::time::Duration {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let share = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        // Too long for seconds in floating point is too long for jitter to matter.
        std::time::Duration::try_from_secs_f64(duration.as_secs_f64() * (0.9 + 0.2 * share))
            .unwrap_or(duration)
    }
}
