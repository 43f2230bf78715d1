//! A service that can probe itself, for container images without curl. The same binary serves as Docker's
//! `HEALTHCHECK`, as an exec probe, and as a check script for Nagios, Nomad or Consul.
//!
//! This example has three commands:
//! - `cargo run --example self_probe` starts the service.
//! - `cargo run --example self_probe probe` probes the running service, and exits with the exit code that Docker
//!   expects. In a Dockerfile, write `HEALTHCHECK CMD ["/myapp", "probe"]`.
//! - `cargo run --example self_probe probe --nagios` probes the running service, and exits with the exit code that
//!   Nagios expects.
//!
//! The variable `HEALTHCHECK_ADDR` sets the address of the service, by default 127.0.0.1:8080.

use std::process::ExitCode;

use healthcheck::{Outcome, health_check};
use tokio::net::TcpListener;

/// The disk has room for another upload.
#[health_check(success_ttl = "1s", failed_ttl = "1s")]
fn uploads() -> Outcome {
    let directory = std::env::temp_dir().join("healthcheck-uploads");
    match std::fs::read_dir(directory).map(Iterator::count) {
        Ok(0..10) => Outcome::pass("room enough"),
        Ok(count) => Outcome::warn(format!("{count} uploads are waiting")),
        Err(error) => Outcome::fail(error.to_string()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let addr = std::env::var("HEALTHCHECK_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("probe") {
        let probed = healthcheck_axum::probe(addr, "/readyz").await;
        println!("{probed}");
        return match arguments.next().as_deref() {
            Some("--nagios") => probed.nagios_code().into(),
            _ => probed.docker_code().into(),
        };
    }
    match serve(&addr).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(addr: &str) -> Result<(), Box<dyn std::error::Error>> {
    let health = healthcheck::HealthCheck::discover()?;
    let listener = TcpListener::bind(addr).await?;
    println!("open http://{}/readyz", listener.local_addr()?);
    healthcheck_axum::Endpoints::new(health)
        .serve_on(listener)
        .await?;
    Ok(())
}
