//! One run from its launch to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::call::{Call, Cell, call_blocking};
use super::cell::Stage;
use super::{Runner, paused_time, spawn};
use crate::outcome::Outcome;
use crate::run::Run;
use crate::world::Event;

/// So many runs are launched by one task: a worker of a runtime hands a task to itself at a fraction of what another
/// thread pays for it.
const BATCH: usize = 64;

/// Owns one run. Dropping it reports the end of the run, so its check can run again even if the run panicked or its
/// runtime was shut down.
pub(super) struct Running {
    cell: Arc<Cell>,
    has_ended: bool,
}

pub(super) fn launch_all(runtime: &Handle, launches: Vec<(Running, Run)>) {
    if launches.len() <= BATCH {
        return launches
            .into_iter()
            .for_each(|(running, call)| running.launch(call, runtime));
    }
    let (asynchronous, sync): (Vec<_>, Vec<_>) = launches.into_iter().partition(|(_, call)| call.is_async());
    let mut asynchronous = asynchronous.into_iter();
    loop {
        let batch: Vec<_> = asynchronous.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        // Dropped with its runtime before it has begun, each run in it tells.
        let own = runtime.clone();
        spawn(runtime, async move {
            for (running, call) in batch {
                own.spawn(running.asynchronous(call));
            }
        });
    }
    sync.into_iter()
        .for_each(|(running, call)| running.launch(call, runtime));
}

impl Running {
    pub(super) const fn new(cell: Arc<Cell>) -> Self {
        Self {
            cell,
            has_ended: false,
        }
    }

    /// Takes no lock while it spawns: a runtime that is gone drops the run inside `spawn`.
    fn launch(self, call: Run, runtime: &Handle) {
        if call.is_async() {
            runtime.spawn(self.asynchronous(call));
        } else {
            self.on_thread(call, runtime.clone());
        }
    }

    fn asynchronous(self, run: Run) -> Polled {
        let call = Call::new(&self.cell, run);
        Polled {
            running: Some(self),
            call: Some(call),
        }
    }

    fn on_thread(self, run: Run, runtime: Handle) {
        let cell = Arc::clone(&self.cell);
        let held = paused_time::hold(&runtime);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let permit = cell.runner.threads.run(move |thread| {
            match thread {
                Ok(()) => {
                    let _runtime = runtime.enter();
                    tracing::dispatcher::with_default(&dispatch, || self.call(&run));
                }
                Err(error) => self.end(Outcome::fail(format!("can't start a thread for it: {error}"))),
            }
            drop(held);
        });
        let Some(permit) = permit else { return };
        let mut stage = cell.lock();
        match *stage {
            Stage::Launched => *stage = Stage::OnThread(permit),
            Stage::ToEnd | Stage::Dropped => {
                drop(stage);
                permit.release();
            }
            _ => {}
        }
    }

    fn call(self, run: &Run) {
        if !self.cell.begin() {
            return;
        }
        let outcome = call_blocking(&self.cell, run);
        self.end(outcome);
    }

    /// The function has returned.
    fn end(mut self, outcome: Outcome) {
        self.has_ended = true;
        self.cell.replace(Stage::Ended);
        let (status, output) = outcome.into_parts();
        let runner = &self.cell.runner;
        let output = runner.output_of(&self.cell.subject, output);
        let (check, run) = (self.cell.check, self.cell.run);
        let returned = Event::Returned {
            check,
            run,
            status,
            output,
        };
        runner.ended(check, run, returned);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let (check, run) = (self.cell.check, self.cell.run);
        let (event, call) = match self.cell.replace(Stage::Ended) {
            Stage::Dropped | Stage::Ended => return,
            Stage::ToEnd => (Event::Ended { check, run }, None),
            Stage::Idle(call, _) => (Event::Lost { check, run }, Some(call)),
            Stage::Launched | Stage::Polling | Stage::OnThread(_) => (Event::Lost { check, run }, None),
        };
        let runner = Arc::clone(&self.cell.runner);
        let tell = move || {
            if let Some(call) = call {
                call.give_up();
            }
            runner.ended(check, run, event);
        };
        // While a thread ends (it kept the runtime in a thread-local), tokio's clock and our own thread-locals panic.
        if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
            self.cell.runner.threads.run(move |_| tell());
        } else {
            tell();
        }
    }
}

/// The task of an async run.
struct Polled {
    running: Option<Running>,
    /// Until the first poll; from then on it lies in the cell.
    call: Option<Call>,
}

impl Future for Polled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(running) = &self.running else {
            return Poll::Ready(());
        };
        let cell = Arc::clone(&running.cell);
        let call = match cell.replace(Stage::Polling) {
            Stage::Launched => {
                cell.mark_begun();
                self.call.take()
            }
            Stage::Idle(call, _) => Some(call),
            before => {
                *cell.lock() = before;
                None
            }
        };
        let Some(mut call) = call else {
            // It was ended from outside.
            self.call = None;
            self.running = None;
            return Poll::Ready(());
        };
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready(outcome) => {
                drop(call);
                if let Some(running) = self.running.take() {
                    running.end(outcome);
                }
                Poll::Ready(())
            }
            Poll::Pending => {
                let mut stage = cell.lock();
                if let Stage::ToEnd = *stage {
                    drop(stage);
                    call.give_up();
                    self.running = None;
                    return Poll::Ready(());
                }
                *stage = Stage::Idle(call, cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        // A user's function that was never called; its end may be anything.
        if let Some(call) = self.call.take() {
            call.give_up();
        }
    }
}

impl Runner {
    /// Ends a run that nobody wants any more. An async one is dropped: by its own runtime's thread where this is one, else
    /// on a thread apart, since what its destructors do may block.
    pub(super) fn cancel(self: &Arc<Self>, cell: &Cell) {
        let (check, run) = (cell.check, cell.run);
        let mut stage = cell.lock();
        match std::mem::replace(&mut *stage, Stage::ToEnd) {
            Stage::Idle(call, waker) => {
                *stage = Stage::Dropped;
                drop(stage);
                let runner = Arc::clone(self);
                let finish = move || {
                    call.give_up();
                    runner.ended(check, run, Event::Ended { check, run });
                    waker.wake();
                };
                if Handle::try_current().is_ok_and(|here| here.id() == cell.runtime) {
                    finish();
                } else {
                    self.threads.run(move |_| finish());
                }
            }
            before @ (Stage::Dropped | Stage::Ended) => *stage = before,
            Stage::Polling | Stage::ToEnd => {}
            before @ (Stage::Launched | Stage::OnThread(_)) => {
                // A function that wasn't called needn't end: it is just not called any more.
                let has_begun = cell.has_begun();
                if !has_begun {
                    *stage = Stage::Dropped;
                }
                drop(stage);
                if let Stage::OnThread(permit) = before {
                    permit.release();
                }
                if !has_begun {
                    self.ended(check, run, Event::Ended { check, run });
                }
            }
        }
    }
}
