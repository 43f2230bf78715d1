//! Checks that are in another crate. Rust doesn't link a crate that nothing refers to, so its checks would be missing
//! without an error. `use … as _;` refers to the crate, and `.expect([…])` makes a missing check an error at start.
//!
//! `cargo run --example another_crate` (the first argument is the address, by default 127.0.0.1:8080)

use healthcheck::HealthCheck;
use healthcheck_axum::Endpoints;
use healthcheck_examples_own_checks as _;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let health = HealthCheck::builder().expect(["from_another_crate"]).build()?;
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}
