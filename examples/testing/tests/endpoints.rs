//! Tests the status codes that the service's HTTP clients get. The tests call the router without a socket.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use healthcheck::{Check, Outcome};
use orders::{Prices, Queue, Redis};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

/// Builds the service with this queue. The Redis check of this service always returns the outcome `redis`.
///
/// The real Redis check would fail in tests with paused time. While that check waits for the network, tokio advances
/// the clock to the check's timeout.
fn app(redis: Outcome, queue: &Arc<Queue>) -> Router {
    let unused = Redis {
        addr: ([127, 0, 0, 1], 1).into(),
    };
    let redis = Check::with("redis", redis, async |redis| redis).external();
    let checks = orders::checks(unused, Arc::clone(queue), Prices(vec![250, 400]));
    orders::app(checks.replace(redis).build().unwrap()).unwrap()
}

async fn status(app: &Router, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn every_path_of_a_healthy_service_answers_200() {
    let app = app(Outcome::pass("redis ok"), &Arc::default());
    for path in ["/", "/livez", "/readyz", "/startupz", "/healthcheck"] {
        assert_eq!(status(&app, path).await, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn monitors_see_that_redis_is_down_and_the_instance_stays_in_rotation() {
    let app = app(Outcome::fail("connection refused"), &Arc::default());
    assert_eq!(
        status(&app, "/healthcheck").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(status(&app, "/readyz").await, StatusCode::OK);
    assert_eq!(status(&app, "/livez").await, StatusCode::OK);
}

/// Probes readiness once a second, as a load balancer does. Returns how long readiness passes.
async fn ready_for(app: &Router) -> Duration {
    let start = Instant::now();
    while status(app, "/readyz").await == StatusCode::OK {
        assert!(start.elapsed() < Duration::from_secs(60), "readiness never fails");
        sleep(Duration::from_secs(1)).await;
    }
    start.elapsed()
}

// Readiness may serve a result that is up to 5 s old. Then the run that detects the failure may take another 2 s.
const LIMIT: Duration = Duration::from_secs(7);

#[tokio::test(start_paused = true)]
async fn readiness_turns_within_7_s_when_the_queue_is_full() {
    let queue = Arc::<Queue>::default();
    let app = app(Outcome::pass("redis ok"), &queue);
    assert_eq!(status(&app, "/readyz").await, StatusCode::OK);
    queue.0.lock().await.extend(0..1000);
    assert!(ready_for(&app).await <= LIMIT);
}

#[tokio::test(start_paused = true)]
async fn readiness_turns_within_7_s_when_the_queue_hangs() {
    let queue = Arc::<Queue>::default();
    let app = app(Outcome::pass("redis ok"), &queue);
    assert_eq!(status(&app, "/readyz").await, StatusCode::OK);
    let _held = queue.0.lock().await;
    assert!(ready_for(&app).await <= LIMIT);
}
