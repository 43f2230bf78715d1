//! A common type for futures that this crate spawns.

use std::pin::Pin;

/// A boxed future. The compiler makes a copy of tokio's task code for each type of spawned future, and each copy is a
/// twentieth of this crate's code. Futures with this common type share one copy.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
