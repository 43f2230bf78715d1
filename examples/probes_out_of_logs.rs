//! Keeps probes out of logs and traces, because probes arrive many times a minute. This example doesn't trace requests
//! to health endpoints. It doesn't trace a load balancer's probes of the application's own paths either.
//!
//! `cargo run --example probes_out_of_logs` runs this example. Its first argument is the address, by default
//! 127.0.0.1:8080.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Response;
use axum::routing::get;
use healthcheck::health_check;
use healthcheck_axum::is_probe;
use tokio::net::TcpListener;
use tower_http::trace::TraceLayer;
use tracing::Span;

/// The process runs.
#[health_check]
fn up() {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let traced = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            if is_probe(request) {
                Span::none()
            } else {
                tracing::info_span!("request", method = %request.method(), path = request.uri().path())
            }
        })
        .on_response(|response: &Response<_>, took: Duration, span: &Span| {
            if !span.is_none() {
                tracing::info!(status = response.status().as_u16(), ?took, "answered");
            }
        });
    // In axum a layer applies only to routes that were added before it. This code adds the health endpoints after the
    // layer, so the layer never traces a request to them.
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(traced)
        .merge(healthcheck_axum::router()?);

    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
