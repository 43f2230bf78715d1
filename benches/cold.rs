//! Measures how long a report without cached results takes. A report should take as long as its slowest check. If all
//! checks pass immediately, the report should take about as long as spawning the same number of empty tasks.
//!
//! `cargo bench -p healthcheck-benches --bench cold` runs this bench.
//!
//! The bench makes these comparisons:
//! - A report of 50 async checks that take 100 ms each, against a single sleep of 100 ms. This comparison has 20
//!   rounds.
//! - A report of 10,000 async checks that pass immediately, against spawning and joining 10,000 empty tasks. This
//!   comparison has 40 rounds. Each round builds its own `HealthCheck` before the clock starts.
//! - 64 tasks that request a report of the same 1,000 checks at the same time, against a single task that requests this
//!   report. This comparison has 40 rounds.
//!
//! The checks run on tokio's multi-thread runtime with its default number of workers, which is one for each core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use healthcheck::{Check, HealthCheckBuilder};
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::{Result, figure, process, samples};
use tokio::runtime::Runtime;

const PAUSE: Duration = Duration::from_millis(100);
const MANY: usize = 10_000;
const ASKED_AT_ONCE: usize = 1_000;
const ASKERS: usize = 64;

fn main() -> Result {
    let runtime = Runtime::new()?;
    figure::heading("A cold report");
    slow_checks(&runtime)?;
    many_checks(&runtime)?;
    many_askers(&runtime)
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
            let began = Instant::now();
            runtime.block_on(health.report());
            Ok(began.elapsed())
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
    let start = Instant::now();
    let pairs = many(runtime, || start.elapsed())?;
    figure::at_most(
        "10,000 trivial checks, of 10,000 empty tasks",
        pairs.ratio(),
        1.6,
        "×",
    );
    figure::note(told(&pairs));
    let pairs = many(runtime, process::own_cpu)?;
    figure::note(format_args!(
        "of their processor time {:.2} ×: {}",
        pairs.ratio(),
        told(&pairs)
    ));
    Ok(())
}

fn many_askers(runtime: &Runtime) -> Result {
    let ask = |askers: usize| {
        let health = samples::trivial(ASKED_AT_ONCE)?;
        sweep();
        let began = Instant::now();
        runtime.block_on(async {
            let asked = (0..askers).map(|_| {
                let health = health.clone();
                tokio::spawn(async move { drop(health.report().await) })
            });
            for asker in asked.collect::<Vec<_>>() {
                let _ = asker.await;
            }
        });
        Ok(began.elapsed())
    };
    let pairs = Pairs::measure(40, || ask(ASKERS), || ask(1))?;
    figure::at_most(
        "1,000 trivial checks asked at once by 64 tasks, of by one",
        pairs.ratio(),
        4.0,
        "×",
    );
    figure::note(told(&pairs));
    Ok(())
}

/// Compares a report of 10,000 checks with 10,000 empty tasks. `clock` returns either the wall-clock time, or the
/// processor time of all threads. Other programs on the machine affect the processor time less than the wall-clock
/// time.
fn many(runtime: &Runtime, clock: impl Fn() -> Duration) -> Result<Pairs> {
    Pairs::measure(
        40,
        || {
            let health = samples::trivial(MANY)?;
            sweep();
            let began = clock();
            let report = runtime.block_on(health.report());
            let took = clock() - began;
            drop(report);
            Ok(took)
        },
        || {
            sweep();
            let began = clock();
            runtime.block_on(async {
                let tasks: Vec<_> = (0..MANY).map(|_| tokio::spawn(async {})).collect();
                for task in tasks {
                    let _ = task.await;
                }
            });
            Ok(clock() - began)
        },
    )
}

fn told(pairs: &Pairs) -> String {
    format!(
        "{:.2} ms against {:.2} ms",
        pairs.ours() * 1e3,
        pairs.theirs() * 1e3
    )
}

/// Allocates and frees a large block of memory. This makes glibc's allocator merge the free fragments that the previous
/// measurement left. Without this, these fragments would slow down the next measurement.
fn sweep() {
    drop(black_box(Vec::<u8>::with_capacity(64 * 1024)));
}
