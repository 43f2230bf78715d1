//! Serves the health endpoints on a second port, which only clients inside the network can reach. The endpoints run on
//! their own thread, so they answer even while the application is overloaded.
//!
//! `cargo run --example management_port` runs this example. The first argument is the address of the application, by
//! default 127.0.0.1:8080. The second argument is the address of the health endpoints, by default 127.0.0.1:9090.

use axum::Router;
use axum::routing::get;
use healthcheck::{HealthCheck, health_check};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;

#[health_check]
fn addition_works() -> bool {
    [1, 1].iter().sum::<u32>() == 2
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut next = |default: &str| addresses.next().unwrap_or_else(|| default.to_owned());
    let app = TcpListener::bind(next("127.0.0.1:8080")).await?;
    let management = TcpListener::bind(next("127.0.0.1:9090")).await?;
    println!("open http://{}/", app.local_addr()?);
    println!("open http://{}/healthcheck", management.local_addr()?);

    let health = HealthCheck::discover()?;
    let drained = health.drained();
    let routes = Router::new().route("/", get(async || "the application"));
    let application = axum::serve(app, routes).with_graceful_shutdown(drained);
    // Runs both servers. If one of them fails, `try_join!` drops the other.
    tokio::try_join!(
        async { application.await.map_err(Box::<dyn std::error::Error>::from) },
        async { Ok(Endpoints::new(health).serve_on(management).await?) },
    )?;
    Ok(())
}
