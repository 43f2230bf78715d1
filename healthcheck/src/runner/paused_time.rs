//! Support for tests that pause tokio's time while our own threads work.

use std::hint;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time;

/// Keeps a test's paused time from advancing while our thread works, by occupying a thread of tokio's blocking pool. It is
/// freed when the work or the runtime ends, so a hung check can't delay the runtime's shutdown.
pub(super) fn hold(runtime: &Handle) -> Option<oneshot::Sender<()>> {
    // tokio can pause the time of a current-thread runtime only.
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread || !stands_still(runtime) {
        return None;
    }
    let (work, worked) = oneshot::channel::<()>();
    let (lease, held) = oneshot::channel::<()>();
    super::spawn(runtime, async move {
        // `spawn_blocking` panics if the system has no thread left. Inside this task, the panic ends no report.
        tokio::task::spawn_blocking(move || held.blocking_recv());
        let _ = worked.await;
        drop(lease);
    });
    Some(work)
}

/// Returns whether the runtime's time is paused. tokio has no API for this, so we read its clock twice and compare.
fn stands_still(runtime: &Handle) -> bool {
    const LONGER_THAN_A_TICK: Duration = Duration::from_micros(1);
    let _its_time = runtime.enter();
    let (told, began) = (time::Instant::now(), Instant::now());
    while began.elapsed() < LONGER_THAN_A_TICK {
        hint::spin_loop();
    }
    time::Instant::now() == told
}
