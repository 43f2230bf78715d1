//! Launches runs, polls or cancels them, and reports the end of each run.
//!
//! A batch is a list of runs that start together. A task polls its async runs one after another. If a run is pending,
//! the task keeps this run, and another task continues with the remaining runs. A run that ends at its first poll
//! therefore needs no separate task.
//!
//! Sync runs execute on the threads of our thread pool (see `threads`).

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

/// The maximum number of runs in a batch. A task polls the runs of one batch only, so that the runtime can run its other
/// tasks in between.
pub(super) const MAX_BATCH: usize = 64;

/// Runs that start together on one runtime. A batch has only async runs or only sync runs.
pub(super) struct Batch {
    /// The runner of the batch. This reference keeps the runner alive until the last run of the batch ends.
    runner: Arc<Runner>,
    runtime: Handle,
    is_async: bool,
    cells: Box<[Cell]>,
    /// The index of the next run to take.
    ///
    /// A [`RunTask`] takes an async run, and polls it for the first time. [`launch`](Self::launch) takes a sync run,
    /// and hands it to the thread pool.
    next: AtomicUsize,
}

/// The state of one run.
///
/// Between two polls, the cell holds the future of an async run. Another thread can cancel the run by dropping the
/// future, even if the run's runtime is no longer polled.
pub(super) struct Cell {
    pub(super) check: CheckId,
    pub(super) run: RunId,
    subject: Subject,
    has_begun: AtomicBool,
    has_timed_out: AtomicBool,
    stage: Mutex<Stage>,
}

enum Stage {
    /// An async run before its first poll, or a sync run before it is handed to the thread pool.
    Launched(Run),
    /// An async run between two polls.
    ///
    /// A thread cancels the run by dropping the [`Call`] and calling the waker. The waker wakes the run's task, and the
    /// task ends.
    Idle(Call, Waker),
    /// An async run while a thread polls it.
    Polling,
    /// A sync run while it is handed to the thread pool. The pool hasn't returned the run's permit yet.
    Queued,
    /// A sync run that the thread pool has queued or executes.
    OnThread(Arc<Permit>),
    /// A run that was cancelled during a poll or a sync call. The run ends when that poll or call returns.
    Cancelled,
    /// A run that was cancelled while no thread executed its function or future. [`RunHandle::cancel`] drops the future,
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

    /// Returns whether the run's function has been called. Before the call, the run waits for a thread or for its
    /// runtime.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Marks the run as timed out. The run's span will record `timeout` as the outcome.
    pub(super) fn mark_timed_out(&self) {
        self.has_timed_out.store(true, Ordering::Release);
    }

    fn has_timed_out(&self) -> bool {
        self.has_timed_out.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        // The code under the lock only replaces the stage and drops no user code, so poisoning is harmless.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.lock(), stage)
    }

    /// Releases the permit of a sync run, although the run itself continues. Another sync run can then execute.
    pub(super) fn release_permit(&self) {
        let permit = match &*self.lock() {
            Stage::OnThread(permit) => Arc::clone(permit),
            _ => return,
        };
        permit.release();
    }

    /// Marks a sync run as begun and returns true. If the run was cancelled, returns false, and the caller must not
    /// call the function.
    fn begin(&self) -> bool {
        let stage = self.lock();
        let begins = !matches!(*stage, Stage::Cancelled | Stage::Dropped);
        if begins {
            self.has_begun.store(true, Ordering::Release);
        }
        begins
    }

    /// Marks an async run as being polled, and returns the call to poll. Returns `None` if the run was cancelled.
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

/// A reference to one run of a batch.
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

    /// Launches the runs of this batch. The caller must not hold the runner's lock.
    ///
    /// If the runtime has shut down, `spawn` drops the task immediately. The task's destructor takes the runner's lock
    /// to report the runs as lost.
    pub(super) fn launch(self: Arc<Self>) {
        if self.is_async {
            let tasks = self.cells.len().min(self.runtime.metrics().num_workers());
            (0..tasks).for_each(|_| self.spawn_task());
        } else {
            while let Some(run) = self.next() {
                run.launch_on_thread();
            }
        }
    }

    fn spawn_task(self: &Arc<Self>) {
        let task = RunTask {
            batch: Arc::downgrade(self),
            pending: None,
        };
        spawn(&self.runtime, task);
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

/// A task that polls runs of a batch for the first time, one after another. If a run is pending, the task polls only
/// this run from then on.
struct RunTask {
    /// A weak reference to the batch. If all runs have ended before this task is polled, the task doesn't keep the
    /// batch in memory.
    batch: Weak<Batch>,
    /// The run that was pending after its first poll.
    pending: Option<RunGuard>,
}

impl Future for RunTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(run) = &mut self.pending {
            let polled = run.poll(cx);
            if polled.is_ready() {
                self.pending = None;
            }
            return polled.map(drop);
        }
        let Some(batch) = std::mem::take(&mut self.batch).upgrade() else {
            return Poll::Ready(());
        };
        let mut is_first = true;
        while let Some(mut run) = batch.next() {
            // The first poll of a run can block this thread. Before this poll, we spawn another task for the remaining
            // runs, so that they don't wait.
            if std::mem::take(&mut is_first) && batch.has_next() {
                batch.spawn_task();
            }
            match run.poll(cx) {
                Poll::Pending => {
                    self.pending = Some(run);
                    return Poll::Pending;
                }
                // This run has scheduled a task on this thread. No other worker can steal the task that was scheduled
                // last.
                //
                // If we polled the next run here and its poll blocked the thread, the scheduled task would wait. So we
                // leave the next run to another task.
                Poll::Ready(Scheduled(true)) => break,
                Poll::Ready(Scheduled(false)) => {}
            }
        }
        Poll::Ready(())
    }
}

