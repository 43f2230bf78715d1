//! One attempt to run a slot: what it looks at first, the call itself, and what becomes of its result.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::Value;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::blocking::Place;
use super::slot::RunId;
use super::{Engine, Slot, Subject, Wanted};
use crate::clock::Now;
use crate::outcome::{Outcome, Status};
use crate::redact::MASK;
use crate::run::{BoxFuture, Run};
use crate::selection::MaxAge;

/// An output of more bytes than this is cut, unless the settings say otherwise.
pub(crate) const LONGEST_OUTPUT: usize = 16 * 1024;

/// Owns one attempt. Its drop frees the slot, so that nothing a run does, and no runtime that goes away with it,
/// keeps the slot taken.
pub(crate) struct Attempt {
    engine: Arc<Engine>,
    index: u32,
    id: RunId,
}

impl Attempt {
    /// Starts the attempt that the slot was reserved for. Takes no lock while it spawns: a runtime that is gone drops
    /// the attempt inside `spawn`.
    pub(super) fn launch(engine: &Arc<Engine>, index: u32, id: RunId, wanted: Wanted, home: &Handle) {
        let attempt = Self::new(Arc::clone(engine), index, id);
        let slot = engine.slot(index);
        let task = if !slot.depends_on.is_empty() {
            home.spawn(attempt.after_dependencies(wanted, home.clone()))
        } else if slot.run.is_async() {
            home.spawn(attempt.alone())
        } else {
            return attempt.on_thread(home);
        };
        engine.attach(index, id, Some(task), None);
    }

    const fn new(engine: Arc<Engine>, index: u32, id: RunId) -> Self {
        Self { engine, index, id }
    }

    fn slot(&self) -> &Slot {
        self.engine.slot(self.index)
    }

    /// An async run that depends on nothing.
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
        let run = Stage::ToMake(&slot.run);
        Some(Caught { run }.await)
    }

    fn on_thread(self, home: &Handle) {
        let engine = Arc::clone(&self.engine);
        let (index, id) = (self.index, self.id);
        let held = hold_paused_time(home);
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
        let outcome = {
            let _inside = Inside::enter();
            let run = || match &self.slot().run {
                Run::Blocking(run) => run(),
                Run::BlockingWith(run) => run(),
                Run::Async(_) | Run::AsyncWith(_) => Outcome::fail("an async check was started on a thread"),
            };
            catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(panicked)
        };
        if self.slot().depends_on.is_empty() || outcome.status() != Status::Fail {
            self.end(outcome);
        } else {
            let runtime = home.clone();
            home.spawn(async move { self.end_or_blame(outcome, &runtime).await });
        }
    }

    /// Publishes what the run gave. A run past its limit has failed, whoever looks first.
    fn end(self, outcome: Outcome) {
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
    }

    /// Ends without a run.
    fn release(self) {
        self.slot().lock().release(self.id, Instant::now());
        self.engine.touch();
        self.slot().ended.notify_waiters();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let slot = self.slot();
        let unfinished = {
            let mut state = slot.lock();
            // Most have ended by themselves: no look at the clock for these.
            state.running() == Some(self.id) && state.lose(self.id, Instant::now())
        };
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

    /// `settle` for a task that `settle` itself started: boxed, since the types would contain each other.
    fn settle_boxed<'a>(
        self: &'a Arc<Self>,
        wanted: Vec<u32>,
        max_age: Option<MaxAge>,
        home: &'a Handle,
    ) -> Pin<Box<dyn Future<Output = Vec<u32>> + Send + 'a>> {
        Box::pin(async move {
            let first: Vec<u32> = wanted
                .iter()
                .copied()
                .filter(|&i| self.waits_for_first(i))
                .collect();
            for index in first {
                self.await_first(index, home, None).await;
            }
            self.settle(wanted.into_iter(), max_age, home, None).await
        })
    }

    /// Whether it is run in the background and its first result is still to come.
    pub(crate) fn waits_for_first(&self, index: u32) -> bool {
        let slot = self.slot(index);
        slot.policy.interval.is_some()
            && !slot.is_disabled()
            && slot.lock().last.is_none()
            && self.blocked_by(index, Now::read()).is_none()
    }

    /// Runs again what has no result since `began`.
    async fn look_again(self: &Arc<Self>, among: &[u32], began: Instant, home: &Handle) {
        let mut waits = Vec::new();
        for &index in among {
            let seen = {
                let state = self.slot(index).lock();
                let known = state.last.as_ref().is_some_and(|last| last.at.mono >= began);
                known || state.is_stuck()
            };
            if !seen && let Some(id) = self.begin(index, Wanted::Anyway, home) {
                waits.push((index, id));
            }
        }
        for (index, id) in waits {
            self.wait(index, id, None).await;
        }
    }
}

