//! Tests that an answer omits details if the client has no permission to see them.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use healthcheck::{Outcome, Status};
use healthcheck_axum::{Access, Details, Endpoints};
use serde_json::{Value, json};

use crate::support::{Answer, ask, by_hand, get, passes, router, with};

const LEAK: &str = "db.internal:5432 refused";

fn health() -> healthcheck::HealthCheck {
    by_hand()
        .check(healthcheck::Check::new("database", async || Outcome::fail(LEAK)))
        .check(passes("redis"))
        .check(passes("queue").depends_on(["database"]))
        .section("version", LEAK)
        .build()
        .expect("it fits together")
}

fn app() -> Router {
    router(Endpoints::new(health()))
}

async fn proxied(router: &Router, path: &str) -> Answer {
    ask(router, with(get(path), "x-forwarded-for", "203.0.113.9")).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn a_direct_request_is_told_everything() {
    let answer = ask(&app(), get("/healthcheck")).await;
    assert_eq!(answer.json()["results"][0]["output"], LEAK);
    assert_eq!(answer.json()["version"], LEAK);
}

#[tokio::test]
async fn a_proxied_one_gets_the_same_status_names_and_verdicts_without_outputs_and_sections() {
    let app = app();
    for path in [
        "/healthcheck",
        "/readyz",
        "/healthcheck/database",
        "/readyz?check=database&check=redis",
    ] {
        let full = ask(&app, get(path)).await;
        let reduced = proxied(&app, path).await;
        assert_eq!(reduced.status, full.status, "{path}");
        assert_eq!(reduced.checkers(), full.checkers(), "{path}");
        assert!(!text(&reduced).contains(LEAK), "{path}");
        let (full, reduced) = (full.json(), reduced.json());
        assert_eq!(reduced["status"], full["status"], "{path}");
        assert_eq!(reduced.get("version"), None, "{path}");
        let results = |report: &Value| report["results"].as_array().expect("a list").clone();
        for (reduced, full) in results(&reduced).iter().zip(results(&full)) {
            assert_eq!(reduced["output"], "reason withheld", "{path}");
            for kept in [
                "status",
                "passed",
                "timestamp",
                "expires",
                "response_time",
                "consecutive_failures",
            ] {
                assert_eq!(reduced[kept], full[kept], "{path} {kept}");
            }
        }
    }
}

#[tokio::test]
async fn the_two_forms_of_one_report_are_kept_apart() {
    let app = app();
    for _ in 0..3 {
        assert!(text(&ask(&app, get("/healthcheck")).await).contains(LEAK));
        assert!(!text(&proxied(&app, "/healthcheck").await).contains(LEAK));
    }
}

#[tokio::test]
async fn which_dependency_blocks_a_check_stays() {
    let answer = proxied(&app(), "/healthcheck/queue").await;
    let result = &answer.json()["results"][0];
    assert_eq!(result["blocked_by"], "database");
    assert_eq!(result["output"], "reason withheld");
}

#[tokio::test]
async fn the_reasons_of_overrides_and_of_maintenance_are_withheld_and_their_words_stay() {
    let health = health();
    let app = router(Endpoints::new(health.clone()));
    // This request runs the check, and the check fails. The override below hides this failure. When an override hides a
    // failure, the report contains a warning.
    ask(&app, get("/healthcheck")).await;
    health
        .set_override("database", Status::Pass, Duration::from_secs(60), LEAK)
        .expect("it is there");
    health.begin_maintenance(LEAK);
    let full = ask(&app, get("/readyz")).await.json();
    assert_eq!(full["reason"], format!("maintenance: {LEAK}"));
    assert!(
        full["warnings"][0].as_str().expect("a text").contains(LEAK),
        "{full}"
    );
    let answer = proxied(&app, "/readyz").await;
    assert!(!text(&answer).contains(LEAK));
    let reduced = answer.json();
    assert_eq!(reduced["reason"], "maintenance");
    assert_eq!(reduced["results"][0]["overridden"]["reason"], "reason withheld");
    assert!(reduced["results"][0]["overridden"]["until"].is_number());
    assert_eq!(reduced.get("warnings"), None);
}

#[tokio::test]
async fn the_reason_shutting_down_stays() {
    let health = health();
    health.begin_shutdown();
    let answer = proxied(&router(Endpoints::new(health)), "/readyz").await;
    assert_eq!(answer.json()["reason"], "shutting down");
}

#[tokio::test]
async fn a_warning_about_what_the_caller_excluded_stays() {
    let answer = proxied(&app(), "/healthcheck?exclude=nobody").await;
    assert_eq!(
        answer.json()["warnings"],
        json!(["there is no check `nobody` to exclude"])
    );
}

#[tokio::test]
async fn an_own_body_gets_the_report_as_the_caller_may_see_it() {
    let app = router(Endpoints::new(health()).body(|report| {
        let outputs = report.results.iter().map(|result| result.output.to_string());
        outputs.collect::<Vec<_>>().join(" ").into()
    }));
    for path in ["/healthcheck", "/healthcheck/database"] {
        assert!(text(&ask(&app, get(path)).await).contains(LEAK), "{path}");
        assert!(!text(&proxied(&app, path).await).contains(LEAK), "{path}");
    }
}

#[tokio::test]
async fn a_check_without_access_to_details_is_never_refused() {
    let app = router(Endpoints::new(health()).details_access(Access::denied()));
    for path in ["/livez", "/startupz", "/healthcheck/redis"] {
        assert_eq!(ask(&app, get(path)).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn details_can_be_opened_by_token() {
    let token = format!("to{}", "ken-1");
    let app = router(Endpoints::new(health()).details_access(Access::bearer(&token)));
    assert!(!text(&ask(&app, get("/healthcheck")).await).contains(LEAK));
    let bearing = with(get("/healthcheck"), "authorization", &format!("Bearer {token}"));
    let answer = ask(&app, with(bearing, "x-forwarded-for", "203.0.113.9")).await;
    assert!(text(&answer).contains(LEAK));
}

#[tokio::test]
async fn permission_for_details_never_changes_which_checks_run_or_belong_to_a_probe() {
    let app = app();
    for path in ["/livez", "/readyz", "/startupz", "/healthcheck"] {
        let full = ask(&app, get(path)).await.checkers();
        assert_eq!(proxied(&app, path).await.checkers(), full, "{path}");
    }
}

fn overall() -> Router {
    router(Endpoints::new(health()).details(Details::Overall))
}

#[tokio::test]
async fn of_the_whole_alone_a_caller_without_permission_sees_the_verdict_and_no_name_in_any_form() {
    let app = overall();
    for path in [
        "/healthcheck",
        "/readyz",
        "/livez",
        "/healthcheck/database",
        "/readyz?check=database&check=redis",
        "/healthcheck?exclude=redis&exclude=nobody",
    ] {
        let full = ask(&app, get(path)).await;
        let reduced = proxied(&app, path).await;
        assert_eq!(reduced.status, full.status, "{path}");
        let report = reduced.json();
        assert_eq!(report["status"], full.json()["status"], "{path}");
        assert_eq!(report["results"], json!([]), "{path}");
        assert_eq!(report["hostname"], "", "{path}");
        assert_eq!(report.get("warnings"), None, "{path}");
    }
    let hostname = ask(&app, get("/healthcheck")).await.json()["hostname"].clone();
    let hostname = hostname.as_str().expect("a name");
    for format in [
        "json",
        "health%2Bjson",
        "text",
        "html",
        "openmetrics",
        "prometheus",
        "spring",
        "microprofile",
        "aspnet",
    ] {
        let answer = proxied(&app, &format!("/healthcheck?verbose&format={format}")).await;
        let said = text(&answer);
        assert!(!said.contains("No checks"), "{format}: {said}");
        for name in ["database", "redis", "queue", hostname, LEAK] {
            assert!(!said.contains(name), "{format}: `{name}` in {said}");
        }
    }
}

#[tokio::test]
async fn of_the_whole_alone_metrics_still_tell_the_verdicts_of_the_probes() {
    let optional = healthcheck::Check::new("optional", async || Outcome::fail(LEAK)).critical(false);
    let app = router(Endpoints::new(crate::support::built([optional])).details(Details::Overall));
    ask(&app, get("/healthcheck")).await;
    let said = text(&proxied(&app, "/healthcheck?format=prometheus").await);
    assert!(said.contains("{probe=\"readiness\"} 0.5"), "{said}");
    assert!(!said.contains("optional"), "{said}");
}

#[tokio::test]
async fn of_the_whole_alone_a_404_lists_nothing() {
    let app = overall();
    for path in [
        "/healthcheck/nobody",
        "/healthcheck?check=nobody",
        "/readyz?tag=nothing",
    ] {
        let reduced = proxied(&app, path).await;
        assert_eq!(reduced.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            reduced.json(),
            json!({ "error": "unknown check or tag" }),
            "{path}"
        );
        assert!(text(&ask(&app, get(path)).await).contains("known_"), "{path}");
    }
}

#[tokio::test]
async fn of_the_whole_alone_the_reason_stays_without_what_somebody_wrote() {
    let health = health();
    let app = router(Endpoints::new(health.clone()).details(Details::Overall));
    health.begin_maintenance(LEAK);
    assert_eq!(proxied(&app, "/readyz").await.json()["reason"], "maintenance");
    assert_eq!(
        ask(&app, get("/readyz")).await.json()["reason"],
        format!("maintenance: {LEAK}")
    );
}
