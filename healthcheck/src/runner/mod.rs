//! The runner keeps a [`World`], which is the state of all checks, behind one lock. An event changes the `World` and
//! returns effects, for example runs to start. The runner carries out these effects.
//!
//! The runner runs the users' code on tasks and threads.
//!
//! [`Runner::step`] applies one event. It takes the lock, reads the clock, changes the [`World`], and releases the
//! lock.
//!
//! After releasing the lock, `step` carries out the effects in this order: it launches runs, calls wakers, and wakes
//! the threads of the notice queues.
//!
//! Listeners and the log get notices, for example about status changes. The runner puts the notices into bounded queues
//! while it holds the lock. Each queue has its own thread (see `notices`).

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
pub(crate) mod notices;
mod paused_time;
mod read;
#[cfg(test)]
mod tests;
mod threads;
mod waiting;

pub(crate) use ask::{FinishedRequest, Target};
use cache_padded::CachePadded;
pub(crate) use call::DEFAULT_OUTPUT_LIMIT;
use launch::{Batch, Cell, MAX_BATCH, RunHandle, Scheduled};
pub(crate) use launch::{CurrentCheck, is_inside_a_check};
use notices::NoticeQueues;
pub(crate) use read::{Reading, Snapshot};
use threads::Threads;
pub(crate) use waiting::{Evaluation, PROBE_MAX_AGE, RERUN_INTERVAL, Waiter};

/// Owns the checks and sections of one registry, and runs them.
pub(crate) struct Runner {
    state: Mutex<Guarded>,
    /// A copy of the generation counter of the [`World`]. Readers compare the copy with an earlier value, without
    /// taking the lock.
    generation: CachePadded<AtomicU64>,
    pub(crate) redaction: Redaction,
    /// The maximum length of an output in bytes. We cut longer outputs.
    output_limit: usize,
    threads: Threads,
    notices: NoticeQueues,
    drivers: driver::Drivers,
    requests: AtomicU64,
    /// A copy of [`World::has_loops`], which says whether any check has to run in the background. Readers need no lock
    /// for this copy.
    has_loops: AtomicBool,
    /// Wakes all drivers, the tasks that send ticks to the [`World`]. Each driver then computes the time of its next
    /// tick anew.
    driver_wakeup: Arc<Notify>,
}

/// The state under the runner's lock.
struct Guarded {
    world: World,
    /// One slot for each check and section, indexed by [`CheckId`]. A slot that is `None` is free.
    slots: Vec<Option<Slot>>,
    /// The known tokio runtimes. The [`World`] identifies each runtime by a number.
    runtimes: Vec<Runtime>,
    latest_runtime: u32,
}

struct Runtime {
    number: u32,
    handle: Handle,
}

/// The maximum length of the list of runtimes. Before we exceed it, we remove all runtimes that no current run uses.
const MAX_RUNTIMES: usize = 16;

/// The function of one check or section, and the handle of its current run.
struct Slot {
    function: Run,
    current_run: Option<RunHandle>,
}

impl Runner {
    pub(crate) fn new(
        world: World,
        redaction: Redaction,
        output_limit: usize,
        notices: NoticeQueues,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Guarded {
                world,
                slots: Vec::new(),
                runtimes: Vec::new(),
                latest_runtime: 0,
            }),
            generation: CachePadded(AtomicU64::new(0)),
            redaction,
            output_limit,
            threads: Threads::default(),
            notices,
            drivers: driver::Drivers::default(),
            requests: AtomicU64::new(0),
            has_loops: AtomicBool::new(false),
            driver_wakeup: Arc::new(Notify::new()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // The code under the lock never panics while the state is inconsistent, so poisoning is harmless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds checks and sections. Also records the disabled checks, which never run. If a request for a probe selects
    /// the name of a disabled check, we ignore that name instead of returning an error.
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
        if most > state.slots.len() {
            let more = most - state.slots.len();
            state.slots.reserve_exact(more);
            state.slots.resize_with(most, || None);
        }
        for (&id, function) in ids.iter().zip(runs) {
            state.slots[id.index()] = Some(Slot {
                function,
                current_run: None,
            });
        }
        self.publish_generation(state);
        ids
    }

    /// Calls `validate`, and adds the check that `validate` returns.
    ///
    /// Holds the lock during both steps, so that no other thread can add a check after the validation.
    ///
    /// # Errors
    /// `validate` returns an error.
    pub(crate) fn add_checked(
        self: &Arc<Self>,
        validate: impl FnOnce(&World) -> Result<Added, BuildError>,
    ) -> Result<(), BuildError> {
        let mut state = self.lock();
        let added = match validate(&state.world)? {
            Added::Check(check, run) => self.add_locked(&mut state, vec![(check, run)]),
            Added::Disabled(info) => {
                state.world.note_disabled(info);
                Vec::new()
            }
        };
        let prepared = self.step_locked(&mut state, Event::Added(&added), Now::read());
        drop(state);
        self.carry_out(prepared);
        self.driver_wakeup.notify_waiters();
        Ok(())
    }

