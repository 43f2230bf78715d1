//! The engine's own tasks.

use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task. Boxed, since tokio's part of a task is compiled anew for each type of future; what is started in
/// thousands goes by itself.
pub(super) fn spawn(on: &Handle, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: Boxed = Box::pin(task);
    on.spawn(task)
}
