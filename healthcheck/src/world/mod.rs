//! [`World`] is the state of all checks and sections of a `HealthCheck`. [`step()`] applies an event to the `World`,
//! for example a new request or the end of a run.
//!
//! The code in this module never waits, locks, spawns, logs or reads a clock. Each function depends only on the
//! `World`, an event and the event's time, so a test can simulate hours in milliseconds.
//!
//! The runner (`runner/`) keeps the `World` under a lock, runs the checks, and carries out the effects that a step
//! returns.

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
pub(crate) use event::{Effects, Event, Notice, Progress, Request, Start, Wait, Wording};
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

/// The `World` keeps at most this number of warnings that the service has added. If a warning contains a number that
/// changes, each new number makes another warning. Without this limit, the list could grow forever.
const MOST_WARNINGS: usize = 64;

#[derive(Debug)]
pub(crate) struct World {
    /// All checks and sections, indexed by their id. An entry that is `None` is free for a new check or section.
    checks: Vec<Option<Check>>,
    free: Vec<CheckId>,
    /// The ids of the checks, sorted by name. Sections aren't in this list.
    by_name: Vec<CheckId>,
    /// The ids of the sections, sorted by name.
    sections: Vec<CheckId>,
    probes: [Shared<Members>; Scope::EVERY.len()],
    /// The disabled checks by name. A disabled check never runs. Probes ignore its name instead of returning an error.
    disabled: BTreeMap<String, Shared<CheckInfo>>,
    /// The runs of removed checks that haven't ended yet. Each run has the name of the check that was removed.
    ghosts: HashMap<RunId, String>,
    observations: BTreeMap<String, CheckResult>,
    observed: BTreeMap<String, Record>,
    whole: Record,
    maintenance: Option<String>,
    maintained: Record,
    draining: bool,
    tally: Tally,
    reminded: Option<Instant>,
    /// Warnings from the build of the registry. Reports also show the warnings of the next two fields.
    /// `absence_warnings` are about dependencies that don't exist, and `added_warnings` come from the service.
    built_warnings: Vec<String>,
    absence_warnings: Vec<String>,
    added_warnings: VecDeque<String>,
    gates: BTreeMap<u64, Gate>,
    latest_gate: u64,
    gates_failed_open: u64,
    /// For each check, the wakers to call when a run of the check ends or its status changes. The number identifies the
    /// waiter or request that registered the waker.
    waiters: BTreeMap<CheckId, Vec<(u64, Waker)>>,
    /// For each check, the next time at which its status can change without an event.
    moments: Agenda,
    /// The deadlines of the current runs. If a run is still in progress at its deadline, the next tick handles the run.
    deadlines: Agenda,
    /// Overdue runs that a tick from another runtime has found. For a short grace period, the run's own runtime can
    /// still end the run.
    in_grace: Vec<(CheckId, RunId)>,
    /// The time of each check's next background run.
    intervals: Agenda,
    /// The number of checks that have an interval.
    loops: usize,
    /// Whether the background loops have begun, that is, whether a driver has ever sent a tick.
    looping: bool,
    jitter: Jitter,
    /// A counter. Each change of the set of checks and sections increments it.
    population: u64,
    latest_run: RunId,
    sequence: u64,
    /// A counter. Each change of a value that reports show increments it.
    generation: u64,
    /// Whether a listener or the log wants a notice about each run.
    pub(crate) wants_run_notices: bool,
}

