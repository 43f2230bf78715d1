//! What a task does, by one type for all of them.

use std::pin::Pin;

/// Boxed, since tokio's part of a task is compiled anew for each type of future, a twentieth of this crate each.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
