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
