//! Used by generated code. Not public API and thus not subject to SemVer.

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

/// Where the function stands that an attribute is put on. A macro of its own, since the compiler expands one of these
/// faster than it reads as many tokens from an attribute.
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

/// An async function with what it needs.
pub fn async_with(run: impl Fn() -> BoxFuture + Send + Sync + 'static) -> Run {
    Run::AsyncWith(Arc::new(run))
}

/// A sync function with what it needs.
pub fn blocking_with(run: impl Fn() -> Outcome + Send + Sync + 'static) -> Run {
    Run::BlockingWith(Arc::new(run))
}

/// What a section returned: its inherent method, on a `Result`, wins over the trait's, on any value.
///
/// The bounds stand on the methods, so that a wrong type is a message about the type and not about a missing method.
#[derive(Debug)]
pub struct Shape<T>(pub T);

impl<T, E> Shape<Result<T, E>> {
    /// The value, or the error in its place.
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

/// A section that returned a plain value.
pub trait IntoSection<T> {
    /// The value.
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

/// What a section may show; its text is the compiler's message.
#[diagnostic::on_unimplemented(
    message = "an environment section cannot return `{Self}`, it isn't `serde::Serialize`",
    label = "cannot be shown as JSON",
    note = "derive `serde::Serialize`, or return a `serde_json::json!({{ … }})`, or a `Result` of one of these"
)]
pub trait SectionValue {
    /// The value, as far as it can be serialised.
    fn into_value(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> SectionValue for T {
    fn into_value(self) -> Outcome {
        Outcome::pass(self)
    }
}

/// Puts a log line on its way through a queue of the process, with the dispatcher of this moment: a thread that answers
/// requests waits for no subscriber.
pub fn log(line: impl FnOnce() + Send + 'static) {
    crate::runner::telling::log(line);
}

/// Whether no line of this process is on its way. For tests that read what was logged.
#[must_use]
pub fn all_lines_are_written() -> bool {
    crate::runner::telling::all_lines_are_written()
}
