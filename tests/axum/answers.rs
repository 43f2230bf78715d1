//! Tests the status code, the headers and the body of the answer for each overall status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use healthcheck::{Overall, Report};
use healthcheck_axum::Endpoints;

use crate::support::{ask, built, by_hand, fails, get, passes, plain, request, router, warns};

const PATHS: [&str; 2] = ["/healthcheck", "/readyz"];
const DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");

#[tokio::test]
async fn a_success_and_a_degraded_whole_answer_200_and_a_failure_503() {
    for path in PATHS {
        for (check, status, verdict) in [
            (passes("a"), StatusCode::OK, "success"),
            (warns("a"), StatusCode::OK, "degraded"),
            (fails("a").critical(false), StatusCode::OK, "degraded"),
            (fails("a"), StatusCode::SERVICE_UNAVAILABLE, "failure"),
        ] {
            let answer = ask(&plain([check]), get(path)).await;
            assert_eq!(answer.status, status, "{path} {verdict}");
            assert_eq!(answer.json()["status"], verdict, "{path}");
        }
    }
}

#[tokio::test]
async fn the_default_form_is_the_reports_own_json() {
    let answer = ask(&plain([fails("a"), passes("b")]), get("/healthcheck")).await;
    let report: Report = serde_json::from_slice(&answer.body).expect("a report");
    assert_eq!(report.status, Overall::Failure);
    assert_eq!(answer.checkers(), ["a", "b"]);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn every_answer_forbids_storing_and_sniffing_and_tells_its_length() {
    let app = plain([passes("a")]);
    for path in [
        "/healthcheck",
        "/healthcheck/a",
        "/healthcheck/unknown",
        "/healthcheck?check=unknown",
        "/healthcheck?check=%",
        "/healthcheck/history",
        "/livez",
        "/readyz",
        "/startupz",
        "/environment",
        "/environment/unknown",
    ] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length), "{path}");
    }
}

#[tokio::test]
async fn while_nothing_changes_the_same_bytes_are_served() {
    let app = plain([passes("a")]);
    let first = ask(&app, get("/healthcheck")).await;
    let second = ask(&app, get("/healthcheck")).await;
    assert_eq!(first.body, second.body);
    assert_eq!(first.body.as_ptr(), second.body.as_ptr(), "rendered twice");
}

#[tokio::test]
async fn a_change_is_rendered_anew() {
    let health = built([passes("a")]);
    let app = router(Endpoints::new(health.clone()));
    assert_eq!(ask(&app, get("/healthcheck")).await.status, StatusCode::OK);
    health
        .set_override(
            "a",
            healthcheck::Status::Fail,
            std::time::Duration::from_secs(60),
            "game day",
        )
        .expect("the check is there");
    let answer = ask(&app, get("/healthcheck")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["results"][0]["overridden"]["reason"], "game day");
}

#[tokio::test]
async fn statuses_can_be_set_for_success_and_failure() {
    for path in PATHS {
        for (check, status) in [
            (passes("a"), StatusCode::ACCEPTED),
            (warns("a"), StatusCode::ACCEPTED),
            (fails("a"), StatusCode::IM_A_TEAPOT),
        ] {
            let endpoints = Endpoints::new(built([check]))
                .success_status(StatusCode::ACCEPTED)
                .failed_status(StatusCode::IM_A_TEAPOT);
            assert_eq!(ask(&router(endpoints), get(path)).await.status, status, "{path}");
        }
    }
}

#[test]
fn a_status_that_is_no_answer_is_refused() {
    let error = Endpoints::new(built([passes("a")]))
        .success_status(StatusCode::CONTINUE)
        .degraded_status(StatusCode::NO_CONTENT)
        .failed_status(StatusCode::SWITCHING_PROTOCOLS)
        .router::<()>()
        .unwrap_err();
    assert_eq!(error.problems().len(), 2, "{error}");
    assert!(error.to_string().contains("success_status(100)"), "{error}");
}