impl Drop for RunTask {
    fn drop(&mut self) {
        // The first poll takes the batch out of this task. If the task still has its batch, the runtime has shut down
        // without polling the task.
        //
        // Each `run` is a [`RunGuard`]. Dropping the guard reports the run as lost.
        if let Some(batch) = self.batch.upgrade() {
            while let Some(run) = batch.next() {
                drop(run);
            }
        }
    }
}

/// Whether the end of a run has scheduled tasks of the runtime: it has launched other runs, or has woken waiters.
pub(super) struct Scheduled(pub(super) bool);

/// Owns one run. When the guard is dropped, it reports the end of the run. The check can then run again, even if the
/// run's runtime or thread no longer exists.
///
/// If the run has ended with a result, the guard is empty.
struct RunGuard(Option<RunHandle>);

impl RunGuard {
    /// Polls an async run. If it is ready, the caller drops the guard.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Scheduled> {
        let Some(mut call) = self.0.as_ref().and_then(|run| run.begin_poll()) else {
            return Poll::Ready(Scheduled(false));
        };
        let polled = inside(&mut self.0, || call.poll(cx));
        let Some(run) = &self.0 else {
            return Poll::Ready(Scheduled(false));
        };
        match polled {
            Poll::Ready(returned) => {
                let outcome = call.conclude(returned, run.has_timed_out());
                Poll::Ready(self.end(outcome))
            }
            Poll::Pending => {
                let mut stage = run.lock();
                if !matches!(*stage, Stage::Cancelled) {
                    *stage = Stage::Idle(call, cx.waker().clone());
                    return Poll::Pending;
                }
                drop(stage);
                run.give_up(call);
                // The run was cancelled during this poll. Dropping the guard reports the end of the run.
                Poll::Ready(Scheduled(true))
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
                Err(error) => {
                    self.end(Outcome::fail(format!("can't start a thread for it: {error}")));
                }
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

    fn call(&mut self, function: &Run) {
        let Some(run) = self.0.clone() else { return };
        if run.begin() {
            let call = || call_blocking(function, &run.subject, || run.has_timed_out());
            let outcome = inside(&mut self.0, call);
            self.end(outcome);
        }
    }

    fn end(&mut self, outcome: Outcome) -> Scheduled {
        self.0.take().map_or(Scheduled(false), |run| run.end(outcome))
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
        // If a runtime is stored in a thread-local, it drops its runs while its thread ends. At that time, the
        // thread-locals of tokio or of this crate can be gone, and using them would panic. Another thread then reports
        // the end of the run.
        let tokio_is_gone = Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed());
        if tokio_is_gone || Runner::thread_is_ending() {
            runner.threads.run(move |_| report());
        } else {
            report();
        }
    }
}

impl RunHandle {
    /// Ends a run whose function has returned, and reports the outcome to the `World`.
    fn end(self, outcome: Outcome) -> Scheduled {
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
        runner.run_ended(check, run, returned)
    }

    fn give_up(&self, call: Call) {
        let has_timed_out = self.has_timed_out();
        inside(&mut Some(self.clone()), || call.give_up(has_timed_out));
    }

    fn report_end(&self) {
        let (check, run) = (self.check, self.run);
        self.batch
            .runner
            .run_ended(check, run, Event::Ended { check, run });
    }

    /// Cancels the run. If the run is an async run between two polls, drops its future.
    ///
    /// If this thread belongs to the run's own runtime, it drops the future directly. If not, our thread pool drops the
    /// future, because destructors in the future can block.
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
                // If the run's function hasn't been called yet, it is never called, and the run ends here.
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
    /// The run whose function or future the current thread executes; `None` if the thread executes no run.
    static CURRENT: RefCell<Option<RunHandle>> = const { RefCell::new(None) };
}

/// Calls `act`, which executes user code of the run.
///
/// During the call, [`CURRENT`] is this run. If the check calls `report()`, the report reads [`CURRENT`], and doesn't
/// wait for the check's own run.
///
/// The ready-made checks read their own [`CheckInfo`] from [`CURRENT`].
fn inside<T>(run: &mut Option<RunHandle>, act: impl FnOnce() -> T) -> T {
    let _inside = Inside::enter(run);
    act()
}

/// Lends a run to [`CURRENT`], without touching the reference count that the batch's runs share. When this value is
/// dropped, it restores both, even if user code panics.
struct Inside<'a>(&'a mut Option<RunHandle>);

impl<'a> Inside<'a> {
    fn enter(run: &'a mut Option<RunHandle>) -> Self {
        let mut inside = Self(run);
        inside.swap();
        inside
    }

    /// Does nothing if `CURRENT` is destroyed: a runtime that is stored in another thread-local drops its runs while its
    /// thread ends.
    fn swap(&mut self) {
        let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), self.0));
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.swap();
    }
}

/// Returns whether the current thread executes a check or section of this runner.
pub(crate) fn is_inside_a_check(runner: &Runner) -> bool {
    CURRENT.with_borrow(|current| {
        let current = current.as_ref();
        current.is_some_and(|run| std::ptr::eq(Arc::as_ptr(&run.batch.runner), runner))
    })
}

/// The check whose function or future the current thread executes.
pub(crate) struct CurrentCheck(RunHandle);

impl CurrentCheck {
    /// Returns the check that the current thread executes. Returns `None` if the thread executes no check, for example
    /// if it executes a section.
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

    /// Adds a warning that all later reports show, and logs the warning.
    pub(crate) fn warn(&self, text: &str) {
        let runner = &self.0.batch.runner;
        let text = runner.redaction.text(text).into_owned();
        runner.step(Event::Warned(text.clone()));
        notices::log(move || tracing::warn!(target: "healthcheck", "{text}"));
    }
}
