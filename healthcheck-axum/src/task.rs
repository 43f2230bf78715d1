//! The type of the futures that this crate spawns.

use std::pin::Pin;

/// A boxed future. All spawned futures have this one type, because tokio's task code is compiled for each type of
/// future. Each such copy is a twentieth of this crate's code.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
