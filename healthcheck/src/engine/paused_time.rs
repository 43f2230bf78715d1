//! Time that a test has paused, and threads that work meanwhile.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// On a current-thread runtime, whose time a test may have paused: keeps that time from running ahead while a
/// thread of ours works. tokio holds it only for its own blocking pool, so a place there is taken and freed when the
/// work or the runtime ends, whichever is first: a hung check doesn't hold the runtime's end up.
pub(super) fn hold(home: &Handle) -> Option<oneshot::Sender<()>> {
    if home.runtime_flavor() != RuntimeFlavor::CurrentThread {
        return None;
    }
    let (work, worked) = oneshot::channel::<()>();
    let (lease, held) = oneshot::channel::<()>();
    super::task::spawn(home, async move {
        // Here, since it panics where the system has no thread left: that ends this task and nobody's report.
        tokio::task::spawn_blocking(move || held.blocking_recv());
        let _ = worked.await;
        drop(lease);
    });
    Some(work)
}
