//! The shared state of a run. It holds the run's future between two polls, so another thread can cancel the run by
//! dropping the future, even if the run's runtime is no longer polled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::Runner;
use super::threads::Permit;
use crate::world::{CheckId, RunId, Subject};

/// The shared state of a launched run, through which others can cancel it. `C` is the future of an async run (`Call`).
pub(super) struct RunCell<C> {
    pub(super) check: CheckId,
    pub(super) run: RunId,
    pub(super) subject: Subject,
    /// The runner of this run. The reference keeps the runner alive until the run ends.
    pub(super) runner: Arc<Runner>,
    pub(super) runtime: tokio::runtime::Id,
    has_begun: AtomicBool,
    has_timed_out: AtomicBool,
    stage: Mutex<Stage<C>>,
}

pub(super) enum Stage<C> {
    /// The run waits for a thread, or for its first poll.
    Launched,
    /// The run is between two polls. The waker wakes its task after the run was cancelled.
    Idle(C, Waker),
    Polling,
    OnThread(Arc<Permit>),
    /// The run was cancelled during a poll or a sync call. It ends when that poll or call returns.
    ToEnd,
    /// Another thread has dropped the future, and reports the end of the run.
    Dropped,
    Ended,
}

impl<C> RunCell<C> {
    pub(super) fn new(
        check: CheckId,
        run: RunId,
        subject: Subject,
        runner: Arc<Runner>,
        runtime: tokio::runtime::Id,
    ) -> Self {
        Self {
            check,
            run,
            subject,
            runner,
            runtime,
            has_begun: AtomicBool::new(false),
            has_timed_out: AtomicBool::new(false),
            stage: Mutex::new(Stage::Launched),
        }
    }

    /// Returns whether the function has been called. Until then, the run waits for a thread or for its runtime.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    pub(super) fn mark_begun(&self) {
        self.has_begun.store(true, Ordering::Release);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stage<C>> {
        // We only swap stages under the lock and drop nothing there, so poisoning is harmless.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, stage: Stage<C>) -> Stage<C> {
        std::mem::replace(&mut *self.lock(), stage)
    }

    /// Marks the run as timed out. The world then ignores its result.
    pub(super) fn mark_timed_out(&self) {
        self.has_timed_out.store(true, Ordering::Release);
    }

    pub(super) fn has_timed_out(&self) -> bool {
        self.has_timed_out.load(Ordering::Acquire)
    }

    /// Frees the permit of a sync run for other runs. The run itself continues.
    pub(super) fn relieve(&self) {
        let permit = match &*self.lock() {
            Stage::OnThread(permit) => Arc::clone(permit),
            _ => return,
        };
        permit.release();
    }

    /// Marks the run as begun, right before the function is called. Returns false if the run was already cancelled.
    pub(super) fn begin(&self) -> bool {
        let stage = self.lock();
        let begins = !matches!(*stage, Stage::ToEnd | Stage::Dropped);
        if begins {
            self.mark_begun();
        }
        begins
    }
}
