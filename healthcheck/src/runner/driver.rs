//! Drivers look at the world when time makes something of it due: runs past their limit, and what intervals launch. One for
//! each runtime that asks for it; a runtime that isn't driven any more keeps none of the others from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::{Runner, Target, spawn};
use crate::clock::{Instant, Now};
use crate::world::{Event, Notice};

/// The drivers that live.
#[derive(Default)]
pub(super) struct Drivers {
    list: Mutex<List>,
    /// How many, for a look without the lock.
    count: AtomicUsize,
}

#[derive(Default)]
struct List {
    live: Vec<Driver>,
    latest: u64,
    /// The last driver of loops went away with its runtime.
    died: bool,
    /// For good: nobody asks any more.
    ended: bool,
}

struct Driver {
    /// Tells it from a later one of the same runtime.
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

    /// Puts a new driver on the list; `None`: this runtime has one.
    fn enter(&self, runtime: runtime::Id) -> Option<u64> {
        self.change(|list| {
            if list.ended || list.live.iter().any(|driver| driver.runtime == runtime) {
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

    /// Takes a driver off that has nothing to do, and gives whether that is so. Nobody else begins one meanwhile.
    fn retire(&self, number: u64, is_idle: impl FnOnce() -> bool) -> bool {
        self.change(|list| {
            let retires = is_idle();
            if retires {
                list.live.retain(|driver| driver.number != number);
            }
            retires
        })
    }

    /// A driver has ended. Gives whether it was the last one, and hadn't retired.
    fn leave(&self, number: u64, has_loops: bool) -> bool {
        self.change(|list| {
            let before = list.live.len();
            list.live.retain(|driver| driver.number != number);
            let was_last = before == 1 && list.live.is_empty();
            list.died |= was_last && has_loops;
            was_last
        })
    }

    pub(super) fn end(&self) {
        let live = self.change(|list| {
            list.ended = true;
            std::mem::take(&mut list.live)
        });
        live.into_iter()
            .filter_map(|driver| driver.task)
            .for_each(|task| task.abort());
    }
}

impl Runner {
    /// Whether the loops ought to run and nobody drives them: then nothing stays fresh for long.
    pub(crate) fn lacks_driver(&self) -> bool {
        self.has_loops.load(Ordering::Acquire) && self.drivers.count.load(Ordering::Acquire) == 0
    }

    pub(crate) fn has_loops(&self) -> bool {
        self.has_loops.load(Ordering::Acquire)
    }

    /// Starts a driver on this runtime, unless it has one. The driver launches due background checks at `target`.
    pub(super) fn ensure_driver(self: &Arc<Self>, on: &Handle, target: &Target) {
        let Some(number) = self.drivers.enter(on.id()) else {
            return;
        };
        let alive = Alive {
            runner: Arc::downgrade(self),
            number,
        };
        let sooner = Arc::clone(&self.sooner);
        let task = spawn(on, drive(alive, sooner, target.clone())).abort_handle();
        let restarted = self.drivers.change(|list| {
            // A runtime that is gone has dropped the driver inside `spawn`.
            let driver = list.live.iter_mut().find(|driver| driver.number == number)?;
            driver.task = Some(task);
            Some(self.has_loops() && std::mem::take(&mut list.died))
        });
        if restarted == Some(true) {
            self.tell(Notice::LoopRestarted);
        }
    }
}

/// Reports that a driver has ended, also where its runtime took it along, and wakes those who wait for a first result.
struct Alive {
    runner: Weak<Runner>,
    number: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(runner) = self.runner.upgrade()
            && runner.drivers.leave(self.number, runner.has_loops())
        {
            let waiting = runner.lock().world.take_waiters();
            waiting.into_iter().for_each(std::task::Waker::wake);
        }
    }
}

async fn drive(alive: Alive, sooner: Arc<Notify>, target: Target) {
    loop {
        let called = sooner.notified();
        tokio::pin!(called);
        // Before the look at the world, so that what becomes due earlier between the two isn't missed.
        called.as_mut().enable();
        // Only for the moment: the driver ends with the last that holds the runner.
        let Some(runner) = alive.runner.upgrade() else {
            return;
        };
        let next = runner.drive_once(&target);
        let is_idle = || runner.lock().world.next_of_driver().is_none();
        let retires = next.is_none() && runner.drivers.retire(alive.number, is_idle);
        drop(runner);
        match next {
            Some(at) => drop(tokio::time::timeout_at(at, called).await),
            None if retires => return,
            None => {}
        }
    }
}

impl Runner {
    /// Looks at the world; gives when to do so again, `None`: there is nothing to drive.
    fn drive_once(self: &Arc<Self>, target: &Target) -> Option<Instant> {
        let mut state = self.lock();
        let here = Handle::try_current().ok();
        let event = Event::Tick {
            runtime: here.map(|here| state.number_of(&here)),
            driver: Some(state.runs_on(target)),
        };
        let carried = self.step_locked(&mut state, event, Now::read());
        let next = state.world.next_of_driver();
        drop(state);
        self.carry_out(carried);
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
        assert!(!drivers.change(|list| list.died), "the loop hasn't stopped");
        assert!(drivers.leave(second, true));
        assert!(drivers.change(|list| list.died));
    }
}
