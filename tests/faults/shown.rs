//! Tests that a report shows the state of every check at the time of the request, and that requests for metrics don't
//! change the answers of readiness.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use healthcheck::{Check, HealthCheck, Status};
use healthcheck_axum::Endpoints;
use healthcheck_tests::by_hand;
use http_body_util::BodyExt as _;
use tokio::time::advance;
use tower::ServiceExt as _;

/// Sends a GET request to a router of these endpoints, as a client on this machine. Returns the status code and the
/// body.
pub(crate) async fn get(endpoints: Endpoints, path: &str) -> (u16, String) {
    ask(endpoints.router().unwrap(), path).await
}

async fn ask(router: Router, path: &str) -> (u16, String) {
    let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let answer = router.oneshot(request).await.unwrap();
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

fn slow(name: &str, seconds: u64) -> Check {
    Check::new(name, move || tokio::time::sleep(Duration::from_secs(seconds))).timeout(None)
}

#[tokio::test(start_paused = true)]
async fn a_report_that_waits_for_one_check_tells_the_others_as_they_were_when_it_was_asked() {
    let health = by_hand()
        .check(Check::new("quick", async || "fine"))
        .check(Check::new("short", async || "fine").success_ttl(Duration::from_millis(100)))
        .check(Check::blocking("never cached", || "fine").success_ttl(None))
        .check(slow("slow", 120))
        .build()
        .unwrap();
    health.report().await;
    advance(Duration::from_secs(20)).await;
    health.expire(&healthcheck::Selection::checks(["slow"])).unwrap();
    let report = health.report().await;
    for name in ["quick", "short", "never cached"] {
        let result = report.get(name).unwrap();
        assert_eq!((result.status, result.stale), (Status::Pass, false), "{result:?}");
        assert_eq!(result.output, "fine", "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_budget_tells_the_others_as_they_were_when_it_was_asked() {
    let health = by_hand()
        .check(Check::new("short", async || "fine").success_ttl(Duration::from_millis(100)))
        .check(slow("slow", 120))
        .build()
        .unwrap();
    let endpoints = Endpoints::new(health).answer_within(None);
    let (code, body) = get(endpoints, "/healthcheck").await;
    assert_eq!(code, 200, "{body}");
    assert!(!body.contains("stale") && !body.contains("no result"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_scrape_of_the_metrics_changes_nothing_of_what_readiness_serves() {
    let health = by_hand()
        .check(Check::new("db", async || "fine"))
        .check(Check::new("alive", async || "fine").liveness())
        .build()
        .unwrap();
    let router: Router = Endpoints::new(health).router().unwrap();
    let readiness = || ask(router.clone(), "/readyz");
    // This request runs all checks. Until their results expire, no check is due.
    ask(router.clone(), "/healthcheck").await;
    let before = readiness().await;
    for _ in 0..10 {
        advance(Duration::from_millis(100)).await;
        ask(router.clone(), "/healthcheck?format=prometheus").await;
        assert_eq!(readiness().await, before, "the same bytes");
    }
}

#[test]
fn a_section_whose_runtime_is_gone_reads_the_same_in_both_bodies() {
    let gone = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handle = gone.handle().clone();
    drop(gone);
    let health: HealthCheck = by_hand()
        .section_fn("version", || "1.2.3")
        .build()
        .unwrap()
        .on_runtime(handle);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let report = health.report().await;
        let dump = health
            .environment()
            .section_fn("version", || "1.2.3")
            .build()
            .unwrap()
            .collect()
            .await;
        assert_eq!(report.sections["version"], dump["version"]);
    });
}
