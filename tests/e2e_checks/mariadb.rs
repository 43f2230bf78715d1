use std::time::{Duration, Instant};

use ::sqlx::any::AnyPoolOptions;
use ::sqlx::mysql::MySqlPoolOptions;
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::servers::mariadb::{mariadb, ready};
use crate::text;

/// The timeout of checks that should pass. This timeout is long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_check_follows_the_server_through_kill_and_restart_and_gives_the_cause_at_once() {
    let (mut server, options) = mariadb();
    let pool = MySqlPoolOptions::new()
        .max_connections(3)
        .connect_lazy_with(options);
    ready(&pool).await;
    let check = async || checks::sqlx(&pool).timeout(PATIENCE).await;
    assert_eq!(check().await.status(), Status::Pass);
    server.kill();
    for _ in 0..2 {
        let began = Instant::now();
        let dead = check().await;
        assert!(
            text(&dead).starts_with("connect: ") && text(&dead).contains("refused"),
            "{dead:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    server.start_again();
    let outcome = check().await;
    assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
}

#[tokio::test]
async fn what_is_asked_is_what_counts() {
    let (_server, options) = mariadb();
    let pool = MySqlPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options);
    ready(&pool).await;
    assert_eq!(checks::sqlx(&pool).query("SELECT 1").await.status(), Status::Pass);
    for (sql, told) in [
        ("SELECT 1 = 1", None),
        ("SELECT 7", None),
        ("SELECT 1 = 2", Some("verdict: `SELECT 1 = 2` is false")),
        (
            "SELECT NULL",
            Some("verdict: `SELECT NULL` is NULL, expected true"),
        ),
        (
            "SELECT 1 FROM DUAL WHERE 1 = 2",
            Some("verdict: `SELECT 1 FROM DUAL WHERE 1 = 2` gives no row, expected true"),
        ),
    ] {
        let outcome = checks::sqlx(&pool).expect_true(sql).await;
        match told {
            None => assert_eq!(outcome.status(), Status::Pass, "{outcome:?}"),
            Some(told) => assert_eq!(outcome, Outcome::fail(told)),
        }
    }
    let outcome = checks::sqlx(&pool).expect_true("SELECT 'yes'").await;
    assert!(
        text(&outcome).starts_with("verdict: `SELECT 'yes'` gives no truth: "),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_read_only_server_answers_a_ping_and_is_not_writable() {
    let (server, options) = mariadb();
    let pool = MySqlPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options);
    ready(&pool).await;
    ::sqlx::any::install_default_drivers();
    let url = format!("mysql://root@127.0.0.1:{}/", server.port);
    let any = AnyPoolOptions::new()
        .max_connections(2)
        .connect_lazy(&url)
        .unwrap();
    for (set, told) in [
        ("SET GLOBAL read_only = 0", None),
        (
            "SET GLOBAL read_only = 1",
            Some("verdict: the database is read-only (read_only is on)"),
        ),
        ("SET GLOBAL read_only = 0", None),
    ] {
        ::sqlx::raw_sql(set).execute(&pool).await.unwrap();
        assert_eq!(checks::sqlx(&pool).await.status(), Status::Pass);
        for outcome in [
            checks::sqlx(&pool).writable().await,
            checks::sqlx(&any).writable().await,
        ] {
            match told {
                None => assert_eq!(outcome.status(), Status::Pass, "{outcome:?}"),
                Some(told) => assert_eq!(outcome, Outcome::fail(told)),
            }
        }
    }
}
