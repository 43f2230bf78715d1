//! Runtimes that ask and are driven no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use healthcheck::{Check, Status};
use healthcheck_tests::by_hand;
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits at its first run for as long as anybody drives it, and passes at the next.
fn first_hangs(runs: &Arc<AtomicU32>) -> Check {
    let runs = Arc::clone(runs);
    Check::new("db", move || {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
        }
    })
}

#[test]
fn a_run_on_a_runtime_that_is_driven_no_more_is_over_at_its_limit() {
    let runs = Arc::default();
    let health = by_hand()
        .check(
            first_hangs(&runs)
                .timeout(Duration::from_millis(300))
                .failed_ttl(None),
        )
        .build()
        .unwrap();
    let idle = current_thread();
    idle.block_on(async {
        let asked = tokio::time::timeout(Duration::from_millis(10), health.report()).await;
        assert!(asked.is_err());
    });
    // It is kept, and nobody drives it.
    let other = current_thread();
    let begins = Instant::now();
    let report = loop {
        let report = other.block_on(health.report());
        if report.is_success() || begins.elapsed() > Duration::from_secs(20) {
            break report;
        }
    };
    assert!(report.is_success(), "{report:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    drop(idle);
}

#[test]
fn background_checks_run_on_the_runtime_of_the_next_request_where_the_first_is_driven_no_more() {
    let runs: Arc<AtomicU32> = Arc::default();
    let counted = Arc::clone(&runs);
    let health = by_hand()
        .check(
            Check::new("db", move || {
                counted.fetch_add(1, Ordering::SeqCst);
                async {}
            })
            .interval(Duration::from_millis(50)),
        )
        .build()
        .unwrap();
    let idle = current_thread();
    idle.block_on(async { health.start() });
    let other = current_thread();
    let report = other.block_on(health.report());
    assert_eq!(report.get("db").unwrap().status, Status::Pass, "{report:?}");
    other.block_on(async {
        let end = Instant::now() + Duration::from_secs(20);
        while runs.load(Ordering::SeqCst) < 3 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(runs.load(Ordering::SeqCst) >= 3, "its loop goes on");
    drop(idle);
}
