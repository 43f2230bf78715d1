//! Drivers look at the world when time makes something of it due: runs past their limit, and what intervals launch. One for
//! each runtime that asks for it; a runtime that isn't driven any more keeps none of the others from it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::{Place, Runner, spawn};
use crate::clock::{Instant, Now};
use crate::world::{Event, Notice};

/// The drivers that live.
#[derive(Default)]
pub(super) struct Drivers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Vec<(runtime::Id, Option<AbortHandle>)>,
    /// The last driver of loops went away with its runtime.
    died: bool,
    /// For good: nobody asks any more.
    ended: bool,
}

impl Drivers {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let live = std::mem::take(&mut state.live);
        drop(state);
        live.into_iter()
            .filter_map(|(_, task)| task)
            .for_each(|task| task.abort());
    }
}

impl Runner {
    /// Whether the loops ought to run and nobody drives them: then nothing stays fresh for long.
    pub(crate) fn lacks_driver(&self) -> bool {
        self.has_loops.load(Ordering::Acquire) && self.live_drivers.load(Ordering::Acquire) == 0
    }

    pub(crate) fn has_loops(&self) -> bool {
        self.has_loops.load(Ordering::Acquire)
    }

    /// Starts a driver on this runtime, unless it has one. The driver launches due background checks at `place`.
    pub(super) fn ensure_driver(self: &Arc<Self>, on: &Handle, place: Place<'_>) {
        let id = on.id();
        {
            let mut state = self.drivers.lock();
            if state.ended || state.live.iter().any(|(known, _)| *known == id) {
                return;
            }
            state.live.push((id, None));
            self.live_drivers.store(state.live.len(), Ordering::Release);
        }
        let alive = Alive {
            runner: Arc::downgrade(self),
            runtime: id,
        };
        let task = spawn(
            on,
            drive(
                alive,
                Arc::clone(&self.sooner),
                place.handle.clone(),
                place.chosen,
            ),
        )
        .abort_handle();
        let mut state = self.drivers.lock();
        // A runtime that is gone has dropped the driver inside `spawn`.
        let Some((_, place)) = state.live.iter_mut().find(|(known, _)| *known == id) else {
            return;
        };
        *place = Some(task);
        let restarted = self.has_loops() && std::mem::take(&mut state.died);
        drop(state);
        if restarted {
            self.tell(Notice::LoopRestarted);
        }
    }
}

/// Says that a driver has ended, also where its runtime took it along, and wakes those who wait for a first result.
struct Alive {
    runner: Weak<Runner>,
    runtime: runtime::Id,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let Some(runner) = self.runner.upgrade() else {
            return;
        };
        let none_is_left = {
            let mut state = runner.drivers.lock();
            state.live.retain(|(known, _)| *known != self.runtime);
            runner.live_drivers.store(state.live.len(), Ordering::Release);
            let none_is_left = state.live.is_empty() && !state.ended;
            state.died |= none_is_left && runner.has_loops();
            none_is_left
        };
        if none_is_left {
            runner.wake_all();
        }
    }
}

async fn drive(alive: Alive, sooner: Arc<Notify>, runtime: Handle, chosen: bool) {
    let place = Place {
        handle: &runtime,
        chosen,
    };
    loop {
        let called = sooner.notified();
        tokio::pin!(called);
        // Before the look at the world, so that what becomes due earlier between the two isn't missed.
        called.as_mut().enable();
        // Only for the moment: the driver ends with the last that holds the runner.
        let Some(runner) = alive.runner.upgrade() else {
            return;
        };
        let next = runner.drive_once(place);
        let retires = next.is_none() && runner.retires(alive.runtime);
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
    fn drive_once(self: &Arc<Self>, place: Place<'_>) -> Option<Instant> {
        let mut state = self.lock();
        let here = Handle::try_current().ok();
        let event = Event::Tick {
            runtime: here.map(|here| state.number_of(&here)),
            driver: Some(state.runs_on(place)),
        };
        let carried = self.step_locked(&mut state, event, Now::read());
        let next = state.world.next_of_driver();
        drop(state);
        self.carry_out(carried);
        next
    }

    /// Takes a driver off the list that has nothing to do; false where something has come up in between.
    fn retires(&self, runtime: runtime::Id) -> bool {
        self.drivers.lock().live.retain(|(known, _)| *known != runtime);
        let is_idle = self.lock().world.next_of_driver().is_none();
        let mut state = self.drivers.lock();
        let goes_on = !is_idle && !state.live.iter().any(|(known, _)| *known == runtime);
        if goes_on {
            state.live.push((runtime, None));
        }
        self.live_drivers.store(state.live.len(), Ordering::Release);
        !goes_on
    }

    /// Has everybody who waits look again.
    fn wake_all(&self) {
        let waiting = self.lock().world.take_waiters();
        waiting.into_iter().for_each(std::task::Waker::wake);
    }
}
