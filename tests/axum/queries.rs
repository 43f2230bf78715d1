//! Tests which checks the query string of a request selects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use healthcheck::Check;
use healthcheck_axum::Endpoints;
use serde_json::json;

use crate::support::{ask, built, fails, get, passes, plain, router};

fn app() -> axum::Router {
    plain([
        passes("database").tags(["store"]),
        passes("redis").tags(["store", "cache"]),
        passes("disk space"),
        passes("alive").liveness(),
    ])
}

async fn checkers(path: &str) -> Vec<String> {
    let answer = ask(&app(), get(path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.checkers()
}

#[tokio::test]
async fn checks_and_tags_unite_and_exclude_subtracts() {
    for (query, expected) in [
        ("check=redis", &["redis"][..]),
        ("check=redis&check=database", &["database", "redis"]),
        ("check=redis&check=redis", &["redis"]),
        ("tag=store", &["database", "redis"]),
        ("tag=cache&check=alive", &["alive", "redis"]),
        ("exclude=redis", &["alive", "database", "disk space"]),
        ("tag=store&exclude=redis", &["database"]),
        ("check=redis&exclude=redis", &[]),
        ("exclude=redis&exclude=alive", &["database", "disk space"]),
    ] {
        assert_eq!(
            checkers(&format!("/healthcheck?{query}")).await,
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn names_are_decoded_in_queries_and_in_paths() {
    for path in [
        "/healthcheck?check=disk+space",
        "/healthcheck?check=disk%20space",
        "/healthcheck/disk%20space",
        "/readyz/%64isk%20space",
    ] {
        assert_eq!(checkers(path).await, ["disk space"], "{path}");
    }
}

#[tokio::test]
async fn parameters_of_other_names_are_ignored() {
    for query in ["", "_=1598022539", "&&", "pretty=1&Check=x"] {
        assert_eq!(
            checkers(&format!("/healthcheck?{query}")).await.len(),
            4,
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_unknown_check_or_tag_is_404_and_lists_the_known_ones() {
    let answer = ask(&app(), get("/healthcheck?check=rediss&tag=stores&check=redis")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let body = answer.json();
    assert_eq!(body["unknown_checks"], json!(["rediss"]));
    assert_eq!(
        body["known_checks"],
        json!(["alive", "database", "disk space", "redis"])
    );
    assert_eq!(body["unknown_tags"], json!(["stores"]));
    assert_eq!(body["known_tags"], json!(["cache", "store"]));
    let error = body["error"].as_str().expect("a text");
    assert!(error.contains("unknown check `rediss`"), "{error}");
}

#[tokio::test]
async fn an_empty_name_is_an_unknown_check_and_not_every_check() {
    for query in ["check=", "check", "tag="] {
        let answer = ask(&app(), get(&format!("/healthcheck?{query}"))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{query}");
    }
}

#[tokio::test]
async fn an_unknown_exclude_is_ignored_with_a_warning() {
    let answer = ask(&app(), get("/healthcheck?exclude=nobody")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.checkers().len(), 4);
    assert_eq!(
        answer.json()["warnings"],
        json!(["there is no check `nobody` to exclude"])
    );
}

#[tokio::test]
async fn a_check_by_its_path_is_a_report_with_that_one_result_and_404_where_there_is_none() {
    let answer = ask(&app(), get("/healthcheck/redis")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.checkers(), ["redis"]);
    let missing = ask(&app(), get("/healthcheck/rediss")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json()["unknown_checks"], json!(["rediss"]));
}

#[tokio::test]
async fn a_check_by_its_path_has_its_own_verdict() {
    let app = plain([passes("a"), fails("b")]);
    assert_eq!(ask(&app, get("/healthcheck/a")).await.status, StatusCode::OK);
    assert_eq!(
        ask(&app, get("/healthcheck/b")).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn on_a_probe_a_query_and_a_path_choose_within_it() {
    assert_eq!(checkers("/livez").await, ["alive"]);
    assert_eq!(checkers("/livez?check=alive").await, ["alive"]);
    assert_eq!(checkers("/livez/alive").await, ["alive"]);
    assert_eq!(checkers("/readyz?tag=store").await, ["database", "redis"]);
    for path in [
        "/livez?check=redis",
        "/livez/redis",
        "/livez?tag=store",
        "/readyz/alive",
        "/startupz/alive",
    ] {
        let answer = ask(&app(), get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_path_of_a_check_and_a_query_intersect() {
    for (path, expected) in [
        ("/healthcheck/redis?check=redis", &["redis"][..]),
        ("/healthcheck/redis?tag=cache", &["redis"]),
        ("/healthcheck/redis?check=alive&tag=store", &["redis"]),
        ("/healthcheck/redis?exclude=alive", &["redis"]),
        ("/healthcheck/redis?exclude=redis", &[]),
    ] {
        assert_eq!(checkers(path).await, expected, "{path}");
    }
    for path in ["/healthcheck/redis?check=alive", "/readyz/database?tag=cache"] {
        assert_eq!(
            ask(&app(), get(path)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_query_runs_nothing_that_it_does_not_ask_for() {
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    let other = Check::new("other", move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { true }
    });
    let app = router(Endpoints::new(built([passes("a"), other])));
    for path in [
        "/healthcheck?check=a",
        "/healthcheck/a",
        "/healthcheck?exclude=other",
        "/livez",
    ] {
        ask(&app, get(path)).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_probe_passes_without_a_check_that_was_taken_out_whichever_way_it_is_named() {
    let health = built([
        passes("a").tags(["store"]),
        fails("db")
            .tags(["store", "sql"])
            .liveness()
            .startup()
            .readiness(),
    ]);
    assert!(health.disable(["db"]).is_empty());
    let app = router(Endpoints::new(health));
    for (query, expected) in [
        ("?check=db", &[][..]),
        ("/db", &[]),
        ("?tag=sql", &[]),
        ("?check=db&check=a", &["a"]),
        ("?tag=store", &["a"]),
        ("?exclude=db", &["a"]),
        ("", &["a"]),
    ] {
        let answer = ask(&app, get(&format!("/readyz{query}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "/readyz{query}: {answer:?}");
        assert_eq!(answer.checkers(), expected, "/readyz{query}");
        assert_eq!(answer.json()["warnings"], json!(null), "/readyz{query}");
    }
    for probe in ["/livez", "/startupz"] {
        for query in ["?check=db", "/db", "?tag=sql"] {
            let answer = ask(&app, get(&format!("{probe}{query}"))).await;
            assert_eq!(answer.status, StatusCode::OK, "{probe}{query}: {answer:?}");
            assert_eq!(answer.json()["results"], json!([]), "{probe}{query}");
        }
    }
    for gone in ["?check=db", "/db", "?tag=sql"] {
        let answer = ask(&app, get(&format!("/healthcheck{gone}"))).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "/healthcheck{gone}: {answer:?}"
        );
    }
    let unknown = ask(&app, get("/readyz?check=nobody")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
