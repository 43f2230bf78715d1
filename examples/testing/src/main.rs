//! Starts the service. `cargo run -p orders` runs this program. The first argument is the address of the service, by
//! default 127.0.0.1:8080. The second argument is the address of Redis, by default 127.0.0.1:6379.

use std::net::SocketAddr;
use std::sync::Arc;

use healthcheck_axum::drain_on_signals;
use orders::{Prices, Queue, Redis};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let redis = arguments.next().unwrap_or_else(|| "127.0.0.1:6379".to_owned());
    let redis = Redis { addr: redis.parse()? };
    let health = orders::checks(redis, Arc::new(Queue::default()), Prices(vec![250, 400])).build()?;

    let app = orders::app(health.clone())?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(TcpListener::bind(addr).await?, app)
        .with_graceful_shutdown(drain_on_signals(health))
        .await?;
    Ok(())
}
