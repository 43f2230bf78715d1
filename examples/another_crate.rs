//! Uses checks that another crate contains.
//!
//! Rust doesn't link a crate that nothing refers to. The checks of such a crate are missing, and no error says so. The
//! line `use … as _;` refers to the crate, so Rust links it. The method `.expect([…])` makes the start fail with an
//! error if a check is missing.
//!
//! `cargo run --example another_crate` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

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
