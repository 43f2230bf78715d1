//! One attempt to run a slot: what it looks at first, the call itself, and what becomes of its result.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::blocking::Place;
use super::call::{call, call_blocking};
use super::slot::Slot;
use super::state::RunId;
use super::{Engine, paused_time, task};
use crate::clock::Now;
use crate::outcome::{Outcome, Status};
use crate::selection::MaxAge;

/// Whether an attempt still runs where what it depends on has been looked at and nothing is due any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Only where it is due, for those who ask for results of this age.
    Due(Option<MaxAge>),
    /// In any case: its interval is over, or a dependant has failed.
    Anyway,
}

/// Owns one attempt. Its drop frees the slot, so that nothing a run does, and no runtime that goes away with it,
/// keeps the slot taken.
pub(crate) struct Attempt {
    engine: Arc<Engine>,
    index: u32,
    id: RunId,
    /// The slot is free, or another attempt's.
    ended: bool,
}

impl Attempt {
    /// An attempt that the slot was reserved for.
    pub(super) const fn new(engine: Arc<Engine>, index: u32, id: RunId) -> Self {
        Self {
            engine,
            index,
            id,
            ended: false,
        }
    }

    /// Whether it is an async run that depends on nothing.
    pub(super) fn is_alone(&self) -> bool {
        let slot = self.slot();
        slot.depends_on.is_empty() && slot.run.is_async()
    }

    /// Starts it. Takes no lock while it spawns: a runtime that is gone drops the attempt inside `spawn`.
    pub(super) fn launch(self, engine: &Engine, wanted: Wanted, home: &Handle) {
        let (index, id) = (self.index, self.id);
        let task = if self.is_alone() {
            home.spawn(self.alone())
        } else if self.slot().depends_on.is_empty() {
            return self.on_thread(home);
        } else {
            task::spawn(home, self.after_dependencies(wanted, home.clone()))
        };
        engine.attach(index, id, Some(task), None);
    }

    fn slot(&self) -> &Slot {
        self.engine.slot(self.index)
    }

    async fn alone(self) {
        if let Some(outcome) = self.run_async().await {
            self.end(outcome);
        }
    }

    /// Looks at what it depends on, then runs, then looks again where it failed: so that what is told, and logged,
    /// is the root.
    async fn after_dependencies(self, wanted: Wanted, home: Handle) {
        let on = self.slot().depends_on.clone();
        let max_age = match wanted {
            Wanted::Due(max_age) => max_age,
            Wanted::Anyway => None,
        };
        self.engine.settle_boxed(on.to_vec(), max_age, &home).await;
        let now = Now::read();
        let blocked = self.engine.blocked_by(self.index, now).is_some();
        let is_fresh = || {
            let slot = self.slot();
            slot.lock().fresh_until(&slot.policy, now, max_age).is_some()
        };
        if blocked || matches!(wanted, Wanted::Due(_)) && is_fresh() {
            return self.release();
        }
        self.slot().lock().ready(self.id, now);
        self.slot().ended.notify_waiters();

        if !self.slot().run.is_async() {
            return self.on_thread(&home);
        }
        if let Some(outcome) = self.run_async().await {
            self.end_or_blame(outcome, &home).await;
        }
    }

    /// Ends a run of a check that depends on others: where it failed, those whose results are older than the run
    /// are run again first.
    async fn end_or_blame(self, outcome: Outcome, home: &Handle) {
        if outcome.status() == Status::Fail {
            let slot = self.slot();
            let began = slot.lock().returned(self.id, &slot.policy, Now::read());
            if let Some(began) = began {
                let on = slot.depends_on.clone();
                self.engine.look_again(&on, began, home).await;
                if self.engine.blocked_by(self.index, Now::read()).is_some() {
                    return self.release();
                }
            }
        }
        self.end(outcome);
    }

    async fn run_async(&self) -> Option<Outcome> {
        let slot = self.slot();
        if !slot.lock().start(self.id) {
            return None;
        }
        Some(call(&self.engine, &slot.run).await)
    }

    fn on_thread(self, home: &Handle) {
        let engine = Arc::clone(&self.engine);
        let (index, id) = (self.index, self.id);
        let held = paused_time::hold(home);
        let home = home.clone();
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let job = move || {
            let _runtime = home.enter();
            tracing::dispatcher::with_default(&dispatch, || self.run_blocking(&home));
            drop(held);
        };
        match engine.threads.run(job) {
            Ok(place) => engine.attach(index, id, None, Some(place)),
            // The job was dropped, and the attempt in it: publish in its place.
            Err(error) => {
                let slot = engine.slot(index);
                let id = slot.lock().reserve(Now::read(), false);
                if let Some(id) = id {
                    let failed = Self::new(Arc::clone(&engine), index, id);
                    failed.end(Outcome::fail(format!("can't start a thread for it: {error}")));
                }
            }
        }
    }

    fn run_blocking(self, home: &Handle) {
        if !self.slot().lock().start(self.id) {
            return;
        }
        let outcome = call_blocking(&self.engine, &self.slot().run);
        if self.slot().depends_on.is_empty() || outcome.status() != Status::Fail {
            self.end(outcome);
        } else {
            let runtime = home.clone();
            task::spawn(home, async move { self.end_or_blame(outcome, &runtime).await });
        }
    }

    /// Publishes what the run gave. A run past its limit has failed, whoever looks first.
    fn end(mut self, outcome: Outcome) {
        let (status, output) = outcome.into_parts();
        let slot = self.slot();
        let output = self.engine.publishable(slot, output);
        let now = Now::read();
        let published = {
            let mut state = slot.lock();
            if state.is_late(self.id, &slot.policy, now) {
                let stuck = state.expire(self.id, &slot.policy, now);
                state.finish(self.id, &slot.policy, now, status, output);
                stuck.is_some()
            } else {
                state.finish(self.id, &slot.policy, now, status, output)
            }
        };
        if published {
            self.engine.published(self.index, now);
        } else {
            // It was stuck; now it may run again.
            self.engine.touch();
            slot.ended.notify_waiters();
        }
        self.ended = true;
    }

    /// Ends without a run.
    fn release(mut self) {
        self.slot().lock().release(self.id, Instant::now());
        self.ended = true;
        self.engine.touch();
        self.slot().ended.notify_waiters();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let slot = self.slot();
        let unfinished = slot.lock().lose(self.id, Instant::now());
        if unfinished {
            self.engine.touch();
            slot.ended.notify_waiters();
        }
    }
}

impl Engine {
    /// Notes how to end a run from outside.
    fn attach(&self, index: u32, id: RunId, task: Option<JoinHandle<()>>, place: Option<Arc<Place>>) {
        let late = self.slot(index).lock().attach(id, task, place);
        if let Some(stuck) = late {
            stuck.let_go();
        }
    }
}
