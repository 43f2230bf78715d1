//! Runs the checks of a [`World`]: one lock, the tasks and threads that run the users' code, and the effects.
//!
//! Every event goes through [`Runner::step`]: it takes the lock, reads the clock, changes the world, and
//! releases the lock before it carries out the effects. Their order is: start, wake, then tell. Telling
//! means to put something into a bounded queue; lines and events leave it on threads of their own (`telling`).

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::Now;
use crate::error::{BuildError, SelectionError};
use crate::model::CheckInfo;
use crate::redact::Redaction;
use crate::register::Added;
use crate::run::Run;
use crate::selection::Selection;
use crate::world::{
    self, CheckId, Effects, Event, GateId, NewCheck, Notice, RunId, RunsOn, Start, Wait, World,
};

mod ask;
mod cache_padded;
mod call;
mod driver;
mod launch;
mod lines;
mod paused_time;
mod read;
pub(crate) mod telling;
#[cfg(test)]
mod tests;
mod threads;
mod waiting;

pub(crate) use ask::{Settled, Target};
use cache_padded::CachePadded;
pub(crate) use call::LONGEST_OUTPUT;
use launch::{Batch, Cell, RunHandle};
pub(crate) use launch::{CurrentCheck, is_inside_a_check};
pub(crate) use read::{Reading, Snapshot};
use telling::Telling;
use threads::Threads;
pub(crate) use waiting::{AS_ON_A_PROBE, Look, RETRY, Waiting};

/// The checks and sections of one registry, and what runs them.
pub(crate) struct Runner {
    state: Mutex<Guarded>,
    /// As the world counts it, for those who only want to know whether anything has changed.
    generation: CachePadded<AtomicU64>,
    pub(crate) redaction: Redaction,
    /// An output of more bytes than this is cut.
    longest_output: usize,
    threads: Threads,
    telling: Telling,
    drivers: driver::Drivers,
    requests: AtomicU64,
    /// Whether any check has an interval.
    has_loops: AtomicBool,
    /// The world is to be looked at earlier than it was before.
    sooner: Arc<Notify>,
}

/// The state under the runner's lock.
struct Guarded {
    world: World,
    /// The function and the current run of each check, indexed by the check's id.
    runs: Vec<Option<Slot>>,
    /// The runtimes on which runs are launched.
    runtimes: Vec<Runtime>,
    latest_runtime: u32,
}

struct Runtime {
    number: u32,
    handle: Handle,
}

/// If we know this many runtimes, we forget those without a current run before we add another.
const MOST_RUNTIMES: usize = 16;

struct Slot {
    run: Run,
    going_on: Option<RunHandle>,
}

impl Runner {
    pub(crate) fn new(
        world: World,
        redaction: Redaction,
        longest_output: usize,
        telling: Telling,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Guarded {
                world,
                runs: Vec::new(),
                runtimes: Vec::new(),
                latest_runtime: 0,
            }),
            generation: CachePadded(AtomicU64::new(0)),
            redaction,
            longest_output,
            threads: Threads::default(),
            telling,
            drivers: driver::Drivers::default(),
            requests: AtomicU64::new(0),
            has_loops: AtomicBool::new(false),
            sooner: Arc::new(Notify::new()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // Only transitions of the world run under the lock, and none of them panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts checks and sections in, and notes those that are known by name only.
    pub(crate) fn add(&self, new: Vec<(NewCheck, Run)>, disabled: Vec<Arc<CheckInfo>>) {
        let mut state = self.lock();
        disabled
            .into_iter()
            .for_each(|info| state.world.note_disabled(info));
        self.add_locked(&mut state, new);
    }

    fn add_locked(&self, state: &mut Guarded, new: Vec<(NewCheck, Run)>) -> Vec<CheckId> {
        let (checks, runs): (Vec<_>, Vec<_>) = new.into_iter().unzip();
        let ids = state.world.add(checks, Now::read());
        let most = ids.iter().map(|id| id.index() + 1).max().unwrap_or_default();
        if most > state.runs.len() {
            let more = most - state.runs.len();
            state.runs.reserve_exact(more);
            state.runs.resize_with(most, || None);
        }
        for (&id, run) in ids.iter().zip(runs) {
            state.runs[id.index()] = Some(Slot { run, going_on: None });
        }
        self.publish_generation(state);
        ids
    }

    /// Validates a check against the present ones and adds it, under one lock.
    ///
    /// # Errors
    /// What `see_through` finds.
    pub(crate) fn add_checked(
        self: &Arc<Self>,
        see_through: impl FnOnce(&World) -> Result<Added, BuildError>,
    ) -> Result<(), BuildError> {
        let mut state = self.lock();
        let added = match see_through(&state.world)? {
            Added::Check(check, run) => self.add_locked(&mut state, vec![(check, run)]),
            Added::Disabled(info) => {
                state.world.note_disabled(info);
                Vec::new()
            }
        };
        let carried = self.step_locked(&mut state, Event::Added(&added), Now::read());
        drop(state);
        self.carry_out(carried);
        self.sooner.notify_waiters();
        Ok(())
    }

    /// Removes a check. Returns whether there was a check of that name.
    pub(crate) fn remove(self: &Arc<Self>, name: &str, disable: bool) -> bool {
        let mut state = self.lock();
        let Some(check) = state.world.find(name) else {
            return false;
        };
        let carried = self.step_locked(&mut state, Event::Removed { check, disable }, Now::read());
        let slot = state.runs.get_mut(check.index()).and_then(Option::take);
        drop(state);
        self.carry_out(carried);
        // The user's function, whose end may be anything.
        call::drop_quietly(slot);
        true
    }

    /// Reads something of the world.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.lock().world)
    }

