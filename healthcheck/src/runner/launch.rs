//! Launches runs, and follows each run to its end.
//!
//! A few tasks poll all async runs of a batch for the first time. A run gets a task of its own only if it is pending
//! after its first poll, so a check that returns at once costs no task. A sync run gets a thread.

use std::cell::RefCell;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;

use super::call::{Call, call_blocking, drop_quietly};
use super::threads::Permit;
use super::{Runner, notices, paused_time, spawn};
use crate::model::CheckInfo;
use crate::outcome::Outcome;
use crate::run::Run;
use crate::world::{CheckId, Event, RunId, Subject};

/// The maximum number of runs that one task polls for the first time. The limit lets the runtime run other tasks in
/// between.
const FIRST_POLLS_PER_TASK: usize = 64;

/// Runs that start together on one runtime. Either all of them are async, or all of them are sync.
pub(super) struct Batch {
    /// The runner of these runs. This reference keeps the runner alive until the last of these runs ends.
    runner: Arc<Runner>,
    runtime: Handle,
    is_async: bool,
    cells: Box<[Cell]>,
    /// The index of the next cell whose run is to be polled for the first time, or handed to the thread pool.
    next: AtomicUsize,
}

/// The state of a run. It holds the future of an async run between two polls, so another thread can cancel the run by
/// dropping the future, even if the run's runtime is no longer polled.
pub(super) struct Cell {
    pub(super) check: CheckId,
    pub(super) run: RunId,
    subject: Subject,
    has_begun: AtomicBool,
    has_timed_out: AtomicBool,
    stage: Mutex<Stage>,
}

enum Stage {
    /// An async run that waits for its first poll, or a sync run that the thread pool doesn't have yet.
    Launched(Run),
    /// An async run between two polls. Cancelling the run calls the waker, so that the run's task ends.
    Idle(Call, Waker),
    /// An async run during a poll.
    Polling,
    /// A sync run that the thread pool has. Its permit isn't stored here yet.
    Queued,
    /// A sync run that waits for a thread or runs on one.
    OnThread(Arc<Permit>),
    /// The run was cancelled during a poll or a sync call. It ends when that poll or call returns.
    Cancelled,
    /// The run was cancelled while no thread executed its code. [`RunHandle::cancel`] drops the future or the function,
    /// and reports the end of the run.
    Dropped,
    Ended,
}

impl Cell {
    pub(super) const fn new(check: CheckId, run: RunId, subject: Subject, function: Run) -> Self {
        Self {
            check,
            run,
            subject,
            has_begun: AtomicBool::new(false),
            has_timed_out: AtomicBool::new(false),
            stage: Mutex::new(Stage::Launched(function)),
        }
    }

    /// Returns whether the function has been called. Until then, the run waits for a thread or for its runtime.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Marks the run as timed out. The world then ignores its result.
    pub(super) fn mark_timed_out(&self) {
        self.has_timed_out.store(true, Ordering::Release);
    }

    fn has_timed_out(&self) -> bool {
        self.has_timed_out.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        // We only swap stages under the lock and drop nothing there, so poisoning is harmless.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.lock(), stage)
    }

    /// Frees the permit of a sync run for other runs. The run itself continues.
    pub(super) fn release_permit(&self) {
        let permit = match &*self.lock() {
            Stage::OnThread(permit) => Arc::clone(permit),
            _ => return,
        };
        permit.release();
    }

    /// Marks a sync run as begun and returns true. If the run was cancelled, returns false. The caller then doesn't
    /// call the function.
    fn begin(&self) -> bool {
        let stage = self.lock();
        let begins = !matches!(*stage, Stage::Cancelled | Stage::Dropped);
        if begins {
            self.has_begun.store(true, Ordering::Release);
        }
        begins
    }

