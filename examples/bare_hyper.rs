//! Serves the health endpoints with hyper alone, without axum's server. The library's router is a tower service, so any
//! server that accepts tower services can serve it.
//!
//! `cargo run --example bare_hyper` runs this example. Its first argument is the address, by default 127.0.0.1:8080.

use axum::Router;
use axum::extract::ConnectInfo;
use healthcheck::health_check;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

#[health_check]
fn addition_works() -> bool {
    [1, 1].iter().sum::<u32>() == 2
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router: Router = healthcheck_axum::router()?;
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        // By default only clients on this machine may see the environment page. To recognize them, the router needs the
        // address of each client.
        let service = router.clone().layer(axum::Extension(ConnectInfo(peer)));
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            if let Err(error) = connection.await {
                eprintln!("a connection ended early: {error}");
            }
        });
    }
}
