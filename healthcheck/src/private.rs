//! Items for the code that the attributes generate. They aren't public API, so SemVer doesn't apply to them.

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

/// Expands to the source location of an annotated function. The attributes could generate the same tokens, but the
/// compiler expands this macro faster than it reads the tokens.
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

/// Returns a `Run` for an async function with parameters. The closure `run` holds the values of the parameters, and
/// calls the function with them.
pub fn async_with(run: impl Fn() -> BoxFuture + Send + Sync + 'static) -> Run {
    Run::AsyncWith(Arc::new(run))
}

/// Returns a `Run` for a sync function with parameters. The closure `run` holds the values of the parameters, and calls
/// the function with them.
pub fn blocking_with(run: impl Fn() -> Outcome + Send + Sync + 'static) -> Run {
    Run::BlockingWith(Arc::new(run))
}

/// Wraps the return value of a section function, so that the generated code can call `into_section` on it. If the value
/// is a `Result`, the compiler picks the inherent method of `Shape`. For any other value, the compiler picks the method
/// of the trait [`IntoSection`].
///
/// The trait bounds on `T` are on the methods, and not on the impl blocks. If the section function returns a wrong
/// type, the compiler finds the method and reports the type's missing trait, instead of a missing method.
#[derive(Debug)]
pub struct Shape<T>(pub T);

impl<T, E> Shape<Result<T, E>> {
    /// Returns an outcome that passes with the serialised value of `Ok`, or fails with the error of `Err`.
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

/// Converts a section's return value into an outcome, if the value isn't a `Result`.
pub trait IntoSection<T> {
    /// Returns an outcome that passes with the serialised value.
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

/// The types that a section may return. For any other type, the attribute `on_unimplemented` sets the text of the
/// compiler's error.
#[diagnostic::on_unimplemented(
    message = "an environment section cannot return `{Self}`, it isn't `serde::Serialize`",
    label = "cannot be shown as JSON",
    note = "derive `serde::Serialize`, or return a `serde_json::json!({{ … }})`, or a `Result` of one of these"
)]
pub trait SectionValue {
    /// Returns an outcome that passes with the serialised value, or fails if serde can't serialise the value.
    fn into_value(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> SectionValue for T {
    fn into_value(self) -> Outcome {
        Outcome::pass(self)
    }
}

/// Queues a log line. A separate thread later writes the line to the `tracing` dispatcher that was current during this
/// call. So a slow `tracing` subscriber never blocks a thread that answers requests.
pub fn log(line: impl FnOnce() + Send + 'static) {
    crate::runner::notices::log(line);
}

/// Returns true if every queued log line has been written. Tests wait until this is true before they read the log.
#[must_use]
pub fn all_lines_are_written() -> bool {
    crate::runner::notices::all_lines_are_written()
}
