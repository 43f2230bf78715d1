//! A service with three checks. Its tests are examples of how to test checks. `tests/checks.rs` calls the checks as
//! functions and builds reports. `tests/endpoints.rs` sends HTTP requests. `cargo test -p orders` runs the tests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use healthcheck::{BuildError, HealthCheck, HealthCheckBuilder, Outcome, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// A replacement for a Redis client, which keeps this example free of dependencies.
#[derive(Clone, Debug)]
pub struct Redis {
    /// The address of the Redis server.
    pub addr: SocketAddr,
}

/// Redis accepts connections.
#[health_check(external, timeout = "2s", tags("cache"))]
pub async fn redis(redis: &Redis) -> io::Result<&'static str> {
    TcpStream::connect(redis.addr).await?;
    Ok("redis ok")
}

/// The queue of waiting orders. It contains the number of each order.
#[derive(Debug, Default)]
pub struct Queue(pub Mutex<Vec<u64>>);

/// The queue of orders stays short.
#[health_check(timeout = "2s")]
pub async fn queue(queue: &Arc<Queue>) -> Outcome {
    let length = queue.0.lock().await.len();
    match length {
        0..100 => Outcome::pass(format!("{length} orders are waiting")),
        100..1000 => Outcome::warn(format!("{length} orders are waiting")),
        _ => Outcome::fail(format!("{length} orders are waiting, at most 999 may")),
    }
}

/// The price list, which the service reads once at start.
#[derive(Clone, Debug)]
pub struct Prices(pub Vec<u32>);

/// The price list isn't empty.
#[health_check(startup)]
pub fn prices(prices: &Prices) -> Result<String, &'static str> {
    match prices.0.len() {
        0 => Err("the price list is empty"),
        count => Ok(format!("{count} prices")),
    }
}

/// Returns a builder with the three checks of this service. The arguments are the values that the checks need as
/// parameters. Before `build`, a test may call `only` and `replace` on this builder.
pub fn checks(redis: Redis, queue: Arc<Queue>, prices: Prices) -> HealthCheckBuilder {
    HealthCheck::builder()
        .provide(redis)
        .provide(queue)
        .provide(prices)
}

/// Returns the router of the service, which contains the service's own routes and the health endpoints.
pub fn app(health: HealthCheck) -> Result<Router, BuildError> {
    Ok(Router::new()
        .route("/", get(async || "the orders"))
        .merge(Endpoints::new(health).router()?))
}
