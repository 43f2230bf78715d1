//! A common type for futures that this crate spawns.

use std::pin::Pin;

/// A boxed future. The compiler makes a copy of tokio's task code for each type of spawned future. Each copy is a
/// twentieth of this crate's compiled code. All futures of this type share one copy.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