/// An async run: polled with panics caught and the thread marked as inside a check.
struct Caught<'a> {
    run: Stage<'a>,
}

enum Stage<'a> {
    /// Made inside the guarded part, since that is a user's code, too.
    ToMake(&'a Run),
    Running(BoxFuture),
    Ended,
}

impl Future for Caught<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let _inside = Inside::enter();
        let stage = &mut self.run;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Stage::ToMake(run) = stage {
                *stage = match run {
                    Run::Async(make) => Stage::Running(make()),
                    Run::AsyncWith(make) => Stage::Running(make()),
                    Run::Blocking(_) | Run::BlockingWith(_) => Stage::Ended,
                };
            }
            match stage {
                Stage::Running(run) => run.as_mut().poll(cx),
                Stage::ToMake(_) | Stage::Ended => Poll::Pending,
            }
        }));
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(payload) => panicked(payload),
        };
        // What the run still holds is dropped here, where a panic of its destructors is caught.
        let ended = std::mem::replace(stage, Stage::Ended);
        match catch_unwind(AssertUnwindSafe(|| drop(ended))) {
            Ok(()) => Poll::Ready(outcome),
            Err(payload) => Poll::Ready(panicked(payload)),
        }
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> Outcome {
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned());
    // The payload is a user's value; its destructor may panic as well.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    match message {
        Some(message) => Outcome::fail(format!("panicked: {message}")),
        None => Outcome::fail("panicked"),
    }
}

/// The output as it may leave the process: redacted, then cut. In this order, since half a secret has no shape.
pub(super) fn publishable(engine: &Engine, slot: &Slot, output: Value) -> Value {
    let redact = || match &slot.subject {
        Subject::Check(_) => engine.redaction.value(output),
        Subject::Section(name) => engine.redaction.named(name, output),
    };
    // A rule of the user's may panic: then nothing is shown.
    let redacted = catch_unwind(AssertUnwindSafe(redact)).unwrap_or_else(|_| MASK.into());
    match slot.subject {
        Subject::Check(_) => cut(redacted, engine.longest_output),
        Subject::Section(_) => redacted,
    }
}

fn cut(output: Value, longest: usize) -> Value {
    let text = match output {
        Value::String(text) if text.len() > longest => text,
        Value::Array(_) | Value::Object(_) => match output.to_string() {
            text if text.len() > longest => text,
            _ => return output,
        },
        _ => return output,
    };
    let end = (0..=longest)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or_default();
    format!("{} … (cut after {end} of {} bytes)", &text[..end], text.len()).into()
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the thread as running a check, where `report()` must not wait for that very check.
struct Inside(bool);

impl Inside {
    fn enter() -> Self {
        Self(INSIDE.replace(true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Whether the caller is a check.
pub(crate) fn is_inside_a_check() -> bool {
    INSIDE.get()
}

/// On a current-thread runtime, whose time a test may have paused: keeps that time from running ahead while a
/// thread of ours works. tokio holds it only for its own blocking pool, so a place there is taken and freed when the
/// work or the runtime ends, whichever is first: a hung check doesn't hold the runtime's end up.
fn hold_paused_time(home: &Handle) -> Option<oneshot::Sender<()>> {
    if home.runtime_flavor() != RuntimeFlavor::CurrentThread {
        return None;
    }
    let (work, worked) = oneshot::channel::<()>();
    let (lease, held) = std::sync::mpsc::channel::<()>();
    home.spawn(async move {
        // Here, since it panics where the system has no thread left: that ends this task and nobody's report.
        tokio::task::spawn_blocking(move || held.recv());
        let _ = worked.await;
        drop(lease);
    });
    Some(work)
}