    /// Applies an event to the world and carries out the effects.
    pub(crate) fn step(self: &Arc<Self>, event: Event<'_>) {
        let mut state = self.lock();
        let carried = self.step_locked(&mut state, event, Now::read());
        drop(state);
        self.carry_out(carried);
    }

    /// Handles the end of a run: forgets its handle and sends the event to the world.
    fn ended(self: &Arc<Self>, check: CheckId, run: RunId, event: Event<'_>) {
        let mut state = self.lock();
        let handle = state.forget(check, run);
        let carried = self.step_locked(&mut state, event, Now::read());
        drop(state);
        drop(handle);
        self.carry_out(carried);
    }

    /// Builds an event from the world under the lock, for example after looking up a name, and applies it. If `event`
    /// returns an error, nothing happens.
    pub(crate) fn step_with<T>(
        self: &Arc<Self>,
        event: impl FnOnce(&World, Now) -> Result<Event<'static>, T>,
    ) -> Result<(), T> {
        let mut state = self.lock();
        let now = Now::read();
        let event = event(&state.world, now)?;
        let carried = self.step_locked(&mut state, event, now);
        drop(state);
        self.carry_out(carried);
        Ok(())
    }

    /// The clock is read under the lock, so that events and moments have the same order.
    fn step_locked(self: &Arc<Self>, state: &mut Guarded, event: Event<'_>, now: Now) -> Carried {
        let mut carried = Carried::default();
        // Each time: a subscriber may come later than the checks, and its level may change.
        state.world.tell_runs = self.telling.wants_runs();
        let mut follow_ups = VecDeque::new();
        let mut next = Some(event);
        while let Some(event) = next {
            let effects = world::step(&mut state.world, event, now);
            for &(check, run) in &effects.overdue {
                let begun = state.has_begun(check, run);
                follow_ups.push_back(Event::Overdue { check, run, begun });
            }
            self.prepare(state, effects, &mut carried, &mut follow_ups);
            next = follow_ups.pop_front();
        }
        self.publish_generation(state);
        carried
    }

    /// Collects, under the lock, everything that is needed to carry out the effects. A run that can't be launched is lost.
    fn prepare(
        self: &Arc<Self>,
        state: &mut Guarded,
        effects: Effects,
        carried: &mut Carried,
        follow_ups: &mut VecDeque<Event<'_>>,
    ) {
        let mut starts = effects.start;
        starts.sort_by_key(|start| (start.runs_on.runtime, start.is_async));
        for starts in starts.chunk_by(Start::is_launched_with) {
            self.prepare_launch(state, starts, carried, follow_ups);
        }
        for (check, run) in effects.cancel {
            let Some(handle) = state.handle(check, run) else {
                continue;
            };
            if state.world.has_timed_out(check) {
                handle.mark_timed_out();
            }
            carried.cancels.push(handle);
        }
        for (check, run) in effects.relieve {
            carried.relieved.extend(state.handle(check, run));
        }
        carried.wake.extend(effects.wake);
        carried.waits.extend(effects.waits);
        carried.sooner |= effects.sooner;
        // In the queue they have the order in which they happened, and the dispatcher of the moment.
        carried.told |= self.telling.put(effects.notices);
    }

