//! Tests the library's router as a part of an app: merged, nested, with the app's state, and together with layers and
//! fallbacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::routing::get as on_get;
use healthcheck_axum::Endpoints;

use crate::support::{ask, built, get, local, passes, router};

#[derive(Clone)]
struct AppState {
    greeting: &'static str,
}

fn endpoints() -> Endpoints {
    Endpoints::new(built([passes("a"), passes("disk space")]))
}

#[tokio::test]
async fn it_merges_into_an_app_with_state() {
    let app: Router<AppState> = Router::new()
        .route("/", on_get(async |State(state): State<AppState>| state.greeting))
        .merge(endpoints().router().expect("it fits together"));
    let app = app.with_state(AppState { greeting: "hello" });
    assert_eq!(ask(&app, get("/")).await.body, "hello");
    assert_eq!(
        ask(&app, get("/healthcheck")).await.checkers(),
        ["a", "disk space"]
    );
}

#[tokio::test]
async fn a_clone_of_endpoints_keeps_their_options_and_a_health_check_makes_endpoints_with_the_defaults() {
    let configured = endpoints().health_path("/health");
    for app in [router(configured.clone()), router(configured)] {
        assert_eq!(ask(&app, get("/health")).await.checkers(), ["a", "disk space"]);
    }
    let app = router(Endpoints::from(built([passes("a")])));
    assert_eq!(ask(&app, get("/healthcheck")).await.checkers(), ["a"]);
}

#[tokio::test]
async fn the_apps_own_fallback_goes_on_answering_and_ours_is_none() {
    let app = Router::new()
        .fallback(async || (StatusCode::IM_A_TEAPOT, "mine"))
        .merge(router(endpoints()));
    for path in ["/", "/nothing", "/healthcheck/", "/healthcheck/a/b"] {
        assert_eq!(
            ask(&app, get(path)).await.status,
            StatusCode::IM_A_TEAPOT,
            "{path}"
        );
    }
    assert_eq!(ask(&app, get("/livez")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_of_them_merge_where_their_paths_differ() {
    let other = Endpoints::new(built([passes("b")]))
        .health_path("/other/health")
        .environment_path("/other/environment")
        .liveness_path("/other/livez")
        .readiness_path("/other/readyz")
        .startup_path("/other/startupz");
    let app = router(endpoints()).merge(router(other));
    assert_eq!(
        ask(&app, get("/healthcheck")).await.checkers(),
        ["a", "disk space"]
    );
    assert_eq!(ask(&app, get("/other/health")).await.checkers(), ["b"]);
}

#[tokio::test]
async fn below_a_nest_with_a_parameter_checks_and_sections_are_found_by_name() {
    for prefix in ["/{tenant}", "/{check}", "/t/{section}/x"] {
        let app = Router::new()
            .route(
                "/{tenant}/hello",
                on_get(async |Path(tenant): Path<String>| tenant),
            )
            .nest(prefix, router(endpoints()));
        let at = prefix
            .replace("{tenant}", "acme")
            .replace("{check}", "acme")
            .replace("{section}", "acme");
        let answer = ask(&app, get(&format!("{at}/healthcheck/disk%20space"))).await;
        assert_eq!(answer.checkers(), ["disk space"], "{prefix}");
        assert_eq!(
            ask(&app, get(&format!("{at}/readyz?check=a"))).await.checkers(),
            ["a"],
            "{prefix}"
        );
        let section = ask(&app, local(&format!("{at}/environment/rust"))).await;
        assert_eq!(section.status, StatusCode::OK, "{prefix}");
        let unknown = ask(&app, get(&format!("{at}/healthcheck/acme"))).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{prefix}");
    }
}

#[tokio::test]
async fn merged_after_the_apps_layers_it_stays_out_of_them() {
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    let layer = middleware::from_fn(move |request: Request, next: Next| {
        count.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    });
    let app = Router::new()
        .route("/", on_get(async || "hello"))
        .layer(layer)
        .merge(router(endpoints()));
    ask(&app, get("/livez")).await;
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    ask(&app, get("/")).await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_free_router_serves_what_the_binary_registers() {
    let app: Router = healthcheck_axum::router().expect("nothing is wrong");
    assert_eq!(ask(&app, get("/healthcheck")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_path_of_ours_that_has_no_check_to_name_is_the_apps() {
    let app = Router::new()
        .route("/healthcheckz", on_get(async || "mine"))
        .merge(router(endpoints()));
    assert_eq!(ask(&app, get("/healthcheckz")).await.body, "mine");
}
