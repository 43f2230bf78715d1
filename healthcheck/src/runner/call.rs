//! Calls the function of a check or section. Catches the function's panics, enters the run's `tracing` span, and
//! redacts the output.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use serde_json::Value;
use tracing::Span;
use tracing::field::Empty;

use crate::outcome::{Outcome, Status};
use crate::redact::{MASK, Redaction};
use crate::run::{BoxFuture, Run};
use crate::world::Subject;

/// The maximum length of an output in bytes, unless the settings set another limit. We cut longer outputs.
pub(crate) const DEFAULT_OUTPUT_LIMIT: usize = 16 * 1024;

/// The value that a function returned, or the payload of its panic.
pub(super) type Returned = Result<Outcome, Box<dyn Any + Send>>;

/// A call of an async function: the function or the future that it returned, and the span of the run.
pub(super) struct Call {
    work: Work,
    span: Span,
}

enum Work {
    /// An async function that hasn't been called. The first poll calls the function. The code that catches a panic of
    /// the future therefore also catches a panic of the function.
    Function(Run),
    Future(BoxFuture),
    Ended,
}

impl Call {
    pub(super) fn new(function: Run, subject: &Subject) -> Self {
        Self {
            work: Work::Function(function),
            span: span_of(subject),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Returned> {
        let Self { work, span } = self;
        let polled = within(span, || {
            catch_unwind(AssertUnwindSafe(|| {
                if let Work::Function(function) = work {
                    *work = match function {
                        Run::Async(make) => Work::Future(make()),
                        Run::AsyncWith(make) => Work::Future(make()),
                        Run::Blocking(_) | Run::BlockingWith(_) => Work::Ended,
                    };
                }
                match work {
                    Work::Future(future) => future.as_mut().poll(cx),
                    Work::Function(_) | Work::Ended => Poll::Pending,
                }
            }))
        });
        let polled = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(payload) => Err(payload),
        };
        // The destructors of the future's values are user code and can panic. So we drop the future here and catch the
        // panic.
        let ended = std::mem::replace(work, Work::Ended);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(ended)));
        Poll::Ready(match (polled, dropped) {
            (Ok(outcome), Ok(())) => Ok(outcome),
            (Ok(_), Err(payload)) | (Err(payload), Ok(())) => Err(payload),
            (Err(payload), Err(second)) => {
                drop_quietly(second);
                Err(payload)
            }
        })
    }

    /// Records the outcome of a call whose function has returned, ends the span, and returns the outcome. `is_late`
    /// says whether the run has timed out.
    pub(super) fn conclude(self, returned: Returned, is_late: bool) -> Outcome {
        conclude(self.span, returned, is_late)
    }

    /// Drops a call whose function hasn't returned. Catches panics of the future's destructors.
    pub(super) fn give_up(self, has_timed_out: bool) {
        // If the run has timed out, we record this as its outcome. If the run was lost, or its check was removed, the
        // run has no outcome.
        if has_timed_out {
            record(&self.span, "timeout");
        }
        drop_quietly(self);
    }
}

/// Calls a sync function on the current thread, then calls `is_late` to find out whether the run has timed out. Returns
/// the function's outcome.
pub(super) fn call_blocking(function: &Run, subject: &Subject, is_late: impl FnOnce() -> bool) -> Outcome {
    let span = span_of(subject);
    let call = || match function {
        Run::Blocking(function) => function(),
        Run::BlockingWith(function) => function(),
        Run::Async(_) | Run::AsyncWith(_) => Outcome::fail("an async check was started on a thread"),
    };
    let returned = within(&span, || catch_unwind(AssertUnwindSafe(call)));
    conclude(span, returned, is_late())
}

/// Records the outcome in the span, ends the span, and returns the outcome.
///
/// If the run has timed out, we record `timeout` instead of the outcome, because the `World` discards the outcome.
fn conclude(span: Span, returned: Returned, is_late: bool) -> Outcome {
    let recorded = match &returned {
        _ if is_late => "timeout",
        Err(_) => "panic",
        Ok(outcome) => match outcome.status() {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
        },
    };
    record(&span, recorded);
    drop_quietly(span);
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

/// Creates the `tracing` span of a run. The span contains the check's name. Each line that the check logs during its
/// run is inside the span, and therefore shows this name.
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

/// Calls `act` inside the span. If the `tracing` subscriber panics while we enter or exit the span, catches that panic.
fn within<T>(span: &Span, act: impl FnOnce() -> T) -> T {
    if span.is_none() {
        return act();
    }
    let entered = quietly(|| span.enter());
    let result = act();
    drop_quietly(entered);
    result
}

fn record(span: &Span, outcome: &str) {
    if !span.is_none() {
        quietly(|| span.record("outcome", outcome));
    }
}

/// Calls `act` and returns its value, or `None` if `act` panics.
pub(super) fn quietly<T>(act: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => Some(done),
        Err(payload) => {
            // The destructor of a panic's payload can panic itself. The destructor of the second panic's payload could
            // also panic, so we leak the second payload.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            None
        }
    }
}

/// Drops a value that can contain user code. If a destructor panics, catches the panic.
pub(super) fn drop_quietly<T>(value: T) {
    quietly(|| drop(value));
}

/// Redacts the output of a run. If the output of a check is too long after redaction, also cuts it. The output of a
/// section isn't cut.
///
/// We redact before we cut: a cut could leave a part of a secret that no redaction rule recognizes.
pub(super) fn sanitize(redaction: &Redaction, longest: usize, subject: &Subject, output: Value) -> Value {
    let redact = || match subject {
        Subject::Check(_) => redaction.value(output),
        Subject::Section(name) => redaction.named(name, output),
    };
    // If the redaction panics, we replace the whole output by a mask, and the run still ends with a result.
    let redacted = quietly(redact).unwrap_or_else(|| MASK.into());
    match subject {
        Subject::Check(_) => cut(redacted, longest),
        Subject::Section(_) => redacted,
    }
}

/// Cuts an output that is longer than `longest` bytes. Returns a shorter output unchanged.
pub(super) fn cut(output: Value, longest: usize) -> Value {
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
