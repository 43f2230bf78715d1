use std::time::{Duration, Instant};

use ::sqlx::PgPool;
use ::sqlx::postgres::PgPoolOptions;
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::servers::postgres::{postgres, ready};
use crate::text;

/// For what is expected to fail, and for what is expected to pass on a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

/// sqlx pings a connection once more while it takes it back.
async fn given_back(pool: &PgPool) {
    while pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_check_follows_the_server_through_kill_pause_and_restart() {
    let (mut server, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(3).connect_lazy_with(options);
    ready(&pool).await;
    let check = async |limit| checks::sqlx(&pool).timeout(limit).await;
    let outcome = check(PATIENCE).await;
    assert_eq!(outcome.status(), Status::Pass);
    assert!(
        text(&outcome).starts_with("the database answers (")
            && text(&outcome).ends_with(" of 3 connections in use)")
    );

    given_back(&pool).await;
    server.pause();
    assert_eq!(
        check(LIMIT).await,
        Outcome::fail("protocol: no answer within 500 ms")
    );
    server.resume();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);

    given_back(&pool).await;
    server.kill();
    let dead = check(LIMIT).await;
    assert_eq!(dead.status(), Status::Fail);
    assert!(
        text(&dead).starts_with("connect: ") && text(&dead).contains("no new connection within 500 ms"),
        "{dead:?}"
    );
    let dead = check(LIMIT).await;
    assert_eq!(dead, Outcome::fail("connect: no connection within 500 ms"));
    server.start_again();
    // It recovers its data first.
    let outcome = check(PATIENCE).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");

    server.kill();
    server.start_again();
    let outcome = check(PATIENCE).await;
    assert_eq!(
        outcome.status(),
        Status::Pass,
        "the connections that broke are no failure: {outcome:?}"
    );
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_a_warning_after_a_bounded_wait() {
    let (_server, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    ready(&pool).await;
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let began = Instant::now();
    let outcome = checks::sqlx(&pool).wait(Duration::from_millis(200)).await;
    assert_eq!(outcome, Outcome::warn("pool exhausted (2 of 2 in use)"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // One that comes back in time is enough.
    let check = tokio::spawn(checks::sqlx(&pool).wait(PATIENCE).timeout(PATIENCE).into_future());
    tokio::task::yield_now().await;
    drop(held);
    assert_eq!(check.await.unwrap().status(), Status::Pass);
}

#[tokio::test]
async fn a_pool_of_one_whose_server_is_gone_is_not_exhausted() {
    let (mut server, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    ready(&pool).await;
    server.kill();
    for _ in 0..3 {
        let outcome = checks::sqlx(&pool).timeout(Duration::from_millis(300)).await;
        assert_eq!(outcome.status(), Status::Fail, "{outcome:?}");
        assert!(text(&outcome).starts_with("connect: "), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_query_that_the_database_refuses_is_a_verdict() {
    let (_server, options) = postgres();
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options.clone());
    ready(&pool).await;
    assert_eq!(checks::sqlx(&pool).query("SELECT 1").await.status(), Status::Pass);
    let outcome = checks::sqlx(&pool).query("SELECT 1 FROM orders LIMIT 1").await;
    assert_eq!(
        outcome,
        Outcome::fail("verdict: relation \"orders\" does not exist")
    );

    let nobody = PgPoolOptions::new().connect_lazy_with(options.clone().username("nobody"));
    assert_eq!(
        checks::sqlx(&nobody).await,
        Outcome::fail("verdict: role \"nobody\" does not exist")
    );
    let nowhere =
        PgPoolOptions::new().connect_lazy_with(options.host(&format!("{}.invalid", "x".repeat(64))));
    let outcome = checks::sqlx(&nowhere).await;
    assert!(text(&outcome).starts_with("DNS: "), "{outcome:?}");
    pool.close().await;
    assert_eq!(
        checks::sqlx(&pool).await,
        Outcome::fail("connect: the pool is closed")
    );
}
