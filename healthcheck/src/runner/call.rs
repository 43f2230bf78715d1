//! The call of a user's function: its panics are caught, it runs inside of a span, and its thread is marked as inside a
//! check.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::Span;
use tracing::field::Empty;

use super::Runner;
use crate::outcome::{Outcome, Status};
use crate::run::{BoxFuture, Run};
use crate::world::Subject;

/// An async run: its function, then its future.
pub(super) struct Call {
    runner: usize,
    stage: Stage,
    span: Span,
}

enum Stage {
    /// Made inside the guarded part, since that is a user's code, too.
    ToMake(Run, Subject),
    Running(BoxFuture),
    Ended,
}

impl Call {
    pub(super) fn new(runner: &Runner, run: Run, subject: Subject) -> Self {
        Self {
            runner: id(runner),
            stage: Stage::ToMake(run, subject),
            span: Span::none(),
        }
    }

    /// Drops the run unfinished, whatever its destructors do.
    pub(super) fn give_up(self) {
        let _inside = Inside::enter(self.runner);
        record(&self.span, "timeout");
        drop_quietly(self);
    }
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Self { runner, stage, span } = &mut *self;
        let _inside = Inside::enter(*runner);
        if let Stage::ToMake(_, subject) = stage {
            *span = span_of(subject);
        }
        let polled = within(span, || {
            catch_unwind(AssertUnwindSafe(|| {
                if let Stage::ToMake(run, _) = stage {
                    *stage = match run {
                        Run::Async(make) => Stage::Running(make()),
                        Run::AsyncWith(make) => Stage::Running(make()),
                        Run::Blocking(_) | Run::BlockingWith(_) => Stage::Ended,
                    };
                }
                match stage {
                    Stage::Running(run) => run.as_mut().poll(cx),
                    Stage::ToMake(..) | Stage::Ended => Poll::Pending,
                }
            }))
        });
        let polled = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(payload) => Err(payload),
        };
        // What the run still holds is dropped here, where a panic of its destructors is caught.
        let ended = std::mem::replace(stage, Stage::Ended);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(ended)));
        let outcome = conclude(span, polled.and_then(|outcome| dropped.map(|()| outcome)));
        drop_quietly(std::mem::replace(span, Span::none()));
        Poll::Ready(outcome)
    }
}

/// A sync run, on the thread that is to be spent on it. `is_late` says afterwards whether its limit was over.
pub(super) fn call_blocking(
    runner: &Runner,
    run: &Run,
    subject: &Subject,
    is_late: impl FnOnce() -> bool,
) -> Outcome {
    let _inside = Inside::enter(id(runner));
    let span = span_of(subject);
    let call = || match run {
        Run::Blocking(run) => run(),
        Run::BlockingWith(run) => run(),
        Run::Async(_) | Run::AsyncWith(_) => Outcome::fail("an async check was started on a thread"),
    };
    let returned = within(&span, || catch_unwind(AssertUnwindSafe(call)));
    if is_late() {
        record(&span, "timeout");
    }
    let outcome = conclude(&span, returned);
    drop_quietly(span);
    outcome
}

/// The outcome of a run, noted in its span.
fn conclude(span: &Span, returned: Result<Outcome, Box<dyn Any + Send>>) -> Outcome {
    match returned {
        Ok(outcome) => {
            record(
                span,
                match outcome.status() {
                    Status::Pass => "pass",
                    Status::Warn => "warn",
                    Status::Fail => "fail",
                },
            );
            outcome
        }
        Err(payload) => {
            record(span, "panic");
            panicked(payload)
        }
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> Outcome {
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned());
    drop_quietly(payload);
    match message {
        Some(message) => Outcome::fail(format!("panicked: {message}")),
        None => Outcome::fail("panicked"),
    }
}

/// The span of a run, so that what a check logs can be attributed to it.
fn span_of(subject: &Subject) -> Span {
    let make = || match subject {
        Subject::Check(info) => {
            tracing::info_span!(target: "healthcheck", "health_check", check = info.name(), outcome = Empty)
        }
        Subject::Section(name) => {
            tracing::info_span!(target: "healthcheck", "env_section", section = &**name, outcome = Empty)
        }
    };
    quietly(make).unwrap_or_else(Span::none)
}

/// Does this inside of a span. A subscriber that panics harms nothing.
fn within<T>(span: &Span, act: impl FnOnce() -> T) -> T {
    let entered = quietly(|| span.enter());
    let result = act();
    drop_quietly(entered);
    result
}

fn record(span: &Span, outcome: &str) {
    quietly(|| span.record("outcome", outcome));
}

fn quietly<T>(act: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => Some(done),
        Err(payload) => {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            None
        }
    }
}

/// Drops a user's value, whose destructor may panic.
pub(super) fn drop_quietly<T>(value: T) {
    quietly(|| drop(value));
}

thread_local! {
    /// The runner whose check is running here, none where it is 0.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// No two runners that live have the same.
fn id(runner: &Runner) -> usize {
    std::ptr::from_ref(runner).addr()
}

/// Marks the thread as running a check, where the same runner's `report()` must not wait for that very check.
struct Inside(usize);

impl Inside {
    fn enter(runner: usize) -> Self {
        Self(INSIDE.replace(runner))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Whether the caller is a check of this runner.
pub(crate) fn is_inside_a_check(runner: &Runner) -> bool {
    INSIDE.get() == id(runner)
}
