//! Used by generated code. Not public API and thus not subject to SemVer.

use std::sync::Arc;

use serde::Serialize;

pub use inventory;

pub use crate::outcome::{CheckError, IntoOutcome, Outcome};
pub use crate::provide::{Binder, CloneDependency, Owned, Shared, SharedDependency};
pub use crate::registration::{CheckRegistration, Origin, RegisteredOptions, SectionRegistration};
pub use crate::run::{Bind, BoxFuture, Run};

/// A run of an async function.
///
/// A method, since the compiler's message about a future that isn't `Send` stands under a method's name, which may
/// be anywhere, and not under a function's path.
#[derive(Debug)]
pub struct Task<F>(pub F);

impl<F> Task<F> {
    /// The one type that runs of all functions have.
    pub fn boxed(self) -> BoxFuture
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Box::pin(self.0)
    }
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
