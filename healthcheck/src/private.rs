//! Used by generated code. Not public API and thus not subject to SemVer.

use std::sync::Arc;

use serde::Serialize;

pub use inventory;

pub use crate::outcome::{CheckError, IntoOutcome, Outcome};
pub use crate::provide::{Binder, Owned, OwnedDependency, Shared, SharedDependency};
pub use crate::registration::{CheckRegistration, Origin, RegisteredOptions, SectionRegistration};
pub use crate::run::{Bind, BoxFuture, Run};

/// Boxes a run; the bound puts the compiler's message about a future that isn't `Send` on the guilty value.
pub fn boxed(run: impl Future<Output = Outcome> + Send + 'static) -> BoxFuture {
    Box::pin(run)
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
#[derive(Debug)]
pub struct Shape<T>(pub T);

impl<T, E> Shape<Result<T, E>> {
    /// The value, or the error in its place.
    pub fn into_section(self) -> Outcome
    where
        T: Serialize,
        E: CheckError,
    {
        match self.0 {
            Ok(value) => Outcome::pass(value),
            Err(error) => error.into_failure(),
        }
    }
}

/// A section that returned a plain value.
pub trait IntoSection {
    /// The value.
    fn into_section(self) -> Outcome;
}

impl<T: Serialize> IntoSection for Shape<T> {
    fn into_section(self) -> Outcome {
        Outcome::pass(self.0)
    }
}
