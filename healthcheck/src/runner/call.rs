//! The call of a user's function: its panics are caught, it runs inside of a span, and its thread is marked as inside a
//! check.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tracing::Span;
use tracing::field::Empty;

use super::cell::RunCell;
use super::{Runner, telling};
use crate::model::CheckInfo;
use crate::outcome::{Outcome, Status};
use crate::run::{BoxFuture, Run};
use crate::world::{Event, Subject};

/// Where a run can be ended from outside.
pub(super) type Cell = RunCell<Call>;

/// An async run: its function, then its future.
pub(super) struct Call {
    cell: Arc<Cell>,
    work: Work,
    span: Span,
}

enum Work {
    /// Made inside the guarded part, since that is a user's code, too.
    ToMake(Run),
    Running(BoxFuture),
    Ended,
}

impl Call {
    pub(super) fn new(cell: &Arc<Cell>, run: Run) -> Self {
        Self {
            cell: Arc::clone(cell),
            work: Work::ToMake(run),
            span: Span::none(),
        }
    }

    /// Drops the run unfinished, whatever its destructors do.
    pub(super) fn give_up(self) {
        let cell = Arc::clone(&self.cell);
        let _inside = Inside::enter(&cell);
        // One that was lost, or whose check was removed, has no outcome.
        if cell.has_timed_out() {
            record(&self.span, "timeout");
        }
        drop_quietly(self);
    }
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Self { cell, work, span } = &mut *self;
        let _inside = Inside::enter(cell);
        if let Work::ToMake(_) = work {
            *span = span_of(&cell.subject);
        }
        let polled = within(span, || {
            catch_unwind(AssertUnwindSafe(|| {
                if let Work::ToMake(run) = work {
                    *work = match run {
                        Run::Async(make) => Work::Running(make()),
                        Run::AsyncWith(make) => Work::Running(make()),
                        Run::Blocking(_) | Run::BlockingWith(_) => Work::Ended,
                    };
                }
                match work {
                    Work::Running(run) => run.as_mut().poll(cx),
                    Work::ToMake(_) | Work::Ended => Poll::Pending,
                }
            }))
        });
        let polled = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(payload) => Err(payload),
        };
        // What the run still holds is dropped here, where a panic of its destructors is caught.
        let ended = std::mem::replace(work, Work::Ended);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(ended)));
        let returned = polled.and_then(|outcome| dropped.map(|()| outcome));
        let outcome = conclude(span, returned, cell.has_timed_out());
        drop_quietly(std::mem::replace(span, Span::none()));
        Poll::Ready(outcome)
    }
}

/// A sync run, on the thread that is to be spent on it.
pub(super) fn call_blocking(cell: &Arc<Cell>, run: &Run) -> Outcome {
    let _inside = Inside::enter(cell);
    let span = span_of(&cell.subject);
    let call = || match run {
        Run::Blocking(run) => run(),
        Run::BlockingWith(run) => run(),
        Run::Async(_) | Run::AsyncWith(_) => Outcome::fail("an async check was started on a thread"),
    };
    let returned = within(&span, || catch_unwind(AssertUnwindSafe(call)));
    let outcome = conclude(&span, returned, cell.has_timed_out());
    drop_quietly(span);
    outcome
}

/// The outcome of a run, noted in its span: once, and as the world has it. What a run gives past its limit is discarded.
fn conclude(span: &Span, returned: Result<Outcome, Box<dyn Any + Send>>, is_late: bool) -> Outcome {
    let noted = match &returned {
        _ if is_late => "timeout",
        Err(_) => "panic",
        Ok(outcome) => match outcome.status() {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
        },
    };
    record(span, noted);
    returned.unwrap_or_else(panicked)
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

/// Does what may panic, and goes on.
pub(super) fn quietly<T>(act: impl FnOnce() -> T) -> Option<T> {
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
    /// The run that this thread is working on.
    static CURRENT: RefCell<Option<Arc<Cell>>> = const { RefCell::new(None) };
}

/// Marks the thread as working on a run: its own `report()` must not wait for that very run, and a ready-made check finds
/// out what it stands in.
struct Inside(Option<Arc<Cell>>);

impl Inside {
    fn enter(cell: &Arc<Cell>) -> Self {
        Self(Self::exchange(Some(Arc::clone(cell))))
    }

    /// Does nothing while the thread ends: a runtime in a thread-local is dropped after `CURRENT`, and its runs with it.
    fn exchange(cell: Option<Arc<Cell>>) -> Option<Arc<Cell>> {
        CURRENT.try_with(|current| current.replace(cell)).ok().flatten()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let ended = Self::exchange(self.0.take());
        drop(ended);
    }
}

/// Whether the caller is a check of this runner.
pub(crate) fn is_inside_a_check(runner: &Runner) -> bool {
    CURRENT.with_borrow(|current| {
        let current = current.as_ref();
        current.is_some_and(|cell| std::ptr::eq(Arc::as_ptr(&cell.runner), runner))
    })
}

/// The check that the caller stands in.
pub(crate) struct CurrentCheck(Arc<Cell>);

impl CurrentCheck {
    /// `None` outside of a check's run.
    pub(crate) fn get() -> Option<Self> {
        let cell = CURRENT.with_borrow(Clone::clone)?;
        matches!(&cell.subject, Subject::Check(_)).then_some(Self(cell))
    }

    pub(crate) fn info(&self) -> Option<&CheckInfo> {
        match &self.0.subject {
            Subject::Check(info) => Some(info),
            Subject::Section(_) => None,
        }
    }

    /// Tells the registries of a process apart, each with checks of its own.
    pub(crate) fn registry(&self) -> usize {
        Arc::as_ptr(&self.0.runner).addr()
    }

    /// Puts a sentence into every report from now on, and into the log.
    pub(crate) fn warn(&self, text: &str) {
        let runner = &self.0.runner;
        let text = runner.redaction.text(text).into_owned();
        runner.step(Event::Warned(text.clone()));
        telling::log(move || tracing::warn!(target: "healthcheck", "{text}"));
    }
}
