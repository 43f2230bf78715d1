//! Tests thresholds. With a threshold, a status changes only after this number of equal results in a row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use healthcheck::{Check, Outcome, Overall, Pending, Status};

use crate::support::{Lever, built, of};

fn _type_is_closed(status: Status) -> u8 {
    match status {
        Status::Pass => 0,
        Status::Warn => 1,
        Status::Fail => 2,
    }
}

#[tokio::test]
async fn a_failure_below_the_threshold_is_pending_and_the_status_is_held_with_the_new_output() {
    let lever = Lever::default();
    let health = built([lever
        .check("a")
        .failure_threshold(2)
        .success_ttl(None)
        .failed_ttl(None)]);
    health.report().await;
    lever.fail();
    let report = health.report().await;
    let result = of(&report, "a");
    assert_eq!(
        (result.status, result.passed, result.output.as_str()),
        (Status::Pass, true, Some("broken"))
    );
    let Some(Pending {
        status,
        count,
        of: needed,
        ..
    }) = result.pending
    else {
        panic!("{result:?}")
    };
    assert_eq!((status, count, needed), (Status::Fail, 1, 2));
    let report = health.report().await;
    assert_eq!(of(&report, "a").status, Status::Fail);
    assert_eq!(of(&report, "a").consecutive_failures, 2);
    assert!(of(&report, "a").failing_since.is_some());
}

#[tokio::test]
async fn a_check_that_has_never_passed_is_not_called_up_by_a_threshold() {
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("a").failure_threshold(5)]);
    assert_eq!(health.report().await.status, Overall::Failure);
}

#[tokio::test]
async fn requests_are_no_runs() {
    let lever = Lever::default();
    let health = built([lever.check("a").failure_threshold(3).success_ttl(None)]);
    health.report().await;
    lever.fail();
    for _ in 0..10 {
        // The first of these ten requests runs the check, and the check fails. The library caches this failure for 9 s,
        // so the other nine requests don't run the check. One failed run doesn't reach the threshold of three failures.
        assert_eq!(of(&*health.report().await, "a").status, Status::Pass);
    }
    assert_eq!(lever.runs(), 2);
}

#[tokio::test]
async fn an_optional_failure_and_a_warning_degrade_the_whole() {
    let lever = Lever::default();
    lever.fail();
    let optional = built([lever.check("a").critical(false)]);
    assert_eq!(optional.report().await.status, Overall::Degraded);
    let warns = built([healthcheck::Check::new("a", async || Outcome::warn("hm"))]);
    let report = warns.report().await;
    assert_eq!(
        (report.status, of(&report, "a").passed),
        (Overall::Degraded, true)
    );
}

#[tokio::test]
async fn a_check_that_hangs_each_time_is_not_called_up_when_a_stuck_run_has_ended() {
    let (let_go, held) = mpsc::channel::<()>();
    let (held, first) = (Mutex::new(held), AtomicBool::new(true));
    let limit = Duration::from_millis(300);
    let hangs = Check::blocking("hangs", move || {
        if !first.swap(false, Ordering::SeqCst) {
            let _ = held.lock().unwrap().recv();
        }
    });
    let health = built([hangs
        .timeout(limit)
        .success_ttl(None)
        .failed_ttl(None)
        .failure_threshold(3)
        .success_threshold(2)]);
    assert_eq!(of(&*health.report().await, "hangs").status, Status::Pass);
    // For the first report, the run times out, and the threshold keeps the status at pass. For the second report, the
    // same run is still stuck. A stuck run is a failure regardless of thresholds.
    health.report().await;
    assert_eq!(of(&*health.report().await, "hangs").status, Status::Fail);
    let_go.send(()).unwrap();
    while health.statistics().stuck_runs > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(of(&*health.report().await, "hangs").status, Status::Fail);
    drop(let_go);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_swings_around_its_limit_is_shown_as_a_warning_once_it_has_warned_for_long_enough() {
    let lever = Lever::default();
    let health = built([lever
        .check("disk")
        .success_ttl(None)
        .failed_ttl(None)
        .warn_threshold(2)]);
    let mut shown = Vec::new();
    for warns in [false, true, false, true, true, false] {
        if warns {
            lever.warn()
        } else {
            lever.pass()
        }
        shown.push(of(&*health.report().await, "disk").status);
    }
    let (pass, warn) = (Status::Pass, Status::Warn);
    assert_eq!(shown, [pass, pass, pass, pass, warn, pass]);
    lever.warn();
    let report = health.report().await;
    let pending = of(&report, "disk").pending.unwrap();
    assert_eq!((pending.status, pending.count, pending.of), (Status::Warn, 1, 2));
    assert_eq!(
        health.history().iter().filter(|it| it.checker.is_some()).count(),
        2
    );
}
