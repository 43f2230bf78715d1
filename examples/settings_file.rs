//! Sets the options of checks at deployment, from a JSON file. Any other configuration loader that uses serde can read
//! the settings too.
//!
//! `cargo run --example settings_file` runs this example. The first argument is the address, by default 127.0.0.1:8080.
//! The second argument is the file, by default examples/settings.json.

use healthcheck::{HealthCheck, Settings, health_check};
use healthcheck_axum::Endpoints;
use serde::Deserialize;
use tokio::net::TcpListener;

#[health_check(external, tags("cache"))]
async fn redis() -> Result<(), &'static str> {
    Err("connection refused")
}

#[health_check]
fn addition_works() -> bool {
    [1, 1].iter().sum::<u32>() == 2
}

/// The application's own configuration. The key `health` in the file contains the settings of the checks.
#[derive(Deserialize)]
struct Configuration {
    health: Settings,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let file = arguments
        .next()
        .unwrap_or_else(|| "examples/settings.json".to_owned());

    let configuration: Configuration = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let health = HealthCheck::builder().settings(configuration.health).build()?;
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/healthcheck", listener.local_addr()?);
    Endpoints::new(health).serve_on(listener).await?;
    Ok(())
}
