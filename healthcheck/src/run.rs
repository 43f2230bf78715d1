//! The callable form of a check or section. We convert both annotated functions and closures to this form.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::provide::Binder;

/// The future of one run of an async check or section.
pub type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The function of a check or section, with the values of its parameters. A run calls the function without arguments.
///
/// A function without parameters is stored as a plain function pointer, without a closure. Boxing a closure for each of
/// a thousand annotated functions would double their compile time.
#[derive(Clone)]
pub enum Run {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters. Each run has its own thread.
    Blocking(fn() -> Outcome),
    /// A closure that holds the values of the parameters, and calls an async function with them.
    AsyncWith(Arc<dyn Fn() -> BoxFuture + Send + Sync>),
    /// A closure that holds the values of the parameters, and calls a sync function with them.
    BlockingWith(Arc<dyn Fn() -> Outcome + Send + Sync>),
}

impl Run {
    /// Returns true if a run is a future to poll, and false if a run is a call that blocks its thread.
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

/// An annotated function whose parameters aren't bound to provided values yet. `resolve` converts it into a [`Run`].
#[derive(Clone, Copy, Debug)]
pub enum Bind {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters.
    Blocking(fn() -> Outcome),
    /// A function with parameters: this function pointer binds the parameters to provided values. It returns `None` if
    /// a value is missing, and the `Binder` records the type of that value.
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
