//! A service whose checks all use ready-made checks of the library. Its database is an SQLite file, so you don't need a
//! database server to run the example.
//!
//! `cargo run -p healthcheck-examples --example ready_made --features ready-made` runs this example. The first argument
//! is the address, by default 127.0.0.1:8080. The second argument is the path of the database file.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use healthcheck::checks::{self, ErrorRate, Heartbeat, Task};
use healthcheck::{HealthCheck, Outcome, health_check};
use healthcheck_axum::Endpoints;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::net::TcpListener;

/// The path of the database file.
struct Database(PathBuf);

/// The orders can be read and written, over one connection of the service's own pool.
#[health_check]
async fn orders(pool: &SqlitePool) -> Outcome {
    checks::sqlx(pool)
        .query("SELECT 1 FROM orders LIMIT 1")
        .writable()
        .await
}

/// The file is where the backup expects it.
#[health_check]
fn database_file(database: &Database) -> Outcome {
    checks::file_exists(&database.0)
}

/// The disk has room for more orders.
#[health_check]
fn disk(database: &Database) -> Outcome {
    checks::disk_space(&database.0)
        .warn_below("15%")
        .fail_below("500MB")
        .check()
}

/// The worker that counts the orders is alive: its task runs and beats.
#[health_check(liveness)]
fn counter(worker: &Task, beat: &Heartbeat) -> Outcome {
    let task = checks::task(worker);
    if task.status().passed() {
        beat.check()
    } else {
        task
    }
}

/// Tokio's tasks are woken in time.
#[health_check(liveness)]
async fn runtime() -> Outcome {
    checks::runtime_lag().await
}

/// The schema exists.
#[health_check(startup)]
fn schema() -> Outcome {
    checks::once(&SCHEMA)
}

/// Most of the worker's queries succeed; the check runs none of its own.
#[health_check(critical = false)]
fn queries(evidence: &ErrorRate) -> Outcome {
    evidence.check()
}

/// Memory is left, within the container's limit too.
#[health_check(critical = false)]
fn memory() -> Outcome {
    checks::memory().check()
}

/// The process can still open files and connections.
#[health_check(critical = false)]
fn files() -> Outcome {
    checks::open_files().check()
}

/// Few orders wait.
#[health_check(critical = false)]
fn backlog() -> Outcome {
    checks::below(ORDERS.load(Ordering::Relaxed), 1_000)
}

static SCHEMA: OnceLock<()> = OnceLock::new();
static ORDERS: AtomicI64 = AtomicI64::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let file = match arguments.next() {
        Some(file) => PathBuf::from(file),
        None => std::env::temp_dir().join("healthcheck-orders.db"),
    };

    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)")
        .execute(&pool)
        .await?;
    let _first_time = SCHEMA.set(());

    let beat = Heartbeat::new(Duration::from_secs(10));
    let evidence = ErrorRate::new(Duration::from_secs(60));
    let worker = tokio::spawn(count_orders(pool.clone(), beat.clone(), evidence.clone()));
    let abort = worker.abort_handle();

    let health = HealthCheck::builder()
        .provide(pool)
        .provide(Database(file))
        .provide(Task::from(worker))
        .provide(beat)
        .provide(evidence)
        .build()?;
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    Endpoints::new(health).serve_on(listener).await?;
    abort.abort();
    Ok(())
}

/// Counts the orders once a second, as the service's own work. Reports the progress of this loop through `beat`, and
/// the result of each query through `evidence`. The checks read both.
async fn count_orders(pool: SqlitePool, beat: Heartbeat, evidence: ErrorRate) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        let counted = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM orders")
            .fetch_one(&pool)
            .await;
        evidence.record(&counted);
        if let Ok(counted) = counted {
            ORDERS.store(counted, Ordering::Relaxed);
        }
        beat.beat();
    }
}
