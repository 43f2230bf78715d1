//! Tests the server over real sockets in the test's process. The workspace's package `tests` tests the server with real
//! signals.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use healthcheck::{Check, Selection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::serve::test_service::service;

pub(super) const SOON: Duration = Duration::from_secs(10);

pub(super) fn server(health: &HealthCheck, router: Router) -> Server {
    Server {
        service: service(router.route(
            "/readyz",
            get({
                let health = health.clone();
                async move || {
                    let report = health
                        .report_within(&Selection::readiness(), Duration::from_millis(800))
                        .await;
                    report.map_or_else(|error| error.to_string(), |report| report.status.to_string())
                }
            }),
        )),
        health: health.clone(),
        shutdown_delay: Some(Duration::ZERO),
        signals: false,
        watch_runtime: true,
        maintenance_file: None,
        agent: None,
        #[cfg(all(feature = "systemd", unix))]
        max_age: (Duration::from_secs(5), Duration::from_secs(2)),
        termination_log: "/nowhere/termination-log".into(),
        limits: Limits::default(),
        addresses: "here".to_owned(),
    }
}

pub(super) fn no_checks() -> HealthCheck {
    HealthCheck::builder().discover(false).build().unwrap()
}

pub(super) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

pub(super) async fn ask(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits until connecting to the address fails, because the server has closed its listener.
async fn refused(addr: SocketAddr) {
    let closed = async {
        while TcpStream::connect(addr).await.is_ok() {
            // Without this pause, the attempts to connect would fill the kernel's queue. The test can't distinguish a
            // full queue from an open listener.
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, closed).await.expect("the listener is closed");
}

#[tokio::test]
async fn dropping_the_future_stops_the_server() {
    let (listener, addr) = listen().await;
    let health = no_checks();
    let serving = tokio::spawn(server(&health, Router::new()).run(listener.into(), std::future::pending()));
    assert!(ask(addr, "/readyz").await.unwrap().ends_with("success"));
    serving.abort();
    refused(addr).await;
    assert!(
        !health.is_draining(),
        "whoever drops the server says nothing about the service"
    );
}

#[tokio::test]
async fn the_given_future_ends_it_and_requests_in_flight_end_before() {
    let (listener, addr) = listen().await;
    let health = no_checks();
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = Router::new().route(
        "/slow",
        get({
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move || {
                entered.notify_one();
                leave.notified().await;
                "at last"
            }
        }),
    );
    let stop = Arc::new(Notify::new());
    let until = Arc::clone(&stop);
    let serving =
        tokio::spawn(server(&health, router).run(listener.into(), async move { until.notified().await }));

    let in_flight = tokio::spawn(ask(addr, "/slow"));
    entered.notified().await;
    stop.notify_one();
    refused(addr).await;
    assert!(health.is_draining());
    timeout(SOON, health.drained()).await.unwrap();
    assert!(!serving.is_finished(), "a request is in flight");
    leave.notify_one();
    assert!(in_flight.await.unwrap().unwrap().ends_with("at last"));
    timeout(SOON, serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_end_of_the_drain() {
    let (listener, addr) = listen().await;
    let entered = Arc::new(Notify::new());
    let router = Router::new().route(
        "/endless",
        get({
            let entered = Arc::clone(&entered);
            async move || {
                entered.notify_one();
                std::future::pending::<()>().await;
            }
        }),
    );
    let mut server = server(&no_checks(), router);
    server.limits.drain = Duration::from_millis(50);
    let in_flight = tokio::spawn(ask(addr, "/endless"));
    let until = async move { entered.notified().await };
    timeout(SOON, server.run(listener.into(), until))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(in_flight.await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn requests_are_answered_during_the_delay_with_readiness_failing() {
    let (listener, addr) = listen().await;
    let health = no_checks();
    let mut server = server(&health, Router::new());
    server.shutdown_delay = Some(Duration::from_secs(600));
    let stop = Arc::new(Notify::new());
    let until = Arc::clone(&stop);
    let serving = tokio::spawn(server.run(listener.into(), async move { until.notified().await }));

    assert!(ask(addr, "/readyz").await.unwrap().ends_with("success"));
    stop.notify_one();
    timeout(SOON, health.draining()).await.unwrap();
    let answer = ask(addr, "/readyz").await.unwrap();
    assert!(
        answer.ends_with("failure") && answer.contains("connection: close"),
        "{answer}"
    );
    serving.abort();
    refused(addr).await;
}

#[tokio::test]
async fn a_drain_that_began_before_counts_toward_the_delay() {
    let (listener, addr) = listen().await;
    let health = no_checks();
    let mut server = server(&health, Router::new());
    // The delay begins when the test calls `begin_shutdown`, before the future `until` completes.
    server.shutdown_delay = Some(Duration::from_millis(200));
    let stop = Arc::new(Notify::new());
    let until = Arc::clone(&stop);
    let serving = tokio::spawn(server.run(listener.into(), async move { until.notified().await }));

    assert!(ask(addr, "/readyz").await.unwrap().ends_with("success"));
    health.begin_shutdown();
    let began = std::time::Instant::now();
    timeout(SOON, health.drained()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(
        ask(addr, "/readyz").await.unwrap().ends_with("failure"),
        "the future hasn't ended yet"
    );
    stop.notify_one();
    timeout(SOON, serving).await.unwrap().unwrap().unwrap();
}

#[test]
fn with_the_applications_runtime_blocked_for_good_it_answers_within_a_second() {
    let ran_on = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ran_on);
    let health = HealthCheck::builder()
        .discover(false)
        .success_ttl(None)
        .check(Check::new("where", move || {
            let seen = Arc::clone(&seen);
            async move {
                let name = std::thread::current().name().map(ToOwned::to_owned);
                seen.lock().unwrap().push(name);
            }
        }))
        .build()
        .unwrap();
    let application = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("application")
        .enable_all()
        .build()
        .unwrap();
    let client = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let (listener, addr) = application.block_on(listen());
    let health = health.on_runtime(application.handle().clone());
    let serving =
        application.spawn(server(&health, Router::new()).run(listener.into(), std::future::pending()));
    assert!(
        client
            .block_on(ask(addr, "/readyz"))
            .unwrap()
            .ends_with("success")
    );
    assert_eq!(*ran_on.lock().unwrap(), [Some("application".to_owned())]);

    // Blocks every thread of the application's runtime, and waits until each thread is blocked.
    let (began, begun) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..2 {
        let (began, held) = (began.clone(), Arc::clone(&held));
        application.spawn(async move {
            began.send(()).unwrap();
            let _ = held.lock().map(|held| held.recv());
        });
    }
    for _ in 0..2 {
        begun.recv_timeout(SOON).unwrap();
    }
    let asked = std::time::Instant::now();
    let answer = client.block_on(ask(addr, "/readyz")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    drop(release);
    serving.abort();
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_own_connection() {
    let (listener, addr) = listen().await;
    let router = Router::new().route(
        "/panics",
        get(async || -> () { std::panic::panic_any("quietly") }),
    );
    let serving = tokio::spawn(server(&no_checks(), router).run(listener.into(), std::future::pending()));
    assert_eq!(ask(addr, "/panics").await.unwrap_or_default(), "");
    assert!(ask(addr, "/readyz").await.unwrap().ends_with("success"));
    serving.abort();
}

#[tokio::test]
async fn background_checks_run_before_anybody_asks() {
    let (listener, _) = listen().await;
    let ran = Arc::new(Notify::new());
    let running = Arc::clone(&ran);
    let check = Check::new("background", move || {
        running.notify_one();
        async { true }
    });
    let health = HealthCheck::builder()
        .discover(false)
        .check(check.interval(Duration::from_secs(60)))
        .build()
        .unwrap();
    let serving = tokio::spawn(server(&health, Router::new()).run(listener.into(), std::future::pending()));
    timeout(SOON, ran.notified()).await.expect("it is run");
    serving.abort();
}