    /// Starts a poll and returns the call to poll, or `None` if the run was cancelled.
    fn begin_poll(&self) -> Option<Call> {
        let mut stage = self.lock();
        match std::mem::replace(&mut *stage, Stage::Polling) {
            Stage::Launched(function) => {
                self.has_begun.store(true, Ordering::Release);
                drop(stage);
                Some(Call::new(function, &self.subject))
            }
            Stage::Idle(call, _) => Some(call),
            before => {
                *stage = before;
                None
            }
        }
    }
}

/// Refers to one run of a batch.
#[derive(Clone)]
pub(super) struct RunHandle {
    batch: Arc<Batch>,
    index: usize,
}

impl Deref for RunHandle {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        &self.batch.cells[self.index]
    }
}

impl Batch {
    pub(super) fn new(runner: Arc<Runner>, runtime: Handle, is_async: bool, cells: Box<[Cell]>) -> Arc<Self> {
        Arc::new(Self {
            runner,
            runtime,
            is_async,
            cells,
            next: AtomicUsize::new(0),
        })
    }

    pub(super) fn handles(self: &Arc<Self>) -> impl Iterator<Item = RunHandle> {
        (0..self.cells.len()).map(|index| RunHandle {
            batch: Arc::clone(self),
            index,
        })
    }

    /// Launches the runs. The caller holds no lock: if the runtime has shut down, `spawn` drops the task at once, and
    /// reporting the lost runs takes the runner's lock.
    pub(super) fn launch(self: Arc<Self>) {
        if self.is_async {
            let tasks = self.cells.len().min(self.runtime.metrics().num_workers());
            (0..tasks).for_each(|_| self.spawn_first_polls());
        } else {
            while let Some(run) = self.next() {
                run.launch_on_thread();
            }
        }
    }

    fn spawn_first_polls(self: &Arc<Self>) {
        let batch = Arc::downgrade(self);
        spawn(&self.runtime, FirstPolls { batch });
    }

    fn next(self: &Arc<Self>) -> Option<RunGuard> {
        if !self.has_next() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let batch = Arc::clone(self);
        (index < self.cells.len()).then(|| RunGuard(Some(RunHandle { batch, index })))
    }

    fn has_next(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.cells.len()
    }
}

/// A task that polls runs of a batch for the first time. If a run is pending after that, it gets a task of its own.
struct FirstPolls {
    /// Is dangling once all runs of the batch have ended, so a task that is polled late keeps none of their memory.
    batch: Weak<Batch>,
}

impl Future for FirstPolls {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(batch) = std::mem::take(&mut self.batch).upgrade() else {
            return Poll::Ready(());
        };
        for polled in 0..FIRST_POLLS_PER_TASK {
            let Some(run) = batch.next() else { break };
            // The first poll of a check can block its thread, so we first spawn another task for the other runs.
            if polled == 0 && batch.has_next() {
                batch.spawn_first_polls();
            }
            if let Some(run) = run.poll(cx) {
                batch.runtime.spawn(PendingRun(Some(run)));
            }
        }
        Poll::Ready(())
    }
}

impl Drop for FirstPolls {
    fn drop(&mut self) {
        // The runtime has shut down before it polled this task. Dropping each run reports the run as lost.
        if let Some(batch) = self.batch.upgrade() {
            while let Some(run) = batch.next() {
                drop(run);
            }
        }
    }
}

/// The task of a run that was pending after its first poll.
struct PendingRun(Option<RunGuard>);

