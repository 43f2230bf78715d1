//! How a function is called: the one shape that annotated functions and closures are brought to.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::provide::Binder;

/// A run of an async check or section.
pub type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A function that is ready to run, with everything it needs.
///
/// Plain function pointers have variants of their own: boxing a closure for each of a thousand annotated functions
/// doubles what they cost to compile.
#[derive(Clone)]
pub enum Run {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters, to run on a thread of its own.
    Blocking(fn() -> Outcome),
    /// An async function with what it needs.
    AsyncWith(Arc<dyn Fn() -> BoxFuture + Send + Sync>),
    /// A sync function with what it needs.
    BlockingWith(Arc<dyn Fn() -> Outcome + Send + Sync>),
}

impl Run {
    /// Whether it is a future to poll, and not a call that blocks its thread.
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

/// How a registered function becomes a [`Run`].
#[derive(Clone, Copy, Debug)]
pub enum Bind {
    /// An async function without parameters.
    Async(fn() -> BoxFuture),
    /// A sync function without parameters.
    Blocking(fn() -> Outcome),
    /// A function with parameters; `None` when one of them is missing, which the binder has noted.
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
