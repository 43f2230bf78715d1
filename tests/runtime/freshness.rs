//! Tests how long a result stays fresh: with the default TTLs, with the TTLs of the probes, and without a TTL.

use std::sync::Arc;
use std::time::Duration;

use healthcheck::{Check, Selection, Status};
use tokio::time::{advance, sleep};

use crate::support::{Lever, built, by_hand, of};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_pass_holds_27_seconds_and_a_failure_9() {
    let lever = Lever::default();
    let health = built([lever.check("a")]);
    health.report().await;
    advance(26 * SECOND).await;
    health.report().await;
    assert_eq!(lever.runs(), 1);
    lever.fail();
    advance(2 * SECOND).await;
    health.report().await;
    assert_eq!(lever.runs(), 2);
    advance(8 * SECOND).await;
    health.report().await;
    assert_eq!(lever.runs(), 2);
    advance(2 * SECOND).await;
    health.report().await;
    assert_eq!(lever.runs(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_check_is_cached_by_itself() {
    let (a, b) = (Lever::default(), Lever::default());
    let health = built([a.check("a").success_ttl(SECOND), b.check("b")]);
    health.report().await;
    advance(2 * SECOND).await;
    health.report().await;
    assert_eq!((a.runs(), b.runs()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn none_turns_the_cache_off() {
    let lever = Lever::default();
    let health = by_hand()
        .check(lever.check("a"))
        .success_ttl(None)
        .failed_ttl(None)
        .build()
        .unwrap();
    for _ in 0..3 {
        let report = health.report().await;
        assert_eq!(of(&report, "a").expires, None);
        assert!(!of(&report, "a").stale);
    }
    assert_eq!(lever.runs(), 3);
}

#[tokio::test(start_paused = true)]
async fn on_a_probe_a_result_whose_ttl_nobody_chose_is_fresh_for_its_max_age_only() {
    let (by_default, chosen) = (Lever::default(), Lever::default());
    let health = built([
        by_default.check("by default"),
        chosen.check("chosen").success_ttl(20 * SECOND),
    ]);
    let probe = Selection::readiness().max_age(5 * SECOND, 2 * SECOND);
    for _ in 0..4 {
        health.report_for(&probe).await.unwrap();
        advance(3 * SECOND).await;
    }
    assert_eq!((by_default.runs(), chosen.runs()), (2, 1));
    by_default.fail();
    health.report_for(&probe).await.unwrap();
    let before = by_default.runs();
    advance(3 * SECOND).await;
    health.report_for(&probe).await.unwrap();
    assert_eq!(
        by_default.runs(),
        before + 1,
        "a failure is looked at again after 2 s"
    );
    assert!(
        health.fresh(&Selection::all()).is_some(),
        "where its TTL holds it is still fresh"
    );
}

#[tokio::test(start_paused = true)]
async fn while_a_run_goes_on_the_last_result_is_told_as_stale_with_its_age() {
    let slow = Lever::default();
    let steered = slow.clone();
    let health = built([Check::new("a", move || {
        let lever = steered.clone();
        async move {
            let outcome = lever.pull();
            if lever.runs() > 1 {
                sleep(4 * SECOND).await;
            }
            outcome
        }
    })]);
    health.report().await;
    advance(30 * SECOND).await;
    let budget = Duration::from_millis(800);
    let report = health.report_within(&Selection::all(), budget).await.unwrap();
    let result = of(&report, "a");
    assert_eq!((result.status, result.stale), (Status::Pass, true));
    assert!((30.0..32.0).contains(&result.age.unwrap()), "{result:?}");
    sleep(4 * SECOND).await;
    let report = health.report_within(&Selection::all(), budget).await.unwrap();
    assert!(!of(&report, "a").stale);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_limit_that_goes_on_too_long_is_no_result() {
    let lever = Lever::default();
    let steered = lever.clone();
    let check = Check::new("a", move || {
        let lever = steered.clone();
        async move {
            let _ = lever.pull();
            if lever.runs() > 1 {
                std::future::pending::<()>().await;
            }
        }
    });
    let health = built([check.timeout(None)]);
    let budget = Duration::from_millis(800);
    health.report().await;
    advance(30 * SECOND).await;
    let early = health.report_within(&Selection::all(), budget).await.unwrap();
    assert!(of(&early, "a").stale);
    sleep(5 * SECOND).await;
    let late = health.report_within(&Selection::all(), budget).await.unwrap();
    let output = of(&late, "a").output.as_str().unwrap();
    assert!(
        output.starts_with("no result for 3") && output.ends_with("s, still running"),
        "{output}"
    );
    assert_eq!(of(&late, "a").status, Status::Fail);
}

#[tokio::test(start_paused = true)]
async fn a_check_without_a_first_result_passes_in_liveness_and_fails_elsewhere() {
    let health = built([Check::new("slow", std::future::pending::<()>)
        .liveness()
        .readiness()
        .startup()]);
    let budget = Duration::from_millis(10);
    for (selection, status) in [
        (Selection::liveness(), Status::Pass),
        (Selection::readiness(), Status::Fail),
        (Selection::startup(), Status::Fail),
        (Selection::all(), Status::Fail),
    ] {
        let report = health.report_within(&selection, budget).await.unwrap();
        assert_eq!(of(&report, "slow").status, status, "{selection:?}");
        assert_eq!(of(&report, "slow").output, "not run yet, running for 0.0 s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_result_is_a_new_report() {
    let lever = Lever::default();
    let health = built([lever.check("a")]);
    let first = health.report().await;
    advance(28 * SECOND).await;
    assert!(health.fresh(&Selection::all()).is_none());
    assert!(!Arc::ptr_eq(&first, &health.report().await));
}

#[tokio::test(start_paused = true)]
async fn a_result_older_than_its_ttl_its_limit_and_a_minute_is_not_told_as_stale() {
    let lever = Lever::default();
    let steered = lever.clone();
    let slow = Check::new("a", move || {
        let lever = steered.clone();
        async move {
            let outcome = lever.pull();
            if lever.runs() > 1 {
                sleep(2 * SECOND).await;
            }
            outcome
        }
    });
    let health = built([slow]);
    let budget = Duration::from_millis(800);
    for (age, status) in [(27 + 5 + 59, Status::Pass), (27 + 5 + 61, Status::Fail)] {
        health.report().await;
        advance(age * SECOND).await;
        let report = health.report_within(&Selection::all(), budget).await.unwrap();
        let result = of(&report, "a");
        assert_eq!(result.status, status, "{result:?}");
        let output = result.output.as_str().unwrap();
        assert_eq!(
            output.ends_with("s, still running"),
            status == Status::Fail,
            "{output}"
        );
        assert_eq!(result.stale, status == Status::Pass);
    }
}

#[test]
fn a_run_that_cannot_start_makes_the_last_result_stale_for_five_seconds_whatever_its_limit() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let health = built([Lever::default().check("a").timeout(60 * SECOND)]);
    runtime().block_on(health.report());
    // No thread drives the runtime `home`. So tasks on `home` never run, as if `home` were blocked.
    let home = runtime();
    let health = health.on_runtime(home.handle().clone());
    runtime().block_on(async {
        advance(30 * SECOND).await;
        let budget = Duration::from_millis(800);
        let early = health.report_within(&Selection::all(), budget).await.unwrap();
        assert!(of(&early, "a").stale);
        sleep(5 * SECOND).await;
        let late = health.report_within(&Selection::all(), budget).await.unwrap();
        assert_eq!(of(&late, "a").status, Status::Fail);
    });
}

#[tokio::test(start_paused = true)]
async fn only_a_first_run_that_goes_on_says_for_how_long_and_each_report_anew() {
    let health = built([
        Check::new("slow", std::future::pending::<()>).timeout(None),
        Check::new("behind it", async || true).depends_on(["slow"]),
        Check::new("later", async || true)
            .interval(60 * SECOND)
            .initial_delay(30 * SECOND),
    ]);
    let all = Selection::all();
    for seconds in ["0.8", "1.6", "2.4"] {
        let report = health
            .report_within(&all, Duration::from_millis(800))
            .await
            .unwrap();
        let running = format!("not run yet, running for {seconds} s");
        assert_eq!(of(&report, "slow").output, running);
        assert_eq!(of(&report, "behind it").output, "not run yet");
        assert_eq!(of(&report, "later").output, "not run yet");
    }
}
