use std::time::Duration;

use ::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::text;

#[tokio::test]
async fn a_file_is_read_by_a_query_and_its_pool_can_be_used_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("app.db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options);
    assert_eq!(checks::sqlx(&pool).await.status(), Status::Pass);
    let outcome = checks::sqlx(&pool)
        .query("SELECT count(*) FROM sqlite_schema")
        .await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    let outcome = checks::sqlx(&pool).query("SELECT 1 FROM orders").await;
    assert_eq!(outcome, Outcome::fail("verdict: no such table: orders"));
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let outcome = checks::sqlx(&pool).wait(Duration::from_millis(50)).await;
    assert_eq!(outcome, Outcome::warn("pool exhausted (2 of 2 in use)"));
    drop(held);
    assert!(text(&checks::sqlx(&pool).await).starts_with("the database answers"));
}

#[tokio::test]
async fn a_file_that_is_read_only_is_read_and_not_writable() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("app.db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.clone());
    ::sqlx::raw_sql("PRAGMA user_version = 7; CREATE TABLE orders (id INTEGER)")
        .execute(&pool)
        .await
        .unwrap();
    let outcome = checks::sqlx(&pool).writable().expect_true("SELECT 1 = 1").await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    let version: i64 = ::sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(version, 7, "what was written is rolled back");
    for outcome in [
        checks::sqlx(&pool).expect_true("SELECT 0").await,
        checks::sqlx(&pool).expect_true("SELECT 1 FROM orders").await,
    ] {
        assert!(text(&outcome).starts_with("verdict: `SELECT "), "{outcome:?}");
    }

    let query_only = options.clone().pragma("query_only", "1");
    for options in [options.read_only(true), query_only] {
        let read_only = SqlitePoolOptions::new().connect_lazy_with(options);
        let query = "SELECT count(*) FROM orders";
        assert_eq!(checks::sqlx(&read_only).query(query).await.status(), Status::Pass);
        assert_eq!(
            checks::sqlx(&read_only).writable().await,
            Outcome::fail("verdict: the database takes no writes: attempt to write a readonly database")
        );
        // The database has refused a write over this connection. The pool can still use the connection to read.
        assert_eq!(checks::sqlx(&read_only).query(query).await.status(), Status::Pass);
    }

    ::sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    let any = ::sqlx::any::AnyPoolOptions::new().connect_lazy(&url).unwrap();
    assert_eq!(checks::sqlx(&any).writable().await.status(), Status::Pass);
}
