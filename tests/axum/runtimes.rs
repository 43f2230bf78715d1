//! Tests that checks and sections run on the right runtime, and that many simultaneous requests run each check only
//! once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use healthcheck::{Check, EnvironmentDump, Outcome};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;

use crate::support::{ask, built, get, raw, router};

fn where_it_runs() -> Check {
    Check::new("where", async || {
        Outcome::pass(Handle::current().id().to_string())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_runs_checks_and_sections_on_the_applications_runtime() {
    let dump = EnvironmentDump::builder()
        .discover(false)
        .section_fn("where", || Handle::current().id().to_string())
        .build()
        .expect("it fits together");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let endpoints = Endpoints::new(built([where_it_runs()])).environment(dump);
    let server = tokio::spawn(endpoints.serve_on(listener));
    let here = Handle::current().id().to_string();
    for path in ["/environment/where", "/healthcheck/where"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(address, request).await;
        assert!(answer.contains(&format!("\"{here}\"")), "{path}: {answer}");
    }
    server.abort();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn a_server_leaves_checks_and_sections_on_the_runtime_that_was_chosen_for_them() {
    let (home, application) = (runtime(), runtime());
    let dump = EnvironmentDump::builder()
        .discover(false)
        .section_fn("where", || Handle::current().id().to_string())
        .build()
        .expect("it fits together")
        .on_runtime(home.handle().clone());
    let health = built([where_it_runs()]).on_runtime(home.handle().clone());
    let there = home.handle().id().to_string();
    application.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(Endpoints::new(health).environment(dump).serve_on(listener));
        for path in ["/environment/where", "/healthcheck/where"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let answer = raw(address, request).await;
            assert!(answer.contains(&format!("\"{there}\"")), "{path}: {answer}");
        }
        server.abort();
    });
}

#[test]
fn a_router_whose_checks_have_a_runtime_runs_them_there_whoever_asks() {
    let (home, asking) = (runtime(), runtime());
    let app = router(Endpoints::new(
        built([where_it_runs()]).on_runtime(home.handle().clone()),
    ));
    let answer = asking.block_on(ask(&app, get("/healthcheck")));
    assert_eq!(
        answer.json()["results"][0]["output"],
        home.handle().id().to_string()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_at_once_on_a_cold_cache_run_each_check_once() {
    let runs: [Arc<AtomicU32>; 3] = Default::default();
    let checks = ["a", "b", "c"].into_iter().zip(&runs).map(|(name, runs)| {
        let runs = Arc::clone(runs);
        let check = Check::new(name, move || {
            runs.fetch_add(1, Ordering::SeqCst);
            async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                true
            }
        });
        // This TTL is longer than the test takes, even on a slow machine. So each check runs only once, and all
        // requests get the result of that run.
        check.success_ttl(Duration::from_secs(3600))
    });
    // Without a time budget, every request waits until its checks have run, even on a slow machine.
    let app = router(Endpoints::new(built(checks)).answer_within(None));
    let mut herd = JoinSet::new();
    for index in 0..10_000 {
        let app = app.clone();
        let path = ["/healthcheck", "/readyz", "/readyz/a", "/healthcheck?check=a"][index % 4];
        herd.spawn(async move { ask(&app, get(path)).await.status });
    }
    while let Some(status) = herd.join_next().await {
        assert_eq!(status.expect("no request panics"), StatusCode::OK);
    }
    assert_eq!(runs.map(|runs| runs.load(Ordering::SeqCst)), [1, 1, 1]);
}