    /// Prepares the launch of runs on one runtime. A run is lost if its check or runtime is gone.
    fn prepare_launch(
        self: &Arc<Self>,
        state: &mut Guarded,
        starts: &[Start],
        carried: &mut Carried,
        follow_ups: &mut VecDeque<Event<'_>>,
    ) {
        let known = starts
            .first()
            .and_then(|start| state.runtime(start.runs_on.runtime))
            .cloned();
        let mut cells = Vec::with_capacity(starts.len());
        for &Start { check, run, .. } in starts {
            match (&known, state.world.subject(check), state.slot(check)) {
                (Some(_), Some(subject), Some(slot)) => {
                    cells.push(Cell::new(check, run, subject.clone(), slot.run.clone()));
                }
                _ => follow_ups.push_back(Event::Lost { check, run }),
            }
        }
        let (Some(runtime), Some(first)) = (known, starts.first()) else {
            return;
        };
        let batch = Batch::new(Arc::clone(self), runtime, first.is_async, cells.into());
        for handle in batch.handles() {
            if let Some(slot) = state.slot_mut(handle.check) {
                slot.going_on = Some(handle);
            }
        }
        carried.launches.push(batch);
    }

    /// Brings the world up to date with the time, where something is due.
    fn let_time_pass(self: &Arc<Self>, state: &mut Guarded, now: Now) -> Carried {
        if !state.world.is_due(now.mono) {
            return Carried::default();
        }
        let here = Handle::try_current().ok();
        let event = Event::Tick {
            runtime: here.map(|here| state.number_of(&here)),
            driver: None,
        };
        self.step_locked(state, event, now)
    }

    fn publish_generation(&self, state: &Guarded) {
        self.generation.store(state.world.generation(), Ordering::Release);
        let has_loops = state.world.has_loops();
        if self.has_loops.load(Ordering::Relaxed) != has_loops {
            self.has_loops.store(has_loops, Ordering::Release);
        }
    }

    /// Counts every change of anything that a report shows.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Carries out the effects without holding the lock. This can cause further steps, for example if a runtime has shut
    /// down and drops a task at once. Their effects are queued for the outermost call, so the stack doesn't grow.
    fn carry_out(self: &Arc<Self>, carried: Carried) {
        thread_local! {
            static UNDER_WAY: RefCell<Option<Queued>> = const { RefCell::new(None) };
        }
        if carried.is_nothing() {
            return;
        }
        let carried = UNDER_WAY.with_borrow_mut(|under_way| match under_way {
            Some(queue) => {
                queue.push_back((Arc::clone(self), carried));
                None
            }
            None => {
                *under_way = Some(VecDeque::new());
                Some(carried)
            }
        });
        let Some(carried) = carried else { return };
        self.carry_out_now(carried);
        while let Some((runner, carried)) =
            UNDER_WAY.with_borrow_mut(|under_way| under_way.as_mut().and_then(VecDeque::pop_front))
        {
            runner.carry_out_now(carried);
        }
        UNDER_WAY.with_borrow_mut(|under_way| *under_way = None);
    }

    fn carry_out_now(self: &Arc<Self>, carried: Carried) {
        carried.launches.into_iter().for_each(Batch::launch);
        carried.relieved.iter().for_each(|run| run.relieve());
        carried.cancels.iter().for_each(RunHandle::cancel);
        for waker in carried.wake {
            // An executor's own code: where it panics, the others are woken all the same.
            call::quietly(|| waker.wake());
        }
        if carried.sooner {
            self.sooner.notify_waiters();
        }
        if carried.told {
            self.telling.wake();
        }
    }

    /// Ends it all, the runs that go on as well: nobody asks any more, and without drivers nobody would end them at their
    /// limit. What is stuck may hold the rest for longer.
    pub(crate) fn close(self: &Arc<Self>) {
        self.drivers.end();
        let runs: Vec<RunHandle> = self.lock().going_on().collect();
        runs.iter().for_each(RunHandle::cancel);
        self.threads.close();
        self.telling.close();
    }

    /// Has listeners and the log hear of something that no step brought about.
    pub(crate) fn tell(&self, notice: Notice) {
        if self.telling.put(vec![notice]) {
            self.telling.wake();
        }
    }

