//! Tests that a scrape of the metrics never waits for checks, and that it makes checks run no more often than other
//! requests do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use healthcheck::{Check, Status};
use healthcheck_axum::{Access, Endpoints};
use tokio::sync::Notify;
use tokio::time::{advance, timeout};

use crate::support::{ask, built, fails, get, passes, plain, router};

async fn scrape(router: &axum::Router) -> String {
    let answer = ask(router, get("/healthcheck?format=openmetrics")).await;
    String::from_utf8(answer.body.to_vec()).expect("text")
}

/// Yields to the runtime 20 times, so that runs of checks that have already started can end.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn has(metrics: &str, line: &str) -> bool {
    metrics.lines().any(|other| other == line)
}

fn counted(runs: &Arc<AtomicU32>) -> Check {
    let runs = Arc::clone(runs);
    Check::new("a", move || {
        let runs = Arc::clone(&runs);
        async move {
            runs.fetch_add(1, Ordering::SeqCst);
        }
    })
}

#[tokio::test(start_paused = true)]
async fn what_was_never_run_is_begun_and_shows_at_the_next_scrape() {
    let router = plain([passes("a"), fails("b")]);
    let cold = scrape(&router).await;
    assert!(!cold.contains("healthcheck_status{"), "{cold}");
    assert!(
        !cold.contains("healthcheck_probe_status{probe=\"all\"}"),
        "{cold}"
    );
    assert!(has(&cold, "healthcheck_stale{check=\"a\"} 1"), "{cold}");
    for status in ["pass", "warn", "fail"] {
        assert!(
            has(
                &cold,
                &format!("healthcheck_runs_total{{check=\"a\",status=\"{status}\"}} 0")
            ),
            "{cold}"
        );
    }
    settle().await;
    let warm = scrape(&router).await;
    for line in [
        "healthcheck_status{check=\"a\"} 1",
        "healthcheck_status{check=\"b\"} 0",
        "healthcheck_probe_status{probe=\"all\"} 0",
        "healthcheck_stale{check=\"a\"} 0",
        "healthcheck_runs_total{check=\"b\",status=\"fail\"} 1",
        "healthcheck_transitions_total{check=\"b\"} 1",
    ] {
        assert!(has(&warm, line), "{line} isn't in {warm}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scrape_waits_for_nobody() {
    let never = Arc::new(Notify::new());
    let check = Check::new("slow", move || {
        let never = Arc::clone(&never);
        async move { never.notified().await }
    });
    let router = plain([check]);
    timeout(Duration::from_millis(1), scrape(&router))
        .await
        .expect("at once");
}

#[tokio::test(start_paused = true)]
async fn however_many_scrapers_there_is_one_run_a_ttl() {
    let runs = Arc::new(AtomicU32::new(0));
    let router = plain([counted(&runs)]);
    for round in 1..=4 {
        for _ in 0..25 {
            scrape(&router).await;
            settle().await;
        }
        assert_eq!(runs.load(Ordering::SeqCst), round);
        advance(Duration::from_millis(27_001)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_result_is_stale_and_one_far_too_old_has_no_status() {
    let runs = Arc::new(AtomicU32::new(0));
    let router = plain([counted(&runs)]);
    scrape(&router).await;
    settle().await;
    advance(Duration::from_secs(60)).await;
    let old = scrape(&router).await;
    assert!(has(&old, "healthcheck_status{check=\"a\"} 1"), "{old}");
    assert!(has(&old, "healthcheck_stale{check=\"a\"} 1"), "{old}");
    settle().await;
    // Metrics omit a result that is older than the sum of its TTL (27 s), the check's timeout (5 s) and 60 s. This
    // advances the clock by one second more.
    advance(Duration::from_secs(27 + 5 + 61)).await;
    let far_too_old = scrape(&router).await;
    assert!(!far_too_old.contains("healthcheck_status{"), "{far_too_old}");
    assert!(
        !far_too_old.contains("healthcheck_probe_status{probe=\"readiness\"}"),
        "{far_too_old}"
    );
    assert!(
        has(&far_too_old, "healthcheck_stale{check=\"a\"} 1"),
        "{far_too_old}"
    );
    settle().await;
    assert!(has(&scrape(&router).await, "healthcheck_status{check=\"a\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_by_hand_and_what_the_service_does_shows() {
    let health = built([passes("a")]);
    let router = router(Endpoints::new(health.clone()));
    ask(&router, get("/healthcheck")).await;
    let before = scrape(&router).await;
    for line in [
        "healthcheck_draining 0",
        "healthcheck_maintenance 0",
        "healthcheck_overridden{check=\"a\"} 0",
    ] {
        assert!(has(&before, line), "{line} isn't in {before}");
    }
    health
        .set_override("a", Status::Warn, Duration::from_secs(60), "game day")
        .expect("it is no liveness check");
    health.begin_maintenance("new disks");
    health.begin_shutdown();
    let after = scrape(&router).await;
    for line in [
        "healthcheck_draining 1",
        "healthcheck_maintenance 1",
        "healthcheck_overridden{check=\"a\"} 1",
        "healthcheck_status{check=\"a\"} 0.5",
        "healthcheck_probe_status{probe=\"all\"} 0.5",
        "healthcheck_probe_status{probe=\"readiness\"} 0",
    ] {
        assert!(has(&after, line), "{line} isn't in {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stuck_is_a_failure_and_is_counted() {
    let stuck = Check::blocking("stuck", || -> () {
        loop {
            std::thread::park();
        }
    });
    let router = plain([stuck.timeout(Duration::from_millis(200)), passes("a")]);
    ask(&router, get("/healthcheck")).await;
    let metrics = scrape(&router).await;
    assert!(
        has(&metrics, "healthcheck_status{check=\"stuck\"} 0"),
        "{metrics}"
    );
    assert!(has(&metrics, "healthcheck_stuck_runs 1"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_from_outside_shows_with_the_whole() {
    let health = built([passes("a")]);
    let router = router(Endpoints::new(health.clone()));
    ask(&router, get("/healthcheck")).await;
    health.observe_liveness("runtime", Some(healthcheck::Outcome::fail("stands still")));
    let metrics = scrape(&router).await;
    for line in [
        "healthcheck_status{check=\"a\"} 1",
        "healthcheck_status{check=\"runtime\"} 0",
        "healthcheck_stale{check=\"runtime\"} 0",
        "healthcheck_probe_status{probe=\"liveness\"} 0",
        "healthcheck_probe_status{probe=\"all\"} 1",
    ] {
        assert!(has(&metrics, line), "{line} isn't in {metrics}");
    }
    let part = ask(&router, get("/healthcheck?check=a&format=openmetrics")).await;
    assert!(!part.body.windows(9).any(|window| window == b"\"runtime\""));
}

#[tokio::test]
async fn the_owner_the_runbook_and_external_are_labels_of_a_metric_and_empty_for_strangers() {
    let endpoints = || {
        let owned = fails("a")
            .owner("orders")
            .runbook("https://runbooks.example/a")
            .external();
        Endpoints::new(built([owned, passes("b")]))
    };
    let shown = scrape(&router(endpoints())).await;
    let of_a = r#"healthcheck_check_info{check="a",owner="orders",runbook="https://runbooks.example/a",external="true"} 1"#;
    assert!(has(&shown, of_a), "{shown}");
    assert!(
        has(
            &shown,
            r#"healthcheck_check_info{check="b",owner="",runbook="",external=""} 1"#
        ),
        "{shown}"
    );
    let withheld = scrape(&router(endpoints().details_access(Access::denied()))).await;
    for check in ["a", "b"] {
        let empty = format!(r#"healthcheck_check_info{{check="{check}",owner="",runbook="",external=""}} 1"#);
        assert!(has(&withheld, &empty), "{withheld}");
    }
    assert!(
        !withheld.contains("orders") && !withheld.contains("runbooks"),
        "{withheld}"
    );
}