#[tokio::test]
async fn a_status_without_content_has_neither_a_body_nor_its_length() {
    for status in [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT] {
        let app = router(Endpoints::new(built([passes("a")])).success_status(status));
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for path in ["/healthcheck", "/readyz", "/readyz?format=html"] {
                let asked = request(method.clone(), path);
                let answer = ask(&app, asked).await;
                assert_eq!(answer.status, status, "{method} {path}");
                // For an empty body, axum itself may add the header `content-length: 0`.
                let length = answer.header("content-length");
                assert!(length.is_none_or(|length| length == "0"), "{method} {path}");
                assert_eq!(answer.header("content-type"), None, "{method} {path}");
                assert!(answer.body.is_empty(), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn the_degraded_status_holds_on_the_health_path_and_never_on_a_probe() {
    let health = built([warns("a").liveness().readiness().startup()]);
    let app = router(Endpoints::new(health).degraded_status(StatusCode::TOO_MANY_REQUESTS));
    for (path, status) in [
        ("/healthcheck", StatusCode::TOO_MANY_REQUESTS),
        ("/healthcheck/a", StatusCode::TOO_MANY_REQUESTS),
        ("/healthcheck?check=a", StatusCode::TOO_MANY_REQUESTS),
        ("/livez", StatusCode::OK),
        ("/readyz", StatusCode::OK),
        ("/startupz", StatusCode::OK),
        ("/readyz/a", StatusCode::OK),
        ("/readyz?check=a", StatusCode::OK),
    ] {
        assert_eq!(ask(&app, get(path)).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn headers_go_with_the_verdict_and_a_degraded_whole_has_those_of_a_success_too() {
    for path in PATHS {
        for (check, success, degraded, failed) in [
            (passes("a"), true, false, false),
            (warns("a"), true, true, false),
            (fails("a"), false, false, true),
        ] {
            let yes = HeaderValue::from_static("yes");
            let endpoints = Endpoints::new(built([check]))
                .success_header(HeaderName::from_static("x-success"), yes.clone())
                .degraded_header(DEGRADED, yes.clone())
                .failed_header(HeaderName::from_static("x-failed"), yes);
            let answer = ask(&router(endpoints), get(path)).await;
            let has = |name| answer.headers.contains_key(name);
            let found = (has("x-success"), has("x-envoy-degraded"), has("x-failed"));
            assert_eq!(found, (success, degraded, failed), "{path}");
        }
    }
}

#[tokio::test]
async fn an_own_body_replaces_the_json_and_its_content_type_comes_by_header() {
    let text = HeaderValue::from_static("text/plain");
    let endpoints = Endpoints::new(built([fails("a")]))
        .body(|report| Bytes::from(format!("{} {}", report.status, report.results[0].output)))
        .failed_header(header::CONTENT_TYPE, text);
    let app = router(endpoints);
    for path in ["/healthcheck", "/readyz", "/healthcheck/a", "/readyz?check=a"] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.body, "failure \"broken\"", "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{path}");
        assert_eq!(answer.header("content-length"), Some("16"), "{path}");
    }
}

#[tokio::test]
async fn an_own_body_is_made_once_a_change() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let endpoints = Endpoints::new(built([passes("a")])).body(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Bytes::new()
    });
    let app = router(endpoints);
    for _ in 0..5 {
        ask(&app, get("/healthcheck")).await;
    }
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_own_body_that_panics_costs_its_form_and_not_the_answer() {
    let app = router(Endpoints::new(built([passes("a")])).body(|_| panic!("no form today")));
    let answer = ask(&app, get("/healthcheck")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.checkers(), ["a"]);
}

#[tokio::test]
async fn a_registry_without_any_check_answers_200_with_a_warning() {
    let app = plain([]);
    for path in ["/healthcheck", "/livez", "/readyz", "/startupz"] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let report = answer.json();
        assert_eq!(report["status"], "success");
        assert_eq!(report["results"], serde_json::json!([]));
        let warning = report["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("no check is registered"), "{warning}");
    }
}

#[tokio::test]
async fn sections_stand_in_the_body_of_the_health_path_alone() {
    let health = by_hand()
        .check(passes("a"))
        .section("version", "1.2.3")
        .build()
        .expect("it fits together");
    let app = router(Endpoints::new(health));
    assert_eq!(ask(&app, get("/healthcheck")).await.json()["version"], "1.2.3");
    assert!(ask(&app, get("/readyz")).await.json().get("version").is_none());
    assert!(
        ask(&app, get("/healthcheck/a"))
            .await
            .json()
            .get("version")
            .is_none()
    );
}
