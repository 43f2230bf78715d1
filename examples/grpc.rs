//! The standard gRPC health service, `grpc.health.v1.Health`, driven by the same checks as the pages.
//!
//! `cargo run -p healthcheck-examples --example grpc --features grpc` (the addresses of the pages and of gRPC: as the
//! arguments, 127.0.0.1:8080 and 127.0.0.1:50051 without), then `grpc-health-probe -addr 127.0.0.1:50051`, or a
//! Kubernetes probe `grpc: {port: 50051, service: storage}`.
//!
//! The service `""` is the whole, as the protocol has it; each check is a service of its name.

use std::path::PathBuf;
use std::time::Duration;

use healthcheck::{Check, HealthCheck, Overall, Report, Status, Transition};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

/// The name of the whole.
const WHOLE: &str = "";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut listener = async |default: &str| {
        let wanted = arguments.next().unwrap_or_else(|| default.to_owned());
        TcpListener::bind(wanted).await
    };
    let (pages, grpc) = (
        listener("127.0.0.1:8080").await?,
        listener("127.0.0.1:50051").await?,
    );
    println!("open http://{}/healthcheck", pages.local_addr()?);
    println!("open http://{}/ with a client of gRPC", grpc.local_addr()?);

    let (change, changes) = mpsc::unbounded_channel();
    let folder = std::env::temp_dir().join("healthcheck-grpc");
    let health = HealthCheck::builder()
        .check(storage(folder))
        .on_change(move |transition| drop(change.send(transition.clone())))
        .build()?;

    let (reporter, service) = health_reporter();
    tokio::spawn(tell(health.clone(), reporter, changes));
    let server = Server::builder()
        .add_service(service)
        .serve_with_incoming_shutdown(TcpIncoming::from(grpc), health.drained());
    let server = tokio::spawn(server);
    Endpoints::new(health).serve_on(pages).await?;
    server.await??;
    Ok(())
}

/// Runs by itself each second: so that gRPC, which only listens to changes, learns of one that nobody has asked for.
fn storage(folder: PathBuf) -> Check {
    Check::blocking("storage", move || {
        std::fs::metadata(&folder)
            .map(|_| "there")
            .map_err(|error| format!("{}: {error}", folder.display()))
    })
    .description("The folder of the uploads is there.")
    .interval(Duration::from_secs(1))
}

/// Hands every change on to the gRPC service, from the first report to the end of the service.
async fn tell(health: HealthCheck, reporter: HealthReporter, mut changes: UnboundedReceiver<Transition>) {
    // The whole is known once the checks have run.
    reporter
        .set_service_status(WHOLE, ServingStatus::NotServing)
        .await;
    let report = health.report().await;
    tell_all(&reporter, &report).await;
    let mut draining = std::pin::pin!(health.draining());
    loop {
        let transition = tokio::select! {
            () = &mut draining => break,
            transition = changes.recv() => transition,
        };
        let Some(Transition { checker, to, .. }) = transition else {
            return;
        };
        let service = checker.as_deref().unwrap_or(WHOLE);
        reporter
            .set_service_status(service, serving(to != Status::Fail))
            .await;
    }
    // Whoever watches goes elsewhere now, while those who are here are still served.
    let checks = health.checks().map(|check| check.name().to_owned());
    for service in checks.chain([WHOLE.to_owned()]) {
        reporter
            .set_service_status(service, ServingStatus::NotServing)
            .await;
    }
}

async fn tell_all(reporter: &HealthReporter, report: &Report) {
    for result in &report.results {
        reporter
            .set_service_status(&result.checker, serving(result.passed))
            .await;
    }
    let whole = serving(report.status != Overall::Failure);
    reporter.set_service_status(WHOLE, whole).await;
}

const fn serving(is_up: bool) -> ServingStatus {
    if is_up {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}
