//! A service with a health endpoint and an environment page. Three annotated functions are checks: one passes, one
//! warns, and one fails until you create a file. A fourth function is a section of the environment page.
//!
//! `cargo run --example quickstart` runs this example. Its first argument or the variable `HEALTHCHECK_ADDR` sets the
//! address, by default 127.0.0.1:8080.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use healthcheck::{HealthCheck, Outcome, env_section, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;

/// Arithmetic still holds.
#[health_check]
fn addition_works() -> (bool, &'static str) {
    ([1, 1].iter().sum::<u32>() == 2, "addition works")
}

/// The file exists: create it while the service runs.
#[health_check(failed_ttl = "1s")]
fn repaired() -> Result<&'static str, String> {
    let file = std::env::temp_dir().join("healthcheck-quickstart");
    if file.exists() {
        Ok("repaired")
    } else {
        Err(format!("missing: touch {}", file.display()))
    }
}

/// The queue of orders stays short.
#[health_check(timeout = "2s", tags("orders"))]
async fn orders(queue: &Queue) -> Outcome {
    match queue.length().await {
        0..100 => Outcome::pass("short"),
        length => Outcome::warn(format!("{length} orders are waiting")),
    }
}

#[env_section]
fn application() -> impl serde::Serialize {
    serde_json::json!({
        "maintainer": "the orders team",
        "version": env!("CARGO_PKG_VERSION"),
        "db_password": "never shown",
    })
}

/// The application's own state. A check with a parameter of this type gets the value that `provide` supplies.
struct Queue(AtomicU32);

impl Queue {
    async fn length(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let health = HealthCheck::builder()
        .provide(Queue(AtomicU32::new(120)))
        .build()?;

    let wanted = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("HEALTHCHECK_ADDR").ok());
    let wanted = wanted.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(&wanted)
        .await
        .map_err(|error| format!("can't listen on {wanted}: {error}"))?;
    let addr = listener.local_addr()?;
    for (path, what) in [
        (
            "/healthcheck",
            "503: `repaired` fails until you touch the file that it names; then 200, degraded",
        ),
        ("/livez", "200: no liveness check fails"),
        ("/readyz", "503, and 200 a second after the repair"),
        (
            "/environment",
            "os, rust, process and `application`, its password as ********",
        ),
    ] {
        println!("open http://{addr}{path:<15} {what}");
    }
    for check in health.checks() {
        println!(
            "found the check {}: {}",
            check.name(),
            check.description().unwrap_or_default()
        );
    }
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}
