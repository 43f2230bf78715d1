//! Measures the cost of background checks in a service that gets no requests: 1,000 checks, each with an interval of 10 s.
//!
//! `cargo bench -p healthcheck-benches --bench background` runs this bench in half a minute.
//!
//! The checks are async, and pass immediately. They run on tokio's multi-thread runtime with its default number of
//! workers.
//!
//! The first runs of all checks begin at the same time. When these runs have ended, the bench measures the processor
//! time that this process uses within 20 s. For comparison, the bench removes all checks, and measures the processor
//! time of the idle runtime for 5 s.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use healthcheck::{Check, HealthCheckBuilder};
use healthcheck_benches::{Result, figure, process, samples};
use tokio::runtime::Runtime;

const CHECKS: usize = 1_000;
const INTERVAL: Duration = Duration::from_secs(10);
const OBSERVED: Duration = Duration::from_secs(20);
/// The bench waits this long for the first runs of all checks, which begin at the same time.
const FIRST: Duration = Duration::from_secs(1);

fn main() -> Result {
    figure::heading("In the background");
    let runtime = Runtime::new()?;
    let runs = Arc::new(AtomicUsize::new(0));
    let checks = (0..CHECKS).map(|number| {
        let runs = Arc::clone(&runs);
        let check = Check::new(format!("check_{number}"), move || {
            runs.fetch_add(1, Ordering::Relaxed);
            async { true }
        });
        check.interval(INTERVAL)
    });
    let health = checks
        .fold(samples::by_hand(), HealthCheckBuilder::check)
        .build()?;
    let guard = runtime.enter();
    health.start();
    drop(guard);
    thread::sleep(FIRST);
    let began = runs.load(Ordering::Relaxed);
    let busy = idle(OBSERVED);
    let ran = runs.load(Ordering::Relaxed) - began;
    drop(health);
    figure::at_most("1,000 checks at 10 s, of a core", busy * 100.0, 1.0, "%");
    figure::note(format_args!(
        "{ran} runs, {:.1} µs each",
        busy * OBSERVED.as_secs_f64() * 1e6 / ran as f64
    ));
    figure::note(format_args!("without them {:.3} %", idle(OBSERVED / 4) * 100.0));
    Ok(())
}

/// Sleeps for `time`. Returns the share of one core that this process used during this time.
fn idle(time: Duration) -> f64 {
    let before = process::own_cpu();
    thread::sleep(time);
    (process::own_cpu() - before).as_secs_f64() / time.as_secs_f64()
}
