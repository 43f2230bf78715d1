//! Tests the checks of the service without HTTP. The tests call the checks as functions, or request a report.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use healthcheck::{Check, Outcome, Overall, Selection, Status};
use orders::{Prices, Queue, Redis};
use tokio::net::TcpSocket;

/// A Redis server that is down: no program listens on port 1.
const DOWN: Redis = Redis {
    addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1),
};

fn prices() -> Prices {
    Prices(vec![250, 400])
}

fn queue_of(orders: u64) -> Arc<Queue> {
    let queue: Vec<u64> = (0..orders).collect();
    Arc::new(Queue(queue.into()))
}

#[tokio::test]
async fn an_annotated_function_is_called_like_any_other() {
    assert_eq!(orders::prices(&prices()), Ok("2 prices".to_owned()));
    assert_eq!(
        orders::queue(&queue_of(100)).await,
        Outcome::warn("100 orders are waiting")
    );
    assert!(orders::redis(&DOWN).await.is_err());
}

#[tokio::test]
async fn all_three_checks_are_found() {
    let health = orders::checks(DOWN, queue_of(0), prices()).build().unwrap();
    let names: Vec<String> = health.checks().map(|check| check.name().to_owned()).collect();
    assert_eq!(names, ["prices", "queue", "redis"]);
}

#[tokio::test]
async fn only_leaves_the_other_checks_out() {
    let checks = orders::checks(DOWN, queue_of(5), prices());
    let health = checks.only(["queue"]).build().unwrap();
    let report = health.report().await;
    assert_eq!(report.get("queue").unwrap().output, "5 orders are waiting");
    assert!(report.get("redis").is_none());
}

#[tokio::test]
async fn the_report_is_red_while_redis_is_down_and_green_once_it_is_up() {
    // This socket plays the Redis server. It has a port, but refuses connections until the test calls `listen`.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = socket.local_addr().unwrap();
    let health = orders::checks(Redis { addr }, queue_of(0), prices())
        .build()
        .unwrap();

    let report = health.report().await;
    assert!(report.is_failure());
    assert_eq!(report.get("redis").unwrap().status, Status::Fail);

    let _up = socket.listen(8).unwrap();
    assert!(health.report().await.is_failure(), "a failure is cached for 9 s");
    health.expire(&Selection::checks(["redis"])).unwrap();
    assert!(health.report().await.is_success());
}

#[tokio::test]
async fn a_replaced_check_fails_without_a_redis() {
    let down = Check::new("redis", async || Outcome::fail("connection refused")).external();
    let health = orders::checks(DOWN, queue_of(0), prices())
        .replace(down)
        .build()
        .unwrap();
    let readiness = health.report_for(&Selection::readiness()).await.unwrap();
    assert_eq!(readiness.status, Overall::Degraded, "all instances share Redis");
    assert_eq!(readiness.get("redis").unwrap().output, "connection refused");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_for_a_lock_fails_after_its_time_limit() {
    let queue = queue_of(0);
    let checks = orders::checks(DOWN, Arc::clone(&queue), prices());
    let health = checks.only(["queue"]).build().unwrap();
    let _held = queue.0.lock().await;
    let report = health.report().await;
    assert_eq!(report.get("queue").unwrap().output, "timed out after 2 s");
}
