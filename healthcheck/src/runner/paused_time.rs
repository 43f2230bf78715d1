//! Supports tests that pause tokio's time. The paused time must not advance while one of our threads executes a sync
//! check.

use std::hint;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time;

/// Keeps the paused time of a test's runtime from advancing until the caller drops the returned sender. Returns `None`
/// if the runtime's time isn't paused.
///
/// tokio doesn't advance the paused time while a thread of its blocking pool is busy. So we occupy one thread of this
/// pool.
///
/// When the runtime shuts down, the thread also becomes free. So a check that never returns can't delay the shutdown.
pub(super) fn hold(runtime: &Handle) -> Option<oneshot::Sender<()>> {
    // tokio can pause the time only of a current-thread runtime.
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread || !time_is_paused(runtime) {
        return None;
    }
    let (work_guard, work_ended) = oneshot::channel::<()>();
    let (thread_guard, thread_released) = oneshot::channel::<()>();
    super::spawn(runtime, async move {
        // If the system can't start a thread, `spawn_blocking` panics. The panic then ends only this task.
        tokio::task::spawn_blocking(move || thread_released.blocking_recv());
        let _ = work_ended.await;
        drop(thread_guard);
    });
    Some(work_guard)
}

/// Returns whether the runtime's time is paused.
///
/// tokio has no API for this question. We read the runtime's clock twice: if the time is paused, both readings are
/// equal.
fn time_is_paused(runtime: &Handle) -> bool {
    const LONGER_THAN_A_TICK: Duration = Duration::from_micros(1);
    let _its_time = runtime.enter();
    let (tokio_began, really_began) = (time::Instant::now(), Instant::now());
    while really_began.elapsed() < LONGER_THAN_A_TICK {
        hint::spin_loop();
    }
    time::Instant::now() == tokio_began
}
