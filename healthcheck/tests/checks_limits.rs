//! Tests that a check whose value oscillates around its limit doesn't change its status at each run.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use healthcheck::checks::{self, ErrorRate, Progress, Task};
use healthcheck::{Check, HealthCheck, Status};

async fn statuses(check: Check, value: &AtomicU64, values: &[u64]) -> Vec<Status> {
    let health = HealthCheck::builder()
        .discover(false)
        .success_ttl(None)
        .failed_ttl(None)
        .check(check)
        .build()
        .unwrap();
    let mut statuses = Vec::new();
    for &next in values {
        value.store(next, Ordering::SeqCst);
        statuses.push(health.report().await.results[0].status);
    }
    statuses
}

fn transitions(statuses: &[Status]) -> usize {
    statuses.windows(2).filter(|two| two[0] != two[1]).count()
}

const SWINGING: [u64; 10] = [999, 1_001, 999, 1_001, 999, 1_001, 990, 1_001, 999, 985];

#[tokio::test]
async fn a_backlog_that_swings_around_its_limit_gives_one_transition() {
    let value = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&value);
    let backlog = Check::new("backlog", move || {
        let length = read.load(Ordering::SeqCst);
        async move { checks::below(length, 1_000) }
    });
    let statuses = statuses(backlog, &value, &SWINGING).await;
    assert_eq!(transitions(&statuses), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_lag_that_swings_around_its_limit_gives_one_transition_and_clears_further_down() {
    let value = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&value);
    let behind = Check::new("behind", move || {
        let read = Arc::clone(&read);
        async move {
            checks::lag(|| async { read.load(Ordering::SeqCst) })
                .warn_above(500)
                .fail_above(1_000)
                .await
        }
    });
    let mut values = SWINGING.to_vec();
    values.extend([979, 489]);
    let statuses = statuses(behind, &value, &values).await;
    assert_eq!(transitions(&statuses), 3, "{statuses:?}");
    assert_eq!(statuses[9..], [Status::Fail, Status::Warn, Status::Pass]);
}

#[tokio::test]
async fn calls_that_fail_around_their_limit_give_one_transition() {
    let evidence = ErrorRate::new(Duration::from_secs(600)).at_least(1);
    let judged = evidence.clone();
    let calls = Check::new("calls", move || {
        let judged = judged.clone();
        async move { judged.check() }
    });
    let health = HealthCheck::builder()
        .discover(false)
        .success_ttl(None)
        .failed_ttl(None)
        .check(calls)
        .build()
        .unwrap();
    let record = |passed: u32, failed: u32| {
        (0..passed).for_each(|_| evidence.record(&Ok::<_, ()>(())));
        (0..failed).for_each(|_| evidence.record(&Err::<(), _>(())));
    };
    record(9_000, 1_000);
    let mut statuses = Vec::new();
    // The share of errors alternates between slightly more and slightly less than 10 %.
    for _ in 0..10 {
        record(0, 2);
        statuses.push(health.report().await.results[0].status);
        record(20, 0);
        statuses.push(health.report().await.results[0].status);
    }
    assert_eq!(transitions(&statuses), 0, "{statuses:?}");
    assert_eq!(statuses[0], Status::Warn);
}

/// A `Progress` watches work in progress, and a `Task` watches a background task. The closure of a `Check` may capture
/// one of them and return its outcome.
#[tokio::test]
async fn work_and_tasks_are_watched_by_checks_that_were_given_them() {
    let progress = Progress::new(Duration::from_secs(60));
    let worker = Task::from(tokio::spawn(async {
        std::panic::resume_unwind(Box::new("out of disk"))
    }));
    let watched = progress.clone();
    let jobs = Check::blocking("jobs", move || watched.check());
    let consumer = Check::blocking("worker", move || checks::task(&worker));
    let health = HealthCheck::builder()
        .discover(false)
        .check(jobs)
        .check(consumer)
        .build()
        .unwrap();
    let _work = progress.begin("import");
    tokio::task::yield_now().await;
    let report = health.report().await;
    let outputs: Vec<_> = report
        .results
        .iter()
        .map(|result| result.output.as_str().unwrap())
        .collect();
    assert_eq!(outputs, ["1 in flight", "the task panicked: out of disk"]);
}
