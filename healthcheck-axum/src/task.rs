//! A common type for futures that this crate spawns.

use std::pin::Pin;

/// A boxed future, the common type of the futures that this crate spawns.
///
/// For each type of spawned future, the compiler makes a copy of tokio's task code. Such a copy is a twentieth of this
/// crate's compiled code. With a common type there is only one copy.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
