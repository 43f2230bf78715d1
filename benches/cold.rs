//! A report with nothing cached: as fast as its slowest check, and for trivial checks near what spawning them takes.
//!
//! `cargo bench -p healthcheck-benches --bench cold`
//!
//! - 50 async checks of 100 ms against one sleep of 100 ms: 20 pairs.
//! - 10,000 async checks that pass at once against 10,000 empty tasks, spawned and joined: 40 pairs. Each round has a
//!   registry of its own, built before the clock starts; the time holds the whole report, put together.
//!
//! On tokio's multi-thread runtime with its default of workers, one a core.

use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::{Result, figure, samples};
use tokio::runtime::Runtime;

const PAUSE: Duration = Duration::from_millis(100);
const MANY: usize = 10_000;

fn main() -> Result {
    let runtime = Runtime::new()?;
    figure::heading("A cold report");
    slow_checks(&runtime)?;
    many_checks(&runtime)
}

fn slow_checks(runtime: &Runtime) -> Result {
    let pairs = Pairs::measure(
        20,
        || {
            let checks =
                (0..50).map(|number| Check::new(format!("check_{number}"), || tokio::time::sleep(PAUSE)));
            let health = checks
                .fold(samples::by_hand(), HealthCheckBuilder::check)
                .build()?;
            Ok(report(runtime, &health))
        },
        || {
            let began = Instant::now();
            runtime.block_on(async { tokio::time::sleep(PAUSE).await });
            Ok(began.elapsed())
        },
    )?;
    figure::at_most(
        "50 checks of 100 ms, of one sleep of 100 ms",
        pairs.ratio(),
        1.05,
        "×",
    );
    figure::note(format_args!("{:.1} ms", pairs.ours() * 1e3));
    Ok(())
}

fn many_checks(runtime: &Runtime) -> Result {
    let pairs = Pairs::measure(
        40,
        || Ok(report(runtime, &samples::trivial(MANY)?)),
        || {
            let began = Instant::now();
            runtime.block_on(async {
                let tasks: Vec<_> = (0..MANY).map(|_| tokio::spawn(async {})).collect();
                for task in tasks {
                    let _ = task.await;
                }
            });
            Ok(began.elapsed())
        },
    )?;
    figure::at_most(
        "10,000 trivial checks, of 10,000 empty tasks",
        pairs.ratio(),
        2.0,
        "×",
    );
    figure::note(format_args!(
        "{:.2} ms against {:.2} ms",
        pairs.ours() * 1e3,
        pairs.theirs() * 1e3
    ));
    Ok(())
}

fn report(runtime: &Runtime, health: &HealthCheck) -> Duration {
    let began = Instant::now();
    let report = runtime.block_on(health.report());
    let took = began.elapsed();
    drop(report);
    took
}