    /// Removes a check, and records it as disabled if `disable` is true. Returns whether there was a check with this
    /// name.
    pub(crate) fn remove(self: &Arc<Self>, name: &str, disable: bool) -> bool {
        let mut state = self.lock();
        let Some(check) = state.world.find(name) else {
            return false;
        };
        let prepared = self.step_locked(&mut state, Event::Removed { check, disable }, Now::read());
        let slot = state.slots.get_mut(check.index()).and_then(Option::take);
        drop(state);
        self.carry_out(prepared);
        // The slot contains the user's function. The function's destructor is user code, so we drop the slot without
        // holding the lock.
        call::drop_quietly(slot);
        true
    }

    /// Calls `read` with the [`World`], under the lock. Returns the value of `read`.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.lock().world)
    }

    /// Applies an event to the [`World`], and carries out the event's effects.
    pub(crate) fn step(self: &Arc<Self>, event: Event<'_>) {
        let mut state = self.lock();
        let prepared = self.step_locked(&mut state, event, Now::read());
        drop(state);
        self.carry_out(prepared);
    }

    /// Handles the end of a run: removes the run's handle, and applies `event` to the [`World`].
    fn run_ended(self: &Arc<Self>, check: CheckId, run: RunId, event: Event<'_>) -> Scheduled {
        let mut state = self.lock();
        let handle = state.forget(check, run);
        let prepared = self.step_locked(&mut state, event, Now::read());
        drop(state);
        drop(handle);
        let scheduled = prepared.schedule_tasks();
        self.carry_out(prepared);
        scheduled
    }

    /// Calls the closure `event` under the lock, and applies the returned event to the [`World`]. The closure can, for
    /// example, look up a check by name. If the closure returns an error, the [`World`] doesn't change.
    pub(crate) fn step_with<T>(
        self: &Arc<Self>,
        event: impl FnOnce(&World, Now) -> Result<Event<'static>, T>,
    ) -> Result<(), T> {
        let mut state = self.lock();
        let now = Now::read();
        let event = event(&state.world, now)?;
        let prepared = self.step_locked(&mut state, event, now);
        drop(state);
        self.carry_out(prepared);
        Ok(())
    }

    /// Applies an event to the [`World`], and returns the effects.
    ///
    /// The caller must hold the lock, and must release it before carrying out the effects. The caller must also read
    /// `now` under the lock, so that a later event never has an earlier time.
    fn step_locked(self: &Arc<Self>, state: &mut Guarded, event: Event<'_>, now: Now) -> PreparedEffects {
        let mut prepared = PreparedEffects::default();
        // We compute this value for each step, since the service can set a `tracing` subscriber late, and can change
        // the subscriber's level.
        state.world.wants_run_notices = self.notices.wants_run_notices();
        let mut follow_ups = VecDeque::new();
        let mut next = Some(event);
        while let Some(event) = next {
            let effects = world::step(&mut state.world, event, now);
            for &(check, run) in &effects.overdue {
                let begun = state.has_begun(check, run);
                follow_ups.push_back(Event::Overdue { check, run, begun });
            }
            self.prepare(state, effects, &mut prepared, &mut follow_ups);
            next = follow_ups.pop_front();
        }
        self.publish_generation(state);
        prepared
    }

    /// Converts the effects of one step into effects that the caller can carry out without the lock. If a run can't be
    /// launched, adds an [`Event::Lost`] for the run to `follow_ups`.
    fn prepare(
        self: &Arc<Self>,
        state: &mut Guarded,
        effects: Effects,
        prepared: &mut PreparedEffects,
        follow_ups: &mut VecDeque<Event<'_>>,
    ) {
        let mut starts = effects.start;
        // Async runs first: the start of threads for sync runs takes longer.
        starts.sort_by_key(|start| (start.runs_on.runtime, !start.is_async));
        let alike = starts.chunk_by(Start::is_launched_with);
        for starts in alike.flat_map(|starts| starts.chunks(MAX_BATCH)) {
            self.prepare_launch(state, starts, prepared, follow_ups);
        }
        for (check, run) in effects.cancel {
            let Some(handle) = state.handle(check, run) else {
                continue;
            };
            if state.world.has_timed_out(check) {
                handle.mark_timed_out();
            }
            prepared.cancels.push(handle);
        }
        for (check, run) in effects.release_permits {
            prepared.release_permits.extend(state.handle(check, run));
        }
        prepared.wakers.extend(effects.wakers);
        prepared.waits.extend(effects.waits);
        prepared.wake_drivers |= effects.wake_driver;
        // We queue the notices under the lock, so that their order is the order of the steps.
        //
        // Each queued log line also keeps the `tracing` dispatcher that is current on this thread.
        prepared.wake_queues |= self.notices.put(effects.notices);
    }

    /// Prepares the launch of runs on one runtime. If a run's check or runtime no longer exists, adds an
    /// [`Event::Lost`] for the run to `follow_ups`.
    fn prepare_launch(
        self: &Arc<Self>,
        state: &mut Guarded,
        starts: &[Start],
        prepared: &mut PreparedEffects,
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
                    cells.push(Cell::new(check, run, subject.clone(), slot.function.clone()));
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
                slot.current_run = Some(handle);
            }
        }
        prepared.launches.push(batch);
    }

    /// Sends a tick to the [`World`] if a run's deadline has passed, or if a status has to change with time.
    fn tick_if_due(self: &Arc<Self>, state: &mut Guarded, now: Now) -> PreparedEffects {
        if !state.world.is_due(now.mono) {
            return PreparedEffects::default();
        }
        let here = Handle::try_current().ok();
        let event = Event::Tick {
            runtime: here.map(|here| state.runtime_number(&here)),
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

    /// Returns the generation counter. Each change of a value that reports show increments it.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Carries out the effects of a step. The caller must not hold the lock.
    ///
    /// Carrying out an effect can cause another step on the same thread. For example, a runtime that has shut down
    /// drops a new task immediately, and the task's destructor reports lost runs.
    ///
    /// If this method is already running on this thread, it only queues the effects. The outer call carries them out,
    /// so the stack doesn't grow.
    fn carry_out(self: &Arc<Self>, prepared: PreparedEffects) {
        if prepared.is_empty() {
            return;
        }
        let prepared = DEFERRED.with_borrow_mut(|deferred| match deferred {
            Some(queue) => {
                queue.push_back((Arc::clone(self), prepared));
                None
            }
            None => {
                *deferred = Some(VecDeque::new());
                Some(prepared)
            }
        });
        let Some(prepared) = prepared else { return };
        self.carry_out_now(prepared);
        while let Some((runner, prepared)) =
            DEFERRED.with_borrow_mut(|deferred| deferred.as_mut().and_then(VecDeque::pop_front))
        {
            runner.carry_out_now(prepared);
        }
        DEFERRED.with_borrow_mut(|deferred| *deferred = None);
    }

    /// Returns whether the current thread is ending and has already destroyed its thread-locals. Such a thread can't
    /// carry out effects any more.
    fn thread_is_ending() -> bool {
        DEFERRED.try_with(|_| ()).is_err()
    }

    fn carry_out_now(self: &Arc<Self>, prepared: PreparedEffects) {
        prepared.launches.into_iter().for_each(Batch::launch);
        prepared
            .release_permits
            .iter()
            .for_each(|run| run.release_permit());
        prepared.cancels.iter().for_each(RunHandle::cancel);
        for waker in prepared.wakers {
            // A waker is code of the executor that created it, and can panic. If one waker panics, we still call the
            // remaining wakers.
            call::quietly(|| waker.wake());
        }
        if prepared.wake_drivers {
            self.driver_wakeup.notify_waiters();
        }
        if prepared.wake_queues {
            self.notices.wake();
        }
    }

    /// Closes the runner: stops its drivers, cancels its current runs, and ends its idle threads.
    ///
    /// The registry calls this method when the last handle of the registry is dropped.
    ///
    /// We cancel the runs, because without drivers nothing would end them at their limits. If the function of a run is
    /// stuck, the run ends only when the function returns. Until then, the run keeps the runner in memory.
    pub(crate) fn close(self: &Arc<Self>) {
        self.drivers.close();
        let runs: Vec<RunHandle> = self.lock().current_runs().collect();
        runs.iter().for_each(RunHandle::cancel);
        self.threads.close();
        self.notices.close();
    }

    /// Sends a notice to the listeners and the log. Callers use this method for a notice that isn't an effect of a
    /// step.
    pub(crate) fn send_notice(&self, notice: Notice) {
        if self.notices.put(vec![notice]) {
            self.notices.wake();
        }
    }

    /// Adds a gate for the checks with these names. Waiters may pass the gate while all these checks pass or warn.
    ///
    /// # Errors
    /// One of the names isn't the name of a check.
    pub(crate) fn add_gate(&self, checks: Vec<String>) -> Result<GateId, SelectionError> {
        let mut state = self.lock();
        state.world.members(&Selection::checks(&checks))?;
        Ok(state.world.add_gate(checks, Now::read().mono))
    }

    pub(crate) fn remove_gate(&self, gate: GateId) {
        self.lock().world.remove_gate(gate);
    }

    /// Returns the numbers of dropped log lines and of dropped events for listeners. We drop a line or an event if its
    /// queue is full.
    pub(crate) fn dropped(&self) -> notices::Dropped {
        self.notices.dropped()
    }

    fn sanitize_output(&self, subject: &world::Subject, output: Value) -> Value {
        call::sanitize(&self.redaction, self.output_limit, subject, output)
    }

    /// Redacts the output of an observation, then cuts the output if it is too long.
    pub(crate) fn sanitize_observed_output(&self, name: &str, output: Value) -> Value {
        call::cut(self.redaction.named(name, output), self.output_limit)
    }
}

/// A queue of effects that a thread carries out later. Each entry also has the runner of its effects.
type DeferredEffects = VecDeque<(Arc<Runner>, PreparedEffects)>;

thread_local! {
    /// The queued effects. This is `Some` while the thread carries out effects, and `None` otherwise.
    static DEFERRED: RefCell<Option<DeferredEffects>> = const { RefCell::new(None) };
}

/// Effects that can be carried out without the lock. The ids in [`Effects`] are replaced by handles here.
#[derive(Default)]
struct PreparedEffects {
    launches: Vec<Arc<Batch>>,
    cancels: Vec<RunHandle>,
    release_permits: Vec<RunHandle>,
    wakers: Vec<std::task::Waker>,
    /// The runs that a request has to wait for. The request takes this list out of the effects before it calls
    /// `carry_out`.
    waits: Vec<Wait>,
    wake_drivers: bool,
    wake_queues: bool,
}

impl PreparedEffects {
    /// Appends the effects of a later step to these effects.
    fn append(&mut self, later: Self) {
        let Self {
            launches,
            cancels,
            release_permits,
            wakers,
            waits,
            wake_drivers,
            wake_queues,
        } = later;
        self.launches.extend(launches);
        self.cancels.extend(cancels);
        self.release_permits.extend(release_permits);
        self.wakers.extend(wakers);
        self.waits.extend(waits);
        self.wake_drivers |= wake_drivers;
        self.wake_queues |= wake_queues;
    }

    /// Returns whether carrying out these effects schedules tasks of a runtime.
    const fn schedule_tasks(&self) -> Scheduled {
        Scheduled(!self.launches.is_empty() || !self.wakers.is_empty() || self.wake_drivers)
    }

    const fn is_empty(&self) -> bool {
        self.launches.is_empty()
            && self.cancels.is_empty()
            && self.release_permits.is_empty()
            && self.wakers.is_empty()
            && !self.wake_drivers
            && !self.wake_queues
    }
}

impl Guarded {
    /// Returns the number by which [`World`] identifies the tokio runtime of this handle. If the runtime isn't known
    /// yet, assigns the next number to it. All handles of one runtime have the same number.
    fn runtime_number(&mut self, handle: &Handle) -> u32 {
        let id = handle.id();
        if let Some(known) = self.runtimes.iter().find(|runtime| runtime.handle.id() == id) {
            return known.number;
        }
        if self.runtimes.len() >= MAX_RUNTIMES {
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
            runtime: self.runtime_number(&target.handle),
            chosen: target.chosen,
        }
    }

    /// Returns the handle of each current run.
    fn current_runs(&self) -> impl Iterator<Item = RunHandle> {
        self.slots
            .iter()
            .flatten()
            .filter_map(|slot| slot.current_run.clone())
    }

    fn runtime(&self, number: u32) -> Option<&Handle> {
        let known = self.runtimes.iter().find(|runtime| runtime.number == number)?;
        Some(&known.handle)
    }

    fn slot(&self, check: CheckId) -> Option<&Slot> {
        self.slots.get(check.index())?.as_ref()
    }

    fn slot_mut(&mut self, check: CheckId) -> Option<&mut Slot> {
        self.slots.get_mut(check.index())?.as_mut()
    }

    fn handle(&self, check: CheckId, run: RunId) -> Option<RunHandle> {
        let current = self.slot(check)?.current_run.as_ref();
        current.filter(|current| current.run == run).cloned()
    }

    /// Removes and returns the handle of a run that has ended. The caller drops the handle without holding the lock,
    /// since this can drop the whole batch of runs and with it user code.
    fn forget(&mut self, check: CheckId, run: RunId) -> Option<RunHandle> {
        let slot = self.slot_mut(check)?;
        slot.current_run.take_if(|current| current.run == run)
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

/// Spawns a task of the runner.
///
/// We box the future, so that tokio's generic code is compiled only once. Otherwise, it would be compiled for each type
/// of future.
fn spawn(on: &Handle, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
    on.spawn(task)
}