    /// Puts up a gate before these checks.
    ///
    /// # Errors
    /// The selection of these names names one that doesn't exist.
    pub(crate) fn add_gate(&self, checks: Vec<String>) -> Result<GateId, SelectionError> {
        let mut state = self.lock();
        state.world.members(&Selection::checks(&checks))?;
        Ok(state.world.add_gate(checks, Now::read().mono))
    }

    pub(crate) fn remove_gate(&self, gate: GateId) {
        self.lock().world.remove_gate(gate);
    }

    /// How many lines and events were dropped since a queue was full.
    pub(crate) fn dropped(&self) -> telling::Dropped {
        self.telling.dropped()
    }

    fn output_of(&self, subject: &world::Subject, output: Value) -> Value {
        call::sanitize(&self.redaction, self.longest_output, subject, output)
    }

    /// An observation's output as it may leave the process.
    pub(crate) fn observed_output(&self, name: &str, output: Value) -> Value {
        call::cut(self.redaction.named(name, output), self.longest_output)
    }
}

/// Effects that wait for those before them, and whose they are.
type Queued = VecDeque<(Arc<Runner>, Carried)>;

/// Effects with all that is needed to carry them out.
#[derive(Default)]
struct Carried {
    launches: Vec<Arc<Batch>>,
    cancels: Vec<RunHandle>,
    relieved: Vec<RunHandle>,
    wake: Vec<std::task::Waker>,
    /// What a request has to wait for. It takes them before the rest is carried out.
    waits: Vec<Wait>,
    sooner: bool,
    told: bool,
}

impl Carried {
    /// What came later is carried out later.
    fn append(&mut self, later: Self) {
        self.launches.extend(later.launches);
        self.cancels.extend(later.cancels);
        self.wake.extend(later.wake);
        self.waits.extend(later.waits);
        self.sooner |= later.sooner;
        self.told |= later.told;
    }

    const fn is_nothing(&self) -> bool {
        self.launches.is_empty()
            && self.cancels.is_empty()
            && self.relieved.is_empty()
            && self.wake.is_empty()
            && !self.sooner
            && !self.told
    }
}

impl Guarded {
    /// A number for a runtime, the same for each of its handles.
    fn number_of(&mut self, handle: &Handle) -> u32 {
        let id = handle.id();
        if let Some(known) = self.runtimes.iter().find(|runtime| runtime.handle.id() == id) {
            return known.number;
        }
        if self.runtimes.len() >= MOST_RUNTIMES {
            let in_use: HashSet<u32> = self.world.runtimes_in_use().collect();
            self.runtimes.retain(|runtime| in_use.contains(&runtime.number));
        }
        self.latest_runtime += 1;
        self.runtimes.push(Runtime {
            number: self.latest_runtime,
            handle: handle.clone(),
        });
        self.latest_runtime
    }

    fn runs_on(&mut self, target: &Target) -> RunsOn {
        RunsOn {
            runtime: self.number_of(&target.handle),
            chosen: target.chosen,
        }
    }

    /// The runs that go on.
    fn going_on(&self) -> impl Iterator<Item = RunHandle> {
        self.runs
            .iter()
            .flatten()
            .filter_map(|slot| slot.going_on.clone())
    }

    fn runtime(&self, number: u32) -> Option<&Handle> {
        let known = self.runtimes.iter().find(|runtime| runtime.number == number)?;
        Some(&known.handle)
    }

    fn slot(&self, check: CheckId) -> Option<&Slot> {
        self.runs.get(check.index())?.as_ref()
    }

    fn slot_mut(&mut self, check: CheckId) -> Option<&mut Slot> {
        self.runs.get_mut(check.index())?.as_mut()
    }

    fn handle(&self, check: CheckId, run: RunId) -> Option<RunHandle> {
        let current = self.slot(check)?.going_on.as_ref();
        current.filter(|current| current.run == run).cloned()
    }

    /// Removes and returns the handle of a run that has ended. The caller drops it without the lock.
    fn forget(&mut self, check: CheckId, run: RunId) -> Option<RunHandle> {
        let slot = self.slot_mut(check)?;
        slot.going_on.take_if(|current| current.run == run)
    }

    fn has_begun(&self, check: CheckId, run: RunId) -> bool {
        self.handle(check, run).is_none_or(|run| run.has_begun())
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        let names = state.world.infos().map(|info| info.name());
        f.debug_list().entries(names).finish()
    }
}

/// Starts a task of the runner's own. Boxed, since tokio's part of a task is compiled anew for each type of future.
fn spawn(on: &Handle, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
    on.spawn(task)
}
