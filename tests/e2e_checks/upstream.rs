use std::time::{Duration, Instant};

use healthcheck::checks::upstream;
use healthcheck::{Check, HealthCheck, Status};
use healthcheck_axum::{Access, Endpoints};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_itself_is_refused_and_its_report_comes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let itself = Check::new("itself", move || {
        upstream(format!("http://{address}/healthcheck")).into_future()
    });
    let health = HealthCheck::builder()
        .discover(false)
        .check(itself)
        .build()
        .unwrap();
    let endpoints = Endpoints::new(health.clone())
        .environment(None)
        .details_access(Access::public());
    let serving = tokio::spawn(endpoints.serve_on(listener));
    let began = Instant::now();
    let report = health.report().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let result = &report.results[0];
    assert_eq!(result.status, Status::Fail);
    let output = result.output.as_str().unwrap();
    assert!(output.contains("answered 508 Loop Detected: a loop"), "{output}");
    // The check `itself` causes a loop, because it requests the report of its own service. `/livez` doesn't run this
    // check, because `itself` isn't a liveness check. So a request of `/livez` causes no loop.
    let outcome = upstream(format!("http://{address}/livez")).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    assert_eq!(outcome.output()["status"], "success");
    serving.abort();
}
