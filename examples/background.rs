//! Runs a check in the background at an interval. A request only reads the latest result of the check.
//!
//! When the check begins to fail, the report shows the failure within this time:
//!
//! > interval + timeout + threshold × interval
//!
//! In this example the time is 2 s + 1 s + 2 × 2 s = 7 s.
//!
//! A threshold delays the failure. Most probers have their own threshold, so set a threshold either for the check or in
//! the prober, but not in both.
//!
//! `cargo run --example background` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use std::sync::atomic::{AtomicU64, Ordering};

use healthcheck::{HealthCheck, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// Too expensive to run for each request.
#[health_check(interval = "2s", timeout = "1s", failure_threshold = 2)]
async fn expensive() -> String {
    format!("run {}", RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    Endpoints::new(HealthCheck::discover()?)
        .serve_on(listener)
        .await?;
    Ok(())
}