impl Future for PendingRun {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0 = self.0.take().and_then(|run| run.poll(cx));
        if self.0.is_some() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

/// Owns one run. Dropping it reports the end of the run, so its check can run again even if the run's runtime or thread
/// is gone. It is empty once the run has ended.
struct RunGuard(Option<RunHandle>);

impl RunGuard {
    /// Polls an async run. Returns the run if it is pending.
    fn poll(mut self, cx: &mut Context<'_>) -> Option<Self> {
        let run = self.0.take()?;
        let mut call = run.begin_poll()?;
        let (run, polled) = inside(run, || call.poll(cx));
        match polled {
            Poll::Ready(returned) => {
                let outcome = call.conclude(returned, run.has_timed_out());
                run.end(outcome);
                None
            }
            Poll::Pending => {
                let mut stage = run.lock();
                if !matches!(*stage, Stage::Cancelled) {
                    *stage = Stage::Idle(call, cx.waker().clone());
                    drop(stage);
                    self.0 = Some(run);
                    return Some(self);
                }
                drop(stage);
                run.give_up(call);
                // Dropping `self` reports the end of the run.
                self.0 = Some(run);
                None
            }
        }
    }

    fn launch_on_thread(mut self) {
        let Some(run) = self.0.clone() else { return };
        let mut stage = run.lock();
        let function = match std::mem::replace(&mut *stage, Stage::Queued) {
            Stage::Launched(function) => function,
            before => {
                *stage = before;
                drop(stage);
                self.0 = None;
                return;
            }
        };
        drop(stage);
        let runtime = run.batch.runtime.clone();
        let held = paused_time::hold(&runtime);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let permit = run.batch.runner.threads.run(move |thread| {
            match thread {
                Ok(()) => {
                    let _runtime = runtime.enter();
                    tracing::dispatcher::with_default(&dispatch, || self.call(&function));
                }
                Err(error) => self.end(Outcome::fail(format!("can't start a thread for it: {error}"))),
            }
            drop_quietly(function);
            drop(held);
        });
        let Some(permit) = permit else { return };
        let mut stage = run.lock();
        match *stage {
            Stage::Queued => *stage = Stage::OnThread(permit),
            Stage::Cancelled | Stage::Dropped => {
                drop(stage);
                permit.release();
            }
            _ => {}
        }
    }

    fn call(mut self, function: &Run) {
        let Some(run) = self.0.take() else { return };
        if run.begin() {
            let cell = run.clone();
            let call = || call_blocking(function, &cell.subject, || cell.has_timed_out());
            let (run, outcome) = inside(run, call);
            run.end(outcome);
        }
    }

    fn end(mut self, outcome: Outcome) {
        if let Some(run) = self.0.take() {
            run.end(outcome);
        }
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        let Some(run) = self.0.take() else { return };
        let (check, id) = (run.check, run.run);
        let lost = Event::Lost { check, run: id };
        let (event, call) = match run.replace(Stage::Ended) {
            Stage::Dropped | Stage::Ended => return,
            Stage::Cancelled => (Event::Ended { check, run: id }, None),
            Stage::Idle(call, _) => (lost, Some(call)),
            Stage::Launched(function) => {
                drop_quietly(function);
                (lost, None)
            }
            Stage::Polling | Stage::Queued | Stage::OnThread(_) => (lost, None),
        };
        let runner = Arc::clone(&run.batch.runner);
        let report = move || {
            if let Some(call) = call {
                run.give_up(call);
            }
            run.batch.runner.run_ended(check, id, event);
        };
        // If the runtime was in a thread-local, it drops its runs while the thread ends. tokio's clock and our
        // thread-locals would then panic, so another thread reports the end.
        if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
            runner.threads.run(move |_| report());
        } else {
            report();
        }
    }
}

impl RunHandle {
    /// Ends a run whose function has returned.
    fn end(self, outcome: Outcome) {
        self.replace(Stage::Ended);
        let (status, output) = outcome.into_parts();
        let runner = &self.batch.runner;
        let output = runner.sanitize_output(&self.subject, output);
        let (check, run) = (self.check, self.run);
        let returned = Event::Returned {
            check,
            run,
            status,
            output,
        };
        runner.run_ended(check, run, returned);
    }

    fn give_up(&self, call: Call) {
        let has_timed_out = self.has_timed_out();
        inside(self.clone(), || call.give_up(has_timed_out));
    }

    fn report_end(&self) {
        let (check, run) = (self.check, self.run);
        self.batch
            .runner
            .run_ended(check, run, Event::Ended { check, run });
    }

