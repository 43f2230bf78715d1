//! Tests the answers to the methods GET, HEAD and OPTIONS, and to all other methods.

use std::time::Duration;

use axum::http::{Method, StatusCode, Version};
use healthcheck_axum::{Access, Endpoints};

use crate::support::{ask, built, fails, local, over, passes, request, router};

const PROBES: [&str; 8] = [
    "/healthcheck",
    "/livez",
    "/readyz",
    "/startupz",
    "/healthcheck/a",
    "/livez/a",
    "/readyz/a",
    "/startupz/a",
];
const PAGES: [&str; 3] = ["/environment", "/environment/rust", "/healthcheck/history"];

fn app() -> axum::Router {
    // With this long TTL, the check runs only once during the test, even on a slow machine. So all answers contain the
    // same result.
    let check = passes("a")
        .liveness()
        .readiness()
        .startup()
        .success_ttl(Duration::from_secs(3_600));
    router(Endpoints::new(built([check])).environment_access(Access::public()))
}

#[tokio::test]
async fn head_is_get_without_a_body_and_with_its_length() {
    let app = app();
    for path in PROBES.into_iter().chain(PAGES) {
        let got = ask(&app, local(path)).await;
        let head = ask(&app, request(Method::HEAD, path)).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(head.status, got.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert!(!got.body.is_empty(), "{path}");
        // Except for whole probes, an answer contains the time of its request. This time can have more or fewer digits,
        // so the lengths of two such answers can differ.
        let (mut got, mut head) = (got.headers, head.headers);
        if path.matches('/').count() > 1 || path == "/environment" {
            assert_ne!(head.remove("content-length").expect("a length"), "0", "{path}");
            got.remove("content-length");
        }
        assert_eq!(head, got, "{path}");
    }
}

#[tokio::test]
async fn head_of_a_failure_is_a_failure() {
    let app = router(Endpoints::new(built([fails("a")])));
    let head = ask(&app, request(Method::HEAD, "/readyz")).await;
    assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn options_on_health_and_probe_paths_is_the_verdict_without_a_body_and_with_allow() {
    for (check, status) in [
        (passes("a"), StatusCode::OK),
        (fails("a"), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let app = router(Endpoints::new(built([check.liveness().readiness().startup()])));
        for path in PROBES {
            for version in [Version::HTTP_10, Version::HTTP_11] {
                let answer = ask(&app, over(request(Method::OPTIONS, path), version)).await;
                assert_eq!(answer.status, status, "{path}");
                assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{path}");
                assert_eq!(answer.header("content-length"), Some("0"), "{path}");
                assert!(answer.body.is_empty(), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_cached_answer_is_the_same_as_the_one_that_was_rendered() {
    for drains in [false, true] {
        for query in ["", "?format=json", "?verbose"] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let health = built([passes("a").success_ttl(Duration::from_secs(3_600))]);
                let app = router(Endpoints::new(health.clone()));
                if drains {
                    health.begin_shutdown();
                }
                let path = format!("/healthcheck{query}");
                let rendered = ask(&app, request(method.clone(), &path)).await;
                let cached = ask(&app, request(method.clone(), &path)).await;
                let case = format!("{method} {path}, drains: {drains}");
                assert_eq!(cached.status, rendered.status, "{case}");
                assert_eq!(cached.headers, rendered.headers, "{case}");
                assert_eq!(cached.body, rendered.body, "{case}");
                assert_eq!(cached.body.is_empty(), method != Method::GET, "{case}");
                assert_eq!(cached.header("connection").is_some(), drains, "{case}");
                assert_eq!(cached.header("vary").is_some(), query.is_empty(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn another_method_is_405_with_allow_and_says_what_is_answered() {
    let app = app();
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::TRACE,
    ] {
        for path in PROBES {
            let answer = ask(&app, request(method.clone(), path)).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(
                answer.header("allow"),
                Some("GET, HEAD, OPTIONS"),
                "{method} {path}"
            );
            assert_eq!(answer.json()["error"], "this path answers GET, HEAD, OPTIONS");
        }
    }
}

#[tokio::test]
async fn the_environment_and_the_history_answer_get_and_head_alone() {
    let app = app();
    for method in [Method::POST, Method::OPTIONS] {
        for path in PAGES {
            let answer = ask(&app, request(method.clone(), path)).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed_runs_no_check() {
    let lever = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let runs = std::sync::Arc::clone(&lever);
    let counted = healthcheck::Check::new("a", move || {
        runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async { true }
    });
    let app = router(Endpoints::new(built([counted])));
    ask(&app, request(Method::POST, "/healthcheck")).await;
    assert_eq!(lever.load(std::sync::atomic::Ordering::SeqCst), 0);
}
