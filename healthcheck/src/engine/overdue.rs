//! Ends runs at their limit that nobody waits for: who asked has left, or nobody did. Else a hung run would keep its
//! place and its connection, and its failure would be told to nobody, until somebody asks for that very check again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::policy::PATIENCE;
use super::settle::earlier;
use super::state::{Next, RunId};
use super::{Engine, task};
use crate::clock::Now;

/// How often it is looked for limits that are nearer than those seen before.
const PERIOD: Duration = Duration::from_secs(1);

/// Whether the one task that looks for overdue runs is alive; it ends when there is nothing to look for.
#[derive(Debug, Default)]
pub(crate) struct Overdue {
    alive: AtomicBool,
}

impl Overdue {
    /// Has every run that is going on now ended at its limit.
    pub(super) fn watch(&self, engine: &Arc<Engine>, on: &Handle) {
        if !self.alive.swap(true, Ordering::SeqCst) {
            task::spawn(on, run(Alive(Arc::downgrade(engine))));
        }
    }
}

/// Says that the task has ended, also where its runtime took it along.
struct Alive(Weak<Engine>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(engine) = self.0.upgrade() {
            engine.overdue.alive.store(false, Ordering::SeqCst);
        }
    }
}

async fn run(mut alive: Alive) {
    loop {
        // Only for the moment: the engine ends with those who use it.
        let Some(engine) = alive.0.upgrade() else { return };
        let Some(limit) = engine.expire_overdue() else {
            engine.overdue.alive.store(false, Ordering::SeqCst);
            // A run that began after the look was told that somebody watches.
            if engine.expire_overdue().is_some() && !engine.overdue.alive.swap(true, Ordering::SeqCst) {
                continue;
            }
            alive.0 = Weak::new();
            return;
        };
        drop(engine);
        tokio::time::sleep_until(limit.min(Instant::now() + PERIOD)).await;
    }
}

/// One who waits for runs. Leaves them to the watch where he goes before they have ended.
pub(super) struct Waiter<'a> {
    engine: &'a Arc<Engine>,
    here: Option<Handle>,
}

impl<'a> Waiter<'a> {
    pub(super) fn new(engine: &'a Arc<Engine>) -> Self {
        let here = Handle::try_current().ok();
        Self { engine, here }
    }

    /// Every run has ended.
    pub(super) fn finish(mut self) {
        self.here = None;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(here) = &self.here {
            self.engine.overdue.watch(self.engine, here);
        }
    }
}

impl Engine {
    /// What a waiter has to do next. An attempt that others hold up has no limit of its own; where none of them is
    /// going on, its runtime is blocked, and it is given up like one that can't start.
    pub(super) fn look(&self, index: u32, id: RunId, now: Now) -> Next {
        let slot = self.slot(index);
        let next = slot.lock().next(id, &slot.policy, now);
        let Next::Hold(since) = next else {
            return next;
        };
        let mut idle_since = since;
        for &on in &slot.depends_on {
            let other = self.slot(on);
            match other.lock().idle_since(&other.policy, since) {
                Some(idle) => idle_since = idle_since.max(idle),
                None => return Next::Wait(now.mono.checked_add(PATIENCE)),
            }
        }
        match idle_since.checked_add(PATIENCE) {
            Some(until) if now.mono >= until => Next::Expire,
            until => Next::Wait(until),
        }
    }

    /// Tells the failure of a run that is past its limit.
    pub(crate) fn expire(&self, index: u32, id: RunId) {
        let slot = self.slot(index);
        let now = Now::read();
        let stuck = slot.lock().expire(id, &slot.policy, now);
        if let Some(stuck) = stuck {
            stuck.let_go();
            self.published(index, now);
        }
    }

    /// Looks at every run that is going on, for one that nobody waits for. Gives when the next limit is over.
    pub(super) fn expire_overdue(&self) -> Option<Instant> {
        let now = Now::read();
        let mut next = None;
        for (index, slot) in (0..).zip(&self.slots) {
            let running = slot.lock().running();
            let Some(id) = running else { continue };
            match self.look(index, id, now) {
                Next::Expire => self.expire(index, id),
                Next::Wait(limit) => next = earlier(next, limit),
                _ => {}
            }
        }
        next
    }
}