    /// Cancels the run. The current thread drops the future of an async run itself if it is a thread of the run's
    /// runtime. Otherwise we use a separate thread, since destructors in the future can block.
    pub(super) fn cancel(&self) {
        let runner = &self.batch.runner;
        let mut stage = self.lock();
        match std::mem::replace(&mut *stage, Stage::Cancelled) {
            Stage::Idle(call, waker) => {
                *stage = Stage::Dropped;
                drop(stage);
                let run = self.clone();
                let finish = move || {
                    run.give_up(call);
                    run.report_end();
                    waker.wake();
                };
                if Handle::try_current().is_ok_and(|here| here.id() == self.batch.runtime.id()) {
                    finish();
                } else {
                    runner.threads.run(move |_| finish());
                }
            }
            before @ (Stage::Dropped | Stage::Ended) => *stage = before,
            Stage::Polling | Stage::Cancelled => {}
            before @ (Stage::Launched(_) | Stage::Queued | Stage::OnThread(_)) => {
                // If the function hasn't been called yet, we never call it, and the run ends here.
                let has_begun = self.has_begun();
                if !has_begun {
                    *stage = Stage::Dropped;
                }
                drop(stage);
                match before {
                    Stage::OnThread(permit) => permit.release(),
                    before => drop_quietly(before),
                }
                if !has_begun {
                    self.report_end();
                }
            }
        }
    }
}

thread_local! {
    /// The run whose code this thread executes.
    static CURRENT: RefCell<Option<RunHandle>> = const { RefCell::new(None) };
}

/// Calls `act` and returns its result. `act` executes user code of the run, and doesn't panic.
///
/// During the call, [`CURRENT`] is this run. So if a check calls `report()`, the report doesn't wait for the check's
/// own run. A ready-made check reads its own [`CheckInfo`] from [`CURRENT`].
fn inside<T>(run: RunHandle, act: impl FnOnce() -> T) -> (RunHandle, T) {
    // `CURRENT` may already be destroyed: a runtime in another thread-local drops its runs while the thread ends.
    let swap = |run: &mut Option<RunHandle>| {
        let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), run));
    };
    let mut swapped = Some(run);
    swap(&mut swapped);
    let result = act();
    swap(&mut swapped);
    match swapped {
        Some(run) => (run, result),
        None => unreachable!("a nested run restores the run around it"),
    }
}

/// Returns whether the current thread executes a check or section of this runner.
pub(crate) fn is_inside_a_check(runner: &Runner) -> bool {
    CURRENT.with_borrow(|current| {
        let current = current.as_ref();
        current.is_some_and(|run| std::ptr::eq(Arc::as_ptr(&run.batch.runner), runner))
    })
}

/// The check whose code the current thread executes.
pub(crate) struct CurrentCheck(RunHandle);

impl CurrentCheck {
    /// Returns the current check, or `None` if the thread executes no check.
    pub(crate) fn get() -> Option<Self> {
        let run = CURRENT.with_borrow(Clone::clone)?;
        matches!(&run.subject, Subject::Check(_)).then_some(Self(run))
    }

    pub(crate) fn info(&self) -> Option<&CheckInfo> {
        match &self.0.subject {
            Subject::Check(info) => Some(info),
            Subject::Section(_) => None,
        }
    }

    /// Returns a number that identifies the registry of the check. A process can have several registries.
    pub(crate) fn registry(&self) -> usize {
        Arc::as_ptr(&self.0.batch.runner).addr()
    }

    /// Adds a warning to all later reports, and logs it.
    pub(crate) fn warn(&self, text: &str) {
        let runner = &self.0.batch.runner;
        let text = runner.redaction.text(text).into_owned();
        runner.step(Event::Warned(text.clone()));
        notices::log(move || tracing::warn!(target: "healthcheck", "{text}"));
    }
}
