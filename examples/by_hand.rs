//! Creates checks at run time without the attributes, one for each entry of a configuration.
//!
//! `cargo run --example by_hand` (the first argument is the address, by default 127.0.0.1:8080)

use std::time::Duration;

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};
use healthcheck_axum::Endpoints;
use tokio::net::{TcpListener, TcpStream};

/// Creates a check for the peer at this address. The address is part of the check's name.
fn peer(addr: String) -> Check {
    Check::new(format!("peer {addr}"), move || {
        let addr = addr.clone();
        async move { TcpStream::connect(&addr).await.map(|_| "accepts connections") }
    })
    .timeout(Duration::from_secs(1))
    // Other instances use the same peers, and this instance works without them.
    .external()
    .critical(false)
    .tags(["peer"])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
    )
    .await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);

    let peers = [listener.local_addr()?.to_string(), "127.0.0.1:1".to_owned()];
    let disk = Check::blocking("disk", || (true, "40 % free"));
    let health = peers
        .into_iter()
        .map(peer)
        .fold(HealthCheck::builder().check(disk), HealthCheckBuilder::check)
        .section("release", "2026-01")
        .build()?;
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}
