//! Tests a runtime that no thread drives any more, after a task on it has requested a report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use healthcheck::{Check, Status};
use healthcheck_tests::by_hand;
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns a check that hangs in its first run, and passes in every later run.
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
    // The check's first run is on the runtime `idle`. No thread drives this runtime any more, so the run can't end.
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

#[test]
fn a_run_without_a_limit_on_a_runtime_that_is_driven_no_more_is_taken_over() {
    let runs = Arc::new(AtomicU32::new(0));
    let health = by_hand().check(first_hangs(&runs).timeout(None)).build().unwrap();
    let first = current_thread();
    first.block_on(async {
        let gave_up = tokio::time::timeout(Duration::from_millis(10), health.report()).await;
        assert!(gave_up.is_err());
    });
    // The check's first run is on the runtime `first`, which no thread drives any more. So this run can't end, and the
    // library has to run the check again on the runtime `second`.
    let second = current_thread();
    let report =
        second.block_on(async { tokio::time::timeout(Duration::from_secs(15), health.report()).await });
    assert!(report.expect("an answer").is_success());
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_runs_without_a_limit_that_hang_leave_room_for_other_sync_checks() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let hung = (0..64).map(|number| {
        let blocked = Arc::clone(&blocked);
        healthcheck::Check::blocking(format!("hung {number}"), move || {
            let _ = blocked.lock().unwrap().recv();
        })
        .tags(["hung"])
        .timeout(None)
    });
    let health = hung
        .fold(by_hand(), healthcheck::HealthCheckBuilder::check)
        .check(healthcheck::Check::blocking("fine", || true).timeout(Duration::from_secs(20)))
        .build()
        .unwrap();
    let hung = healthcheck::Selection::tag("hung");
    health
        .report_within(&hung, Duration::from_millis(10))
        .await
        .unwrap();
    let fine = health
        .report_for(&healthcheck::Selection::checks(["fine"]))
        .await
        .unwrap();
    assert!(fine.is_success(), "{fine:?}");
    drop(release);
}
