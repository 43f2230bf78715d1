//! Drains an application with axum's own graceful shutdown.
//!
//! After SIGTERM, readiness fails at once. The server answers for another two seconds, so that load balancers notice
//! the failure. When these two seconds have passed, the server stops accepting connections. After Ctrl-C, the server
//! stops without this delay.
//!
//! `cargo run --example draining` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use healthcheck::{HealthCheck, health_check};
use healthcheck_axum::{Endpoints, drain_on_signals};
use tokio::net::TcpListener;

/// The process runs.
#[health_check]
fn up() {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let health = HealthCheck::discover()?;
    health.set_shutdown_delay(Duration::from_secs(2));
    let app = Router::new()
        .route("/", get(async || "hello"))
        .merge(Endpoints::new(health.clone()).router()?);

    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/readyz", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(drain_on_signals(health))
        .await?;
    println!("drained");
    Ok(())
}
