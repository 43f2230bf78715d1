//! The callable form of a check or section. Annotated functions and closures are both converted to it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::provide::Binder;

/// The future of one run of an async check or section.
pub type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A function that is ready to run, bound to the values of its parameters.
///
/// Plain function pointers have separate variants: boxing a closure for each of a thousand annotated functions would
/// double their compile time.
#[derive(Clone)]
pub enum Run {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters, which runs on its own thread.
    Blocking(fn() -> Outcome),
    /// An async function bound to its parameters.
    AsyncWith(Arc<dyn Fn() -> BoxFuture + Send + Sync>),
    /// A sync function bound to its parameters.
    BlockingWith(Arc<dyn Fn() -> Outcome + Send + Sync>),
}

impl Run {
    /// Returns true if a run is a future to poll, and false if it is a call that blocks its thread.
    pub(crate) const fn is_async(&self) -> bool {
        matches!(self, Self::Async(_) | Self::AsyncWith(_))
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Async(_) | Self::AsyncWith(_) => "Run(async)",
            Self::Blocking(_) | Self::BlockingWith(_) => "Run(blocking)",
        })
    }
}

/// Converts a registered function into a [`Run`].
#[derive(Clone, Copy, Debug)]
pub enum Bind {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters.
    Blocking(fn() -> Outcome),
    /// A function with parameters. It returns `None` if a value for a parameter is missing; the binder records which
    /// value.
    With(fn(&mut Binder<'_>) -> Option<Run>),
}

impl Bind {
    pub(crate) fn resolve(self, binder: &mut Binder<'_>) -> Option<Run> {
        match self {
            Self::Async(run) => Some(Run::Async(run)),
            Self::Blocking(run) => Some(Run::Blocking(run)),
            Self::With(bind) => bind(binder),
        }
    }
}
