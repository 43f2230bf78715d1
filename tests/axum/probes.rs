//! Tests the probes: which checks a probe includes, how old a result may be, how long a request waits for results, and
//! which reason an answer gives for a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Version};
use healthcheck::Check;
use healthcheck_axum::Endpoints;
use tokio::time::{Instant, advance};

use crate::support::{ask, built, fails, get, over, passes, plain, request, router};

/// Returns a check that always passes or always fails, and a counter of its runs.
fn counted(name: &str, passing: bool) -> (Check, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    let check = Check::new(name, move || {
        count.fetch_add(1, Ordering::SeqCst);
        async move { passing }
    });
    (check, runs)
}

/// Returns a check whose run never ends.
fn hangs(name: &str) -> Check {
    Check::new(name, std::future::pending::<bool>)
}

#[tokio::test]
async fn each_probe_has_the_checks_that_name_it_and_a_check_that_names_none_is_a_readiness_check() {
    let app = plain([
        passes("alive").liveness(),
        passes("both").liveness().readiness(),
        passes("none"),
        passes("warm").startup(),
    ]);
    for (path, expected) in [
        ("/livez", &["alive", "both"][..]),
        ("/readyz", &["both", "none"]),
        ("/startupz", &["warm"]),
        ("/healthcheck", &["alive", "both", "none", "warm"]),
    ] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.checkers(), expected, "{path}");
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_probe_without_checks_passes() {
    let app = plain([fails("a")]);
    assert_eq!(ask(&app, get("/livez")).await.status, StatusCode::OK);
    assert_eq!(ask(&app, get("/startupz")).await.status, StatusCode::OK);
    assert_eq!(
        ask(&app, get("/readyz")).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test(start_paused = true)]
async fn on_a_probe_a_pass_is_fresh_for_5_s_and_a_failure_for_2_s() {
    for (passing, lasts) in [(true, 5_000), (false, 2_000)] {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        // For a check that has never passed, the TTL of failures is shorter than 2 s. This test isn't about that TTL,
        // so the first run always passes.
        //
        // Each later run passes only if `passing` is true.
        let app = plain([Check::new("a", move || {
            let passes = counted.fetch_add(1, Ordering::SeqCst) == 0 || passing;
            async move { passes }
        })]);
        ask(&app, get("/readyz")).await;
        advance(Duration::from_secs(6)).await;
        ask(&app, get("/readyz")).await;
        let before = runs.load(Ordering::SeqCst);
        advance(Duration::from_millis(lasts - 10)).await;
        ask(&app, get("/readyz")).await;
        assert_eq!(runs.load(Ordering::SeqCst), before, "{passing}");
        advance(Duration::from_millis(20)).await;
        ask(&app, get("/readyz")).await;
        assert_eq!(runs.load(Ordering::SeqCst), before + 1, "{passing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_ready_when_its_dependency_is_before_its_first_pass() {
    let (runs, is_up) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (counted, dependency) = (Arc::clone(&runs), Arc::clone(&is_up));
    let app = plain([Check::new("db", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let passes = dependency.load(Ordering::SeqCst) == 1;
        async move { passes }
    })]);
    for _ in 0..200 {
        assert_eq!(
            ask(&app, get("/readyz")).await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
        advance(Duration::from_millis(50)).await;
    }
    let asked_for = runs.load(Ordering::SeqCst);
    assert!((30..=50).contains(&asked_for), "{asked_for} runs in ten seconds");
    is_up.store(1, Ordering::SeqCst);
    let began = tokio::time::Instant::now();
    while ask(&app, get("/readyz")).await.status != StatusCode::OK {
        advance(Duration::from_millis(50)).await;
    }
    assert!(
        began.elapsed() <= Duration::from_millis(500),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn on_the_health_path_the_ttls_of_the_seed_hold() {
    for (passing, lasts) in [(true, 27), (false, 9)] {
        let (check, runs) = counted("a", passing);
        let app = plain([check]);
        ask(&app, get("/healthcheck")).await;
        advance(Duration::from_secs(lasts) - Duration::from_millis(10)).await;
        ask(&app, get("/healthcheck")).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{passing}");
        advance(Duration::from_millis(20)).await;
        ask(&app, get("/healthcheck")).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2, "{passing}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_age_on_a_probe_can_be_set_and_holds_for_queries_and_single_checks() {
    for path in ["/readyz", "/readyz?check=a", "/readyz/a"] {
        let (check, runs) = counted("a", true);
        let endpoints =
            Endpoints::new(built([check])).probe_max_age(Duration::from_secs(12), Duration::from_secs(3));
        let app = router(endpoints);
        ask(&app, get(path)).await;
        advance(Duration::from_secs(11)).await;
        ask(&app, get(path)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{path}");
        advance(Duration::from_secs(2)).await;
        ask(&app, get(path)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ttl_that_somebody_set_holds_on_a_probe_too() {
    let (check, runs) = counted("a", true);
    let app = plain([check.success_ttl(Duration::from_secs(20))]);
    ask(&app, get("/readyz")).await;
    advance(Duration::from_secs(19)).await;
    ask(&app, get("/readyz")).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn waited(app: &Router, path: &str) -> Duration {
    let began = Instant::now();
    ask(app, get(path)).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_probe_answers_within_800_ms_and_the_health_path_within_4_s() {
    for (path, budget) in [
        ("/livez", 800),
        ("/readyz", 800),
        ("/startupz", 800),
        ("/readyz/a", 800),
        ("/readyz?check=a", 800),
        ("/healthcheck", 4_000),
        ("/healthcheck/a", 4_000),
    ] {
        let app = plain([hangs("a").liveness().readiness().startup().timeout(None)]);
        let waited = waited(&app, path).await.as_millis();
        assert!((budget..budget + 20).contains(&waited), "{path}: {waited} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn answer_within_sets_both_budgets_and_none_waits_for_the_checks_limit() {
    let hanging = || hangs("a").timeout(Duration::from_secs(3));
    for (budget, expected) in [(Some(Duration::from_millis(100)), 100), (None, 3_000)] {
        for path in ["/readyz", "/healthcheck"] {
            let app = router(Endpoints::new(built([hanging()])).answer_within(budget));
            let waited = waited(&app, path).await.as_millis();
            assert!((expected..expected + 20).contains(&waited), "{path}: {waited} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn past_the_budget_the_last_result_is_told_as_stale() {
    let slow = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&slow);
    let check = Check::new("a", move || {
        let hangs = hangs.load(Ordering::SeqCst);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            true
        }
    });
    let app = plain([check]);
    ask(&app, get("/readyz")).await;
    slow.store(true, Ordering::SeqCst);
    advance(Duration::from_secs(6)).await;
    let answer = ask(&app, get("/readyz")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let result = answer.json()["results"][0].clone();
    assert_eq!(result["stale"], true);
    assert!(result["age"].as_f64().expect("an age") >= 6.0, "{result}");
}

#[tokio::test(start_paused = true)]
async fn before_the_first_result_liveness_passes_and_readiness_fails_as_not_run_yet() {
    let app = plain([hangs("a").liveness().readiness()]);
    assert_eq!(ask(&app, get("/livez")).await.status, StatusCode::OK);
    let answer = ask(&app, get("/readyz")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.json()["results"][0]["output"],
        "not run yet, running for 1.6 s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_cancels_no_run() {
    let (ended, ends) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (begin, end) = (Arc::clone(&ends), Arc::clone(&ended));
    let check = Check::new("a", move || {
        begin.fetch_add(1, Ordering::SeqCst);
        let end = Arc::clone(&end);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            end.fetch_add(1, Ordering::SeqCst);
            true
        }
    });
    let app = plain([check]);
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(20), ask(&app, get("/readyz"))).await;
        assert!(gone.is_err(), "the client was to give up");
    }
    assert_eq!(ask(&app, get("/readyz")).await.status, StatusCode::OK);
    assert_eq!(
        (ends.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)),
        (1, 1)
    );
}

#[tokio::test]
async fn while_draining_readiness_fails_and_all_else_is_as_before() {
    let health = built([passes("a").liveness().readiness().startup()]);
    let app = router(Endpoints::new(health.clone()));
    assert_eq!(ask(&app, get("/readyz")).await.status, StatusCode::OK);
    health.begin_shutdown();
    for path in ["/readyz", "/readyz?check=a", "/readyz?exclude=a"] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.json()["reason"], "shutting down", "{path}");
    }
    for path in ["/readyz/a", "/livez", "/startupz", "/healthcheck"] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.json().get("reason"), None, "{path}");
    }
}

#[tokio::test]
async fn while_draining_every_answer_closes_its_connection() {
    let health = built([passes("a")]);
    let app = router(Endpoints::new(health.clone()));
    let paths = [
        "/livez",
        "/readyz",
        "/healthcheck",
        "/healthcheck/a",
        "/environment",
        "/healthcheck?check=x",
    ];
    for path in paths {
        assert_eq!(ask(&app, get(path)).await.header("connection"), None, "{path}");
    }
    health.begin_shutdown();
    for path in paths {
        assert_eq!(
            ask(&app, get(path)).await.header("connection"),
            Some("close"),
            "{path}"
        );
    }
    let options = request(axum::http::Method::OPTIONS, "/livez");
    assert_eq!(ask(&app, options).await.header("connection"), Some("close"));
    let http2 = over(get("/livez"), Version::HTTP_2);
    assert_eq!(
        ask(&app, http2).await.header("connection"),
        None,
        "HTTP/2 has no such header"
    );
}

#[tokio::test]
async fn maintenance_fails_readiness_with_its_reason() {
    let health = built([passes("a")]);
    let app = router(Endpoints::new(health.clone()));
    health.begin_maintenance("disks are exchanged");
    let answer = ask(&app, get("/readyz")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["reason"], "maintenance: disks are exchanged");
    health.end_maintenance();
    assert_eq!(ask(&app, get("/readyz")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn readiness_is_starting_until_the_startup_checks_have_passed_and_asking_it_runs_them() {
    let warm = Arc::new(AtomicBool::new(false));
    let is_warm = Arc::clone(&warm);
    let check = Check::new("warm", move || {
        let is_warm = is_warm.load(Ordering::SeqCst);
        async move { is_warm }
    });
    let app = plain([passes("a"), check.startup().failed_ttl(None)]);
    let answer = ask(&app, get("/readyz")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["reason"], "starting");
    warm.store(true, Ordering::SeqCst);
    assert_eq!(ask(&app, get("/readyz")).await.status, StatusCode::OK);
    assert_eq!(ask(&app, get("/startupz")).await.status, StatusCode::OK);
}
