//! The call of a user's function: its panics are caught, and its thread is marked as inside a check.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Engine;
use crate::outcome::Outcome;
use crate::run::{BoxFuture, Run};

/// An async run, called and polled.
pub(super) fn call<'a>(engine: &Engine, run: &'a Run) -> Call<'a> {
    Call {
        engine: id(engine),
        run: Stage::ToMake(run),
    }
}

/// A sync run, on the thread that is to be spent on it.
pub(super) fn call_blocking(engine: &Engine, run: &Run) -> Outcome {
    let _inside = Inside::enter(id(engine));
    let call = || match run {
        Run::Blocking(run) => run(),
        Run::BlockingWith(run) => run(),
        Run::Async(_) | Run::AsyncWith(_) => Outcome::fail("an async check was started on a thread"),
    };
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(panicked)
}

/// An async run that is going on.
pub(super) struct Call<'a> {
    engine: usize,
    run: Stage<'a>,
}

enum Stage<'a> {
    /// Made inside the guarded part, since that is a user's code, too.
    ToMake(&'a Run),
    Running(BoxFuture),
    Ended,
}

impl Future for Call<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let _inside = Inside::enter(self.engine);
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

thread_local! {
    /// The engine whose check is running here, none where it is 0.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// No two engines that live have the same.
fn id(engine: &Engine) -> usize {
    std::ptr::from_ref(engine).addr()
}

/// Marks the thread as running a check, where the same engine's `report()` must not wait for that very check.
struct Inside(usize);

impl Inside {
    fn enter(engine: usize) -> Self {
        Self(INSIDE.replace(engine))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Whether the caller is a check of this engine.
pub(crate) fn is_inside_a_check(engine: &Engine) -> bool {
    INSIDE.get() == id(engine)
}
