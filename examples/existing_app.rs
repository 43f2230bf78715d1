//! Adds the health endpoints to an axum application that has its own routes and its own state.
//!
//! `cargo run --example existing_app` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use healthcheck::health_check;

#[health_check]
fn addition_works() -> bool {
    [1, 1].iter().sum::<u32>() == 2
}

#[derive(Clone)]
struct App {
    greeting: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(async |State(app): State<App>| app.greeting))
        // If your application has layers for logs or traces, add the layers before this line. Then the layers don't log
        // or trace the probes.
        .merge(healthcheck_axum::router()?)
        .with_state(App { greeting: "hello" });

    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    // By default only clients on this machine may see the environment page. To recognize them, the router needs the
    // address of each client.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
