//! Creates checks at run time, without the attributes of the library: one check for each address in a list.
//!
//! `cargo run --example by_hand` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use std::time::Duration;

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};
use healthcheck_axum::Endpoints;
use tokio::net::{TcpListener, TcpStream};

/// Creates a check that connects to this address. The name of the check contains the address, so that the checks of two
/// addresses have different names.
fn peer(addr: String) -> Check {
    Check::new(format!("peer {addr}"), move || {
        let addr = addr.clone();
        async move { TcpStream::connect(&addr).await.map(|_| "accepts connections") }
    })
    .timeout(Duration::from_secs(1))
    // All instances of this service use the same peers. With `external`, a peer that is down doesn't make the instances
    // unready.
    //
    // The service works without its peers. With `critical(false)`, a peer that is down only degrades the report.
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