impl World {
    /// Creates an empty `World`. `warnings` are the warnings from the build of the registry. `drawn` is the seed of the
    /// jitter, which varies the intervals of the background runs.
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
            waiters: BTreeMap::new(),
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
            wants_run_notices: false,
        }
    }

    /// Returns the check with this id. Panics if the check was removed.
    ///
    /// Removing a check also removes its id from all lists of the `World`, so each id in these lists is valid.
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

    /// Returns a new id for the next run.
    const fn next_run_id(&mut self) -> RunId {
        self.latest_run = RunId(self.latest_run.0.saturating_add(1));
        self.latest_run
    }

    /// Returns the subject that has this id. A subject is either a check with its info or a section with its name.
    pub(crate) fn subject(&self, id: CheckId) -> Option<&Subject> {
        self.get(id).map(|check| &check.subject)
    }

    /// Returns whether the check's current run has timed out but hasn't ended.
    pub(crate) fn has_timed_out(&self, id: CheckId) -> bool {
        self.get(id).is_some_and(Check::is_stuck)
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns whether a background run is scheduled, or will be scheduled when the background loops begin.
    pub(crate) fn has_loops(&self) -> bool {
        self.intervals.next().is_some() || !self.looping && self.loops > 0
    }

    /// Removes and returns the wakers of all waiters and requests.
    pub(crate) fn take_waiters(&mut self) -> Vec<Waker> {
        let waiting = std::mem::take(&mut self.waiters).into_values().flatten();
        waiting.map(|(_, waker)| waker).collect()
    }

    /// Returns the number of the runtime of each current run. The same number can appear several times.
    pub(crate) fn runtimes_in_use(&self) -> impl Iterator<Item = u32> {
        let runs = self
            .checks
            .iter()
            .flatten()
            .filter_map(|check| check.run.as_ref());
        runs.map(|run| run.runs_on.runtime)
    }

    /// Returns the time at which the `World` needs the next tick, unless an event happens earlier. Background runs
    /// aren't considered.
    pub(crate) fn next_moment(&self) -> Option<Instant> {
        earlier(self.moments.next(), self.deadlines.next())
    }

    /// Returns whether the `World` needs a tick now. It always needs a tick while a run is in its grace period, which
    /// begins at the run's deadline. If the tick comes from the run's own runtime, the tick ends the run.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.in_grace.is_empty() || self.next_moment().is_some_and(|at| now >= at)
    }

    /// Returns the time of the next tick that the driver has to send. Unlike [`next_moment`](Self::next_moment), this
    /// also considers the background runs, which only a driver starts.
    pub(crate) fn next_of_driver(&self) -> Option<Instant> {
        let next = earlier(self.intervals.next(), self.deadlines.next())?;
        // A driver that has runs to handle also sends a tick when a status can change with time.
        earlier(Some(next), self.moments.next())
    }

    /// Returns the info of each check, sorted by name.
    pub(crate) fn infos(&self) -> impl Iterator<Item = &Shared<CheckInfo>> {
        self.by_name.iter().filter_map(|&id| self.check(id).info())
    }

    /// Returns the info of each disabled check, sorted by name.
    pub(crate) fn disabled(&self) -> impl Iterator<Item = &Shared<CheckInfo>> {
        self.disabled.values()
    }

    pub(crate) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.contains_key(name)
    }

    pub(crate) fn info(&self, id: CheckId) -> Option<&Shared<CheckInfo>> {
        self.get(id)?.info()
    }

    /// Returns the name and id of each section, sorted by name.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, CheckId)> {
        self.sections.iter().map(|&id| (self.check(id).name(), id))
    }

    pub(crate) fn maintenance(&self) -> Option<&str> {
        self.maintenance.as_deref()
    }

    pub(crate) fn observations(&self) -> impl Iterator<Item = &CheckResult> {
        self.observations.values()
    }

    /// Returns all transitions that the `World` has kept, the oldest transition first.
    pub(crate) fn history(&self) -> Vec<Transition> {
        let checks = self.checks.iter().flatten().map(|check| &check.record);
        let others = self.observed.values().chain([&self.whole, &self.maintained]);
        let mut all: Vec<Transition> = checks.chain(others).flat_map(Record::history).cloned().collect();
        all.sort_unstable_by_key(|transition| transition.sequence);
        all
    }

    /// Returns the number of runs that take too long and haven't ended. The runs of removed checks are included.
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

    /// Returns the failing dependency that blocks the check, or `None` if the check isn't blocked. The `World` doesn't
    /// run a blocked check.
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

/// A random number generator that varies intervals by ± 10 %. Without this variation, instances of the service that
/// start at the same time would always run their checks at the same time.
///
/// The generator isn't meant for secrets.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    fn around(&mut self, duration: std::time::Duration) -> std::time::Duration {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let share = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        // If the varied duration would overflow a `Duration`, we return the original duration.
        std::time::Duration::try_from_secs_f64(duration.as_secs_f64() * (0.9 + 0.2 * share))
            .unwrap_or(duration)
    }
}
