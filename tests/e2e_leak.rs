//! Tests that 10,000 runs of the ready-made checks leak no connections, threads or files. Neither this process nor the
//! servers may have such a leak.
//!
//! The test counts the threads and files of its whole process. So this test is the only one in its binary.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::future::IntoFuture;
use std::time::{Duration, Instant};

use healthcheck::checks;
use healthcheck::{Outcome, Status};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;

#[path = "e2e_checks/servers/mod.rs"]
mod servers;

const RUNS: usize = 10_000;

/// Returns the number of open files and the number of threads of this process.
fn held_now() -> (usize, usize) {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

async fn runs_leave_nothing<F: Future<Output = Outcome>>(name: &str, run: impl Fn() -> F) {
    assert_eq!(run().await.status(), Status::Pass, "{name}");
    let before = held_now();
    for _ in 0..RUNS {
        let outcome = run().await;
        assert_eq!(outcome.status(), Status::Pass, "{name}: {outcome:?}");
    }
    settled(before, name).await;
}

/// Waits until this process has no more open files and threads than `before`. The connection of the last run may close
/// a moment after the run.
async fn settled(before: (usize, usize), name: &str) {
    let patience = Instant::now() + Duration::from_secs(30);
    let mut after = held_now();
    while (after.0 > before.0 || after.1 > before.1) && Instant::now() < patience {
        tokio::task::yield_now().await;
        after = held_now();
    }
    assert!(
        after.0 <= before.0 && after.1 <= before.1,
        "{name}: files and threads before {before:?}, after {after:?}"
    );
}

#[tokio::test]
async fn ten_thousand_runs_leave_no_connection_no_thread_and_no_file() {
    let (_redis, client) = servers::redis::redis();
    let manager = client.get_connection_manager().await.unwrap();
    runs_leave_nothing("redis", || checks::redis(&client).into_future()).await;
    runs_leave_nothing("redis writable", || {
        checks::redis(&client).writable().into_future()
    })
    .await;
    runs_leave_nothing("redis by a manager", || checks::redis(&manager).into_future()).await;
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let clients: String = redis::cmd("CLIENT")
        .arg("LIST")
        .query_async(&mut connection)
        .await
        .unwrap();
    // Two connections always exist: that of the connection manager, and the one with which this test asks for the list.
    // A third connection may be that of the last run: the check has closed it, but the server may not have noticed yet.
    assert!(clients.lines().count() <= 3, "{clients}");

    let (_postgres, options) = servers::postgres::postgres();
    // With more than one connection, a run could open a second one before the previous run's connection is back in the
    // pool. The test would then count the second one as a leak.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    servers::postgres::ready(&pool).await;
    runs_leave_nothing("sqlx", || checks::sqlx(&pool).into_future()).await;
    runs_leave_nothing("sqlx with a query", || {
        checks::sqlx(&pool).query("SELECT 1").into_future()
    })
    .await;
    runs_leave_nothing("sqlx with more", || {
        let check = checks::sqlx(&pool).writable();
        check.expect_true("SELECT NOT pg_is_in_recovery()").into_future()
    })
    .await;
    let count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let backends: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
    assert_eq!(backends, 1);

    let (_mariadb, options) = servers::mariadb::mariadb();
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options);
    servers::mariadb::ready(&pool).await;
    runs_leave_nothing("sqlx of MariaDB", || checks::sqlx(&pool).writable().into_future()).await;
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await;
    let pool = pool.unwrap();
    runs_leave_nothing("sqlx of SQLite", || checks::sqlx(&pool).writable().into_future()).await;
    // While `held` has the pool's only connection, each run of the check opens a separate connection.
    let held = pool.acquire().await.unwrap();
    let exhausted = || checks::sqlx(&pool).wait(Duration::from_millis(12)).into_future();
    let before = held_now();
    for _ in 0..200 {
        assert_eq!(exhausted().await.status(), Status::Warn);
    }
    drop(held);
    settled(before, "sqlx exhausted").await;

    let (_nginx, url, file) = servers::nginx::nginx(60);
    runs_leave_nothing("https", || checks::http(&url).ca_file(&file).into_future()).await;
    let host = url.trim_start_matches("https://").trim_end_matches('/');
    runs_leave_nothing("tls", || checks::tls(host).ca_file(&file).into_future()).await;

    let server = servers::grpc::Grpc::start("127.0.0.1:0");
    let channel = servers::grpc::channel(server.address);
    runs_leave_nothing("tonic", || checks::tonic(&channel).into_future()).await;
}
