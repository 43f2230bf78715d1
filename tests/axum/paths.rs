//! Tests valid and invalid URL paths of the health endpoints.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use healthcheck::Check;
use healthcheck_axum::Endpoints;
use proptest::prelude::*;

use crate::support::{ask, built, get, local, passes, router};

fn problems(endpoints: Endpoints) -> Vec<String> {
    let error = endpoints.router::<()>().expect_err("it was to be refused");
    error.problems().to_vec()
}

fn endpoints() -> Endpoints {
    Endpoints::new(built([passes("a")]))
}

#[tokio::test]
async fn every_path_can_be_set() {
    let health = built([passes("a").liveness().readiness().startup()]);
    let app = router(
        Endpoints::new(health)
            .health_path("/status")
            .environment_path("/status/environment")
            .liveness_path("/-/alive")
            .readiness_path("/-/ready")
            .startup_path("/-/started"),
    );
    for path in ["/status", "/-/alive", "/-/ready", "/-/started"] {
        assert_eq!(ask(&app, get(path)).await.checkers(), ["a"], "{path}");
        assert_eq!(
            ask(&app, get(&format!("{path}/a"))).await.checkers(),
            ["a"],
            "{path}"
        );
    }
    assert_eq!(
        ask(&app, local("/status/environment")).await.status,
        StatusCode::OK
    );
    assert_eq!(ask(&app, local("/status/history")).await.status, StatusCode::OK);
    for path in ["/healthcheck", "/environment", "/livez", "/readyz", "/startupz"] {
        assert_eq!(
            ask(&app, local(path)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_root_can_be_the_health_path() {
    let app = router(endpoints().health_path("/"));
    assert_eq!(ask(&app, get("/")).await.checkers(), ["a"]);
    assert_eq!(ask(&app, get("/a")).await.checkers(), ["a"]);
    assert_eq!(ask(&app, get("/livez")).await.status, StatusCode::OK);
    assert_eq!(ask(&app, local("/history")).await.status, StatusCode::OK);
}

#[test]
fn a_bad_path_is_a_build_error_that_names_its_setter_and_the_path() {
    for bad in [
        "",
        "status",
        "/status/",
        "/{tenant}/status",
        "/a//b",
        "/a?b",
        "/a b",
        "/:a",
        "/*a",
    ] {
        for (setter, endpoints) in [
            ("health_path", endpoints().health_path(bad)),
            ("environment_path", endpoints().environment_path(bad)),
            ("liveness_path", endpoints().liveness_path(bad)),
            ("readiness_path", endpoints().readiness_path(bad)),
            ("startup_path", endpoints().startup_path(bad)),
        ] {
            let problems = problems(endpoints);
            assert_eq!(problems.len(), 1, "{setter} {bad:?}: {problems:?}");
            assert!(
                problems[0].contains(&format!("`{setter}` is {bad:?}")),
                "{problems:?}"
            );
        }
    }
}

#[test]
fn every_bad_path_is_told_at_once() {
    let bad = endpoints()
        .health_path("x")
        .liveness_path("/y/")
        .startup_path("/{z}");
    assert_eq!(problems(bad).len(), 3);
}

#[test]
fn a_path_given_to_two_endpoints_is_a_build_error_that_names_both() {
    for (endpoints, names) in [
        (
            endpoints().liveness_path("/readyz"),
            ["liveness_path", "readiness_path"],
        ),
        (
            endpoints().health_path("/environment"),
            ["health_path", "environment_path"],
        ),
        (
            endpoints().startup_path("/healthcheck/history"),
            ["the history below health_path", "startup_path"],
        ),
    ] {
        let problems = problems(endpoints);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            names.iter().all(|name| problems[0].contains(name)),
            "{problems:?}"
        );
    }
}

#[test]
fn the_path_of_an_environment_that_is_not_served_is_free() {
    let endpoints = endpoints().environment(None).health_path("/environment");
    assert!(endpoints.router::<()>().is_ok());
}

#[test]
fn a_path_that_would_hide_a_check_is_a_build_error() {
    let endpoints = Endpoints::new(built([passes("a"), passes("env")])).environment_path("/healthcheck/env");
    let problems = problems(endpoints);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("the check `env`"), "{problems:?}");
}

#[test]
fn a_header_that_would_break_the_connection_is_a_build_error() {
    let one = HeaderValue::from_static("1");
    for name in ["content-length", "transfer-encoding", "connection"] {
        let header = HeaderName::from_static(name);
        let endpoints = endpoints()
            .success_header(header.clone(), one.clone())
            .failed_header(header.clone(), one.clone())
            .degraded_header(header, one.clone());
        let problems = problems(endpoints);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains(name), "{problems:?}");
    }
}

#[test]
fn problems_of_the_sections_are_told_with_those_of_the_paths() {
    let dump = healthcheck::EnvironmentDump::builder().section("os", 1).build();
    assert!(dump.is_err(), "a section's name that is taken");
    assert_eq!(problems(endpoints().health_path("x")).len(), 1);
}

proptest! {
    #[test]
    fn whatever_the_paths_are_they_are_served_or_refused_and_never_a_panic(
        health in "/?[a-z:*{}.%/ \u{e9}]{0,8}",
        liveness in "/[ab/]{0,3}",
        readiness in "/[ab/]{0,3}",
        environment in "/[ab/]{0,3}",
        check in "[ab]{1,2}",
    ) {
        let endpoints = Endpoints::new(built([Check::new(check, async || true)]))
            .health_path(&health)
            .liveness_path(&liveness)
            .readiness_path(&readiness)
            .environment_path(&environment);
        match endpoints.router::<()>() {
            Ok(_) => prop_assert!(health.starts_with('/')),
            Err(error) => prop_assert!(!error.problems().is_empty()),
        }
    }
}
