use std::time::{Duration, Instant};

use ::sqlx::PgPool;
use ::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::blackhole::Blackhole;
use crate::servers::postgres::{postgres, promote, ready, standby};
use crate::text;

/// `LIMIT` is the timeout of checks that should fail. `PATIENCE` is the timeout of checks that should pass, and is long
/// enough for a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the pool has an idle connection. After a connection returns to the pool, sqlx pings the server, so the
/// connection becomes idle a moment later.
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
    for _ in 0..3 {
        let began = Instant::now();
        let dead = check(PATIENCE).await;
        assert_eq!(dead.status(), Status::Fail);
        assert!(
            text(&dead).starts_with("connect: ") && text(&dead).contains("refused"),
            "{dead:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    server.start_again();
    // After the kill, the server first recovers its data. The check has to wait until the server accepts clients again.
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
    // All connections of the pool are in use. The check has to pass if one of them returns to the pool before the
    // timeout.
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

#[tokio::test]
async fn a_used_up_pool_whose_server_is_gone_says_that_it_is_gone() {
    let (mut server, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    ready(&pool).await;
    let _held = pool.acquire().await.unwrap();
    server.kill();
    let outcome = checks::sqlx(&pool).await;
    assert_eq!(outcome.status(), Status::Fail, "{outcome:?}");
    assert!(
        text(&outcome).starts_with("connect: ") && text(&outcome).contains("refused"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_used_up_pool_whose_connection_comes_back_in_time_passes_though_new_ones_are_refused() {
    let (server, options) = postgres();
    let between = Blackhole::before(server.port).await;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options.port(between.address.port()));
    ready(&pool).await;
    let held = pool.acquire().await.unwrap();
    between.refuse().await;
    let check = tokio::spawn(checks::sqlx(&pool).wait(PATIENCE).timeout(PATIENCE).into_future());
    // During this sleep the check tries to open a new connection, and the proxy refuses it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(held);
    let outcome = check.await.unwrap();
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
}

#[tokio::test]
async fn a_connection_of_the_pool_that_was_forgotten_between_is_no_failure() {
    let (server, options) = postgres();
    let between = Blackhole::before(server.port).await;
    let pool = PgPoolOptions::new()
        .max_connections(3)
        .connect_lazy_with(options.port(between.address.port()));
    ready(&pool).await;
    given_back(&pool).await;
    between.forget();
    let outcome = checks::sqlx(&pool).timeout(Duration::from_secs(2)).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    // During the check above, the pool has replaced its broken connection. So a short timeout is long enough for the
    // next check.
    assert_eq!(checks::sqlx(&pool).timeout(LIMIT).await.status(), Status::Pass);
}

/// While PostgreSQL starts up, it refuses clients with a message. The pool tries to connect again and again, and the
/// check waits for the pool. When the check times out, it has to report PostgreSQL's message.
#[tokio::test]
async fn a_server_that_starts_up_is_waited_for_and_says_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let refusing = tokio::spawn(async move {
        let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
        let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        let refusal = [b"E".as_slice(), &length, fields].concat();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut startup = [0; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut startup).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &refusal).await;
        }
    });
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("app")
        .ssl_mode(PgSslMode::Disable);
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    assert_eq!(
        checks::sqlx(&pool).timeout(LIMIT).await,
        Outcome::fail("verdict: the database system is starting up")
    );
    refusing.abort();
}

#[tokio::test]
async fn a_question_may_take_nearly_all_of_the_time() {
    let (_server, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    ready(&pool).await;
    given_back(&pool).await;
    let slow = || checks::sqlx(&pool).query("SELECT pg_sleep(1.5)");
    let outcome = slow().timeout(Duration::from_secs(2)).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    given_back(&pool).await;
    assert_eq!(
        slow().timeout(Duration::from_secs(1)).await,
        Outcome::fail("protocol: no answer within 1 s")
    );
}

#[tokio::test]
async fn a_standby_answers_a_ping_and_is_not_writable_until_it_is_promoted() {
    let (primary, options) = postgres();
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    ready(&pool).await;
    let (second, options) = standby(&primary);
    let second_pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    ready(&second_pool).await;
    const PRIMARY: &str = "SELECT NOT pg_is_in_recovery()";
    for pool in [&pool, &second_pool] {
        assert_eq!(checks::sqlx(pool).await.status(), Status::Pass);
    }
    assert_eq!(
        checks::sqlx(&pool).writable().expect_true(PRIMARY).await.status(),
        Status::Pass
    );
    assert_eq!(
        checks::sqlx(&second_pool).expect_true(PRIMARY).await,
        Outcome::fail("verdict: `SELECT NOT pg_is_in_recovery()` is false")
    );
    assert_eq!(
        checks::sqlx(&second_pool).query("SELECT 1").writable().await,
        Outcome::fail("verdict: the database is read-only (transaction_read_only is on)")
    );
    promote(&second);
    let outcome = checks::sqlx(&second_pool).writable().expect_true(PRIMARY).await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    // A database can also be read-only because of one of its settings.
    for (set, status) in [("on", Status::Fail), ("off", Status::Pass)] {
        let alter = format!("ALTER DATABASE postgres SET default_transaction_read_only = {set}");
        ::sqlx::raw_sql(&format!("SET default_transaction_read_only = off; {alter}"))
            .execute(&pool)
            .await
            .unwrap();
        let fresh = PgPoolOptions::new().connect_lazy_with((*pool.connect_options()).clone());
        assert_eq!(checks::sqlx(&fresh).writable().await.status(), status);
    }
}

#[tokio::test]
async fn any_database_is_asked_in_its_own_words() {
    ::sqlx::any::install_default_drivers();
    let (server, options) = postgres();
    ready(&PgPoolOptions::new().connect_lazy_with(options)).await;
    let url = format!(
        "postgres://app@127.0.0.1:{}/postgres?sslmode=disable",
        server.port
    );
    let pool = ::sqlx::any::AnyPoolOptions::new().connect_lazy(&url).unwrap();
    let outcome = checks::sqlx(&pool).writable().expect_true("SELECT 1 = 1").await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    let outcome = checks::sqlx(&pool).expect_true("SELECT 1 = 2").await;
    assert_eq!(outcome, Outcome::fail("verdict: `SELECT 1 = 2` is false"));
}
