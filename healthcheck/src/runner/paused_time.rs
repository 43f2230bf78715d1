//! Time that a test has paused, and threads that work meanwhile.

use std::hint;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time;

/// Where a test has paused the runtime's time: keeps that time from running ahead while a thread of ours works. tokio
/// holds it only for its own blocking pool, so a place there is taken and freed when the work or the runtime ends,
/// whichever is first: a hung check doesn't hold the runtime's end up.
pub(super) fn hold(runtime: &Handle) -> Option<oneshot::Sender<()>> {
    // No other time can be paused.
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread || !stands_still(runtime) {
        return None;
    }
    let (work, worked) = oneshot::channel::<()>();
    let (lease, held) = oneshot::channel::<()>();
    super::spawn(runtime, async move {
        // Here, since it panics where the system has no thread left: that ends this task and nobody's report.
        tokio::task::spawn_blocking(move || held.blocking_recv());
        let _ = worked.await;
        drop(lease);
    });
    Some(work)
}

/// Whether two looks at its time, between which time has gone on, tell the same. tokio doesn't say it otherwise.
fn stands_still(runtime: &Handle) -> bool {
    const LONGER_THAN_A_TICK: Duration = Duration::from_micros(1);
    let _its_time = runtime.enter();
    let (told, began) = (time::Instant::now(), Instant::now());
    while began.elapsed() < LONGER_THAN_A_TICK {
        hint::spin_loop();
    }
    time::Instant::now() == told
}
