//! Declares the dependencies of checks as parameters. `provide` supplies the values of the parameters. A check takes a
//! value by reference, by value, or as a trait object.
//!
//! `cargo run --example dependencies` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use std::sync::Arc;

use healthcheck::{HealthCheck, Outcome, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;

/// A connection pool, which is expensive to create. So the check takes the application's pool by reference.
struct Pool {
    size: usize,
}

/// A small value, which the check takes by value: each run gets a clone.
#[derive(Clone)]
struct Region(&'static str);

/// A trait that may have several implementations. The check takes an `Arc` of the trait object.
trait Store: Send + Sync {
    fn reachable(&self) -> bool;
}

struct InMemory;

impl Store for InMemory {
    fn reachable(&self) -> bool {
        true
    }
}

#[health_check(external)]
async fn pool(pool: &Pool, region: Region) -> Outcome {
    Outcome::pass(format!("{} connections to {}", pool.size, region.0))
}

#[health_check]
fn store(store: Arc<dyn Store>) -> bool {
    store.reachable()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let health = HealthCheck::builder()
        .provide(Pool { size: 5 })
        .provide(Region("eu-1"))
        .provide::<Arc<dyn Store>>(Arc::new(InMemory))
        .build()?;

    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}
