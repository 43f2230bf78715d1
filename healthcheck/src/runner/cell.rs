//! Where a run can be ended from outside. Its future lies here between two polls: whoever ends the run drops it, so no run
//! lives on because its runtime isn't driven any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::Runner;
use super::threads::Permit;
use crate::world::{CheckId, RunId, Subject};

/// A run on its way; `C` is its call.
pub(super) struct RunCell<C> {
    pub(super) check: CheckId,
    pub(super) run: RunId,
    pub(super) subject: Subject,
    /// Its runs keep a runner alive.
    pub(super) runner: Arc<Runner>,
    pub(super) runtime: tokio::runtime::Id,
    has_begun: AtomicBool,
    has_timed_out: AtomicBool,
    stage: Mutex<Stage<C>>,
}

pub(super) enum Stage<C> {
    /// On its way: to a thread, or to the first poll.
    Launched,
    /// Between two polls, with whom to wake after it has been cancelled.
    Idle(C, Waker),
    Polling,
    OnThread(Arc<Permit>),
    /// It is to end, and does so at the end of the poll or of the call.
    ToEnd,
    /// Somebody has dropped it, and tells.
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

    /// Whether the function has been called: until then the run waits for a thread, or for its runtime.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    pub(super) fn mark_begun(&self) {
        self.has_begun.store(true, Ordering::Release);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stage<C>> {
        // Under the lock a stage is exchanged for another, and nothing is dropped.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, stage: Stage<C>) -> Stage<C> {
        std::mem::replace(&mut *self.lock(), stage)
    }

    /// Its limit is over; nothing that it still gives is shown.
    pub(super) fn mark_timed_out(&self) {
        self.has_timed_out.store(true, Ordering::Release);
    }

    pub(super) fn has_timed_out(&self) -> bool {
        self.has_timed_out.load(Ordering::Acquire)
    }

    /// Gives the permit of a sync run to another. The run goes on.
    pub(super) fn relieve(&self) {
        let permit = match &*self.lock() {
            Stage::OnThread(permit) => Arc::clone(permit),
            _ => return,
        };
        permit.release();
    }

    /// The function is about to be called; false where the run was ended before.
    pub(super) fn begin(&self) -> bool {
        let stage = self.lock();
        let begins = !matches!(*stage, Stage::ToEnd | Stage::Dropped);
        if begins {
            self.mark_begun();
        }
        begins
    }
}
