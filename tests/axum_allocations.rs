//! Tests that a cached answer causes no more allocations than a plain axum handler that returns fixed bytes.
//!
//! The counting allocator counts the allocations of the whole process. So this test is the only one in its binary.

use std::alloc::System;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use axum::routing::get;
use healthcheck::{Check, HealthCheck, Outcome};
use healthcheck_axum::Endpoints;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sends the same request three times. Returns the number of allocations for the last one, for which all caches are
/// full.
async fn allocations(app: &Router, path: &str, header: Option<&'static str>) -> usize {
    let mut counted = 0;
    for _ in 0..3 {
        let mut request = Request::builder().uri(path);
        if let Some(name) = header {
            request = request.header(name, "203.0.113.9");
        }
        let request = request.body(Body::empty()).expect("a request");
        let app = app.clone();
        let region = Region::new(ALLOCATOR);
        let response = app.oneshot(request).await.expect("a router never fails");
        drop(response);
        let change = region.change();
        counted = change.allocations + change.reallocations;
    }
    counted
}

#[tokio::test(flavor = "current_thread")]
async fn a_cached_answer_allocates_no_more_than_a_handler_of_fixed_bytes() {
    let bytes = Bytes::from(vec![b'x'; 600]);
    let fixed: Router = Router::new().route(
        "/fixed",
        get(move || {
            let bytes = bytes.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], bytes) }
        }),
    );
    let limit = allocations(&fixed, "/fixed", None).await;

    let check = Check::new("a", async || Outcome::pass("fine"))
        .liveness()
        .readiness()
        .startup();
    let health = HealthCheck::builder()
        .discover(false)
        .check(check)
        .build()
        .expect("it fits together");
    let own: Router = Endpoints::new(health).router().expect("it fits together");
    // Merges the library's routes into another router, as an app does.
    let app = Router::new().route("/", get(async || "hello")).merge(own);
    for path in ["/healthcheck", "/livez", "/readyz", "/startupz"] {
        for header in [None, Some("x-forwarded-for")] {
            let found = allocations(&app, path, header).await;
            assert!(
                found <= limit,
                "{path} {header:?}: {found} allocations, a fixed handler {limit}"
            );
        }
    }
}
