//! A driver is a task that sends [`Event::Tick`] to the `World` (the state of all checks). It sends a tick when a run
//! reaches its limit, and when a background run is due.
//!
//! Each runtime that needs a driver has its own driver. If one runtime is no longer polled, the drivers on the other
//! runtimes continue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::{Runner, Target, spawn};
use crate::clock::{Instant, Now};
use crate::world::{Event, Notice};

/// The live drivers.
#[derive(Default)]
pub(super) struct Drivers {
    list: Mutex<List>,
    /// The number of live drivers. Threads read this number without taking the lock of `list`.
    count: AtomicUsize,
}

#[derive(Default)]
struct List {
    live: Vec<Driver>,
    latest: u64,
    /// Whether the background loops have stopped because the last driver ended with its runtime.
    loops_stopped: bool,
    /// Whether the runner is closed. A closed runner starts no new driver.
    closed: bool,
}

struct Driver {
    /// The number of this driver. It differs from the number of a later driver on the same runtime.
    number: u64,
    runtime: runtime::Id,
    task: Option<AbortHandle>,
}

impl Drivers {
    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut list);
        self.count.store(list.live.len(), Ordering::Release);
        changed
    }

    /// Adds a driver to the list and returns its number. Returns `None` if the runtime already has a driver, or if the
    /// runner is closed.
    fn enter(&self, runtime: runtime::Id) -> Option<u64> {
        self.change(|list| {
            if list.closed || list.live.iter().any(|driver| driver.runtime == runtime) {
                return None;
            }
            list.latest += 1;
            list.live.push(Driver {
                number: list.latest,
                runtime,
                task: None,
            });
            Some(list.latest)
        })
    }

    /// Removes a driver from the list if `is_idle` returns true. Returns whether the driver was removed.
    ///
    /// Calls `is_idle` under the lock of the list. If a request adds work at the same time, either this driver stays or
    /// the request starts a new driver.
    fn retire(&self, number: u64, is_idle: impl FnOnce() -> bool) -> bool {
        self.change(|list| {
            let retires = is_idle();
            if retires {
                list.live.retain(|driver| driver.number != number);
            }
            retires
        })
    }

    /// Removes a driver that has ended from the list. Returns true if this driver was still in the list, and was the
    /// last one.
    fn leave(&self, number: u64, has_loops: bool) -> bool {
        self.change(|list| {
            let before = list.live.len();
            list.live.retain(|driver| driver.number != number);
            let was_last = before == 1 && list.live.is_empty();
            list.loops_stopped |= was_last && has_loops;
            was_last
        })
    }

    pub(super) fn close(&self) {
        let live = self.change(|list| {
            list.closed = true;
            std::mem::take(&mut list.live)
        });
        live.into_iter()
            .filter_map(|driver| driver.task)
            .for_each(|task| task.abort());
    }
}

impl Runner {
    /// Returns whether there are background checks but no driver. In this case no background run starts, and the
    /// results become stale.
    pub(crate) fn lacks_driver(&self) -> bool {
        self.has_loops.load(Ordering::Acquire) && self.drivers.count.load(Ordering::Acquire) == 0
    }

    pub(crate) fn has_loops(&self) -> bool {
        self.has_loops.load(Ordering::Acquire)
    }

    /// Starts a driver on the runtime `on`, unless `on` already has a driver. The driver launches the due background
    /// checks on `target`, which can be another runtime.
    pub(super) fn ensure_driver(self: &Arc<Self>, on: &Handle, target: &Target) {
        let Some(number) = self.drivers.enter(on.id()) else {
            return;
        };
        let guard = DriverGuard {
            runner: Arc::downgrade(self),
            number,
        };
        let wakeup = Arc::clone(&self.driver_wakeup);
        let task = spawn(on, drive(guard, wakeup, target.clone())).abort_handle();
        let restarted = self.drivers.change(|list| {
            // If the runtime `on` has shut down, `spawn` has already dropped the task. The task's guard has then
            // removed the driver from the list.
            let driver = list.live.iter_mut().find(|driver| driver.number == number)?;
            driver.task = Some(task);
            Some(self.has_loops() && std::mem::take(&mut list.loops_stopped))
        });
        if restarted == Some(true) {
            self.send_notice(Notice::LoopRestarted);
        }
    }
}

/// A guard that a driver's task owns. When the task ends or its runtime shuts down, the guard is dropped, and removes
/// the driver from the list.
///
/// If that was the last driver, the guard wakes all waiting requests and waiters. Without a driver, the background runs
/// that they wait for never start.
struct DriverGuard {
    runner: Weak<Runner>,
    number: u64,
}

impl Drop for DriverGuard {
    fn drop(&mut self) {
        if let Some(runner) = self.runner.upgrade()
            && runner.drivers.leave(self.number, runner.has_loops())
        {
            let waiting = runner.lock().world.take_waiters();
            waiting.into_iter().for_each(std::task::Waker::wake);
        }
    }
}

async fn drive(guard: DriverGuard, wakeup: Arc<Notify>, target: Target) {
    loop {
        let notified = wakeup.notified();
        tokio::pin!(notified);
        // We register for wake-ups before we read the `World`. If we registered later, we could miss a change that
        // another thread makes between the two steps.
        notified.as_mut().enable();
        // We hold a strong reference to the runner only during one round, so the driver's task doesn't keep the runner
        // alive.
        let Some(runner) = guard.runner.upgrade() else {
            return;
        };
        let next = runner.drive_once(&target);
        let is_idle = || runner.lock().world.next_of_driver().is_none();
        let retires = next.is_none() && runner.drivers.retire(guard.number, is_idle);
        drop(runner);
        match next {
            Some(at) => drop(tokio::time::timeout_at(at, notified).await),
            None if retires => return,
            None => {}
        }
    }
}

impl Runner {
    /// Sends a tick to the `World`. Returns the time of the driver's next tick, or `None` if the driver has nothing to
    /// do.
    fn drive_once(self: &Arc<Self>, target: &Target) -> Option<Instant> {
        let mut state = self.lock();
        let here = Handle::try_current().ok();
        let event = Event::Tick {
            runtime: here.map(|here| state.runtime_number(&here)),
            driver: Some(state.runs_on(target)),
        };
        let prepared = self.step_locked(&mut state, event, Now::read());
        let next = state.world.next_of_driver();
        drop(state);
        self.carry_out(prepared);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_has_retired_leaves_alone_the_next_one_of_its_runtime() {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        let (drivers, runtime) = (Drivers::default(), runtime.handle().id());
        let first = drivers.enter(runtime).unwrap();
        assert!(!drivers.retire(first, || false));
        assert_eq!(drivers.enter(runtime), None, "it goes on");
        assert!(drivers.retire(first, || true));
        let second = drivers.enter(runtime).unwrap();
        assert!(!drivers.leave(first, true));
        assert_eq!(drivers.enter(runtime), None, "the second one is there");
        assert!(
            !drivers.change(|list| list.loops_stopped),
            "the loop hasn't stopped"
        );
        assert!(drivers.leave(second, true));
        assert!(drivers.change(|list| list.loops_stopped));
    }
}
