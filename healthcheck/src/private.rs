//! Items for the code that the attributes generate. Not public API, so not subject to SemVer.

pub use std::boxed::Box;
use std::sync::Arc;

use serde::Serialize;

pub use inventory;

pub use crate::__origin as origin;
pub use crate::outcome::{CheckError, IntoOutcome, Outcome};
pub use crate::provide::{Binder, CloneDependency, Owned, Shared, SharedDependency};
pub use crate::registration::{
    CheckRegistration, Given, Origin, RegisteredCheck, SectionRegistration, options,
};
pub use crate::run::{Bind, BoxFuture, Run};

/// Expands to the source location of an annotated function. It is a macro because the compiler expands it faster than it
/// reads as many tokens from an attribute.
#[doc(hidden)]
#[macro_export]
macro_rules! __origin {
    () => {
        $crate::__private::Origin {
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
            package: (
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_PKG_VERSION"),
            ),
        }
    };
}

/// Returns the `Run` of an async function bound to its parameters.
pub fn async_with(run: impl Fn() -> BoxFuture + Send + Sync + 'static) -> Run {
    Run::AsyncWith(Arc::new(run))
}

/// Returns the `Run` of a sync function bound to its parameters.
pub fn blocking_with(run: impl Fn() -> Outcome + Send + Sync + 'static) -> Run {
    Run::BlockingWith(Arc::new(run))
}

/// The return value of a section function. The attribute calls `into_section` on it. For a `Result`, the compiler picks
/// the inherent method; for any other type, the method of the trait [`IntoSection`].
///
/// The bounds are on the methods, so that the compiler's error for a wrong type is about the type, not about a missing
/// method.
#[derive(Debug)]
pub struct Shape<T>(pub T);

impl<T, E> Shape<Result<T, E>> {
    /// Returns an outcome with the value, or with the error.
    pub fn into_section(self) -> Outcome
    where
        T: SectionValue,
        E: CheckError,
    {
        match self.0 {
            Ok(value) => value.into_value(),
            Err(error) => error.into_failure(),
        }
    }
}

/// Converts a section's return value that isn't a `Result`.
pub trait IntoSection<T> {
    /// Returns an outcome with the value.
    fn into_section(self) -> Outcome
    where
        T: SectionValue;
}

impl<T> IntoSection<T> for Shape<T> {
    fn into_section(self) -> Outcome
    where
        T: SectionValue,
    {
        self.0.into_value()
    }
}

/// The types that a section may return. The attribute below sets the compiler's error for other types.
#[diagnostic::on_unimplemented(
    message = "an environment section cannot return `{Self}`, it isn't `serde::Serialize`",
    label = "cannot be shown as JSON",
    note = "derive `serde::Serialize`, or return a `serde_json::json!({{ … }})`, or a `Result` of one of these"
)]
pub trait SectionValue {
    /// Returns an outcome with the serialised value, or a failure if it can't be serialised.
    fn into_value(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> SectionValue for T {
    fn into_value(self) -> Outcome {
        Outcome::pass(self)
    }
}

/// Queues a log line, with the current `tracing` dispatcher. A separate thread writes it, so that a thread that answers
/// requests never waits for a subscriber.
pub fn log(line: impl FnOnce() + Send + 'static) {
    crate::runner::notices::log(line);
}

/// Returns true if the queue of log lines is empty and the last line is written. Tests wait for this before they read
/// the log.
#[must_use]
pub fn all_lines_are_written() -> bool {
    crate::runner::notices::all_lines_are_written()
}
