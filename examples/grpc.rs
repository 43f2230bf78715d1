//! Serves the standard gRPC health service, `grpc.health.v1.Health`, and the HTTP health endpoints. Both use the same
//! checks.
//!
//! `cargo run -p healthcheck-examples --example grpc --features grpc` runs this example. The first argument is the
//! address of the HTTP endpoints, by default 127.0.0.1:8080. The second argument is the address of the gRPC service, by
//! default 127.0.0.1:50051.
//!
//! `grpc-health-probe -addr 127.0.0.1:50051` probes the gRPC service. A Kubernetes probe of the check `storage`
//! contains `grpc: {port: 50051, service: storage}`.
//!
//! In the protocol, a client asks for a gRPC service by its name. The name `""` stands for the whole application. The
//! name of a check stands for this check.
//!
//! The protocol requires that a client that watches an unknown service gets `SERVICE_UNKNOWN` and stays connected.
//! tonic-health would reject the call, so this example wraps tonic-health.
//!
//! tonic-health doesn't implement the method `List` of newer versions of the protocol. A client that calls `List` gets
//! `UNIMPLEMENTED`.

use std::path::PathBuf;
use std::time::Duration;

use healthcheck::{Check, HealthCheck, Overall, Status, Transition};
use healthcheck_axum::Endpoints;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tonic::codegen::BoxStream;
use tonic::codegen::tokio_stream::{self, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus as Told;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

/// The name of the gRPC service that stands for the whole application.
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

    let reporter = HealthReporter::new();
    tell_that_none_serves(&reporter, &health).await;
    let service = HealthService::from_health_reporter(reporter.clone());
    tokio::spawn(tell(health.clone(), reporter, changes));
    let server = Server::builder()
        .add_service(HealthServer::new(Standard(service)))
        .serve_with_incoming_shutdown(TcpIncoming::from(grpc), health.drained());
    let server = tokio::spawn(server);
    Endpoints::new(health).serve_on(pages).await?;
    // A client that watches a gRPC service keeps its connection open. While such a connection is open, the gRPC server
    // doesn't end. So `main` waits for the server for at most 1 s.
    if let Ok(ended) = tokio::time::timeout(Duration::from_secs(1), server).await {
        ended??;
    }
    Ok(())
}

/// Creates a check that runs every second in the background. The gRPC service learns of a new status only when the
/// check runs. A request to the gRPC service doesn't run the check.
fn storage(folder: PathBuf) -> Check {
    Check::blocking("storage", move || {
        std::fs::metadata(&folder)
            .map(|_| "there")
            .map_err(|error| format!("{}: {error}", folder.display()))
    })
    .description("The folder of the uploads is there.")
    .interval(Duration::from_secs(1))
}

/// Sets the statuses of the gRPC services from a first report. Then sets a status anew whenever a check's status
/// changes. When the drain begins, sets all statuses to `NOT_SERVING`.
async fn tell(health: HealthCheck, reporter: HealthReporter, mut changes: UnboundedReceiver<Transition>) {
    let report = health.report().await;
    for result in &report.results {
        tell_of(&reporter, &result.checker, result.passed).await;
    }
    tell_of(&reporter, WHOLE, report.status != Overall::Failure).await;
    let mut draining = std::pin::pin!(health.draining());
    loop {
        let transition = tokio::select! {
            () = &mut draining => break,
            transition = changes.recv() => transition,
        };
        let Some(Transition { checker, to, .. }) = transition else {
            return;
        };
        tell_of(&reporter, checker.as_deref().unwrap_or(WHOLE), to != Status::Fail).await;
    }
    // The status `NOT_SERVING` makes clients that watch a gRPC service choose another instance. This instance still
    // answers requests until the drain ends.
    tell_that_none_serves(&reporter, &health).await;
}

async fn tell_that_none_serves(reporter: &HealthReporter, health: &HealthCheck) {
    for check in health.checks() {
        tell_of(reporter, check.name(), false).await;
    }
    tell_of(reporter, WHOLE, false).await;
}

async fn tell_of(reporter: &HealthReporter, service: &str, is_up: bool) {
    let status = if is_up {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    reporter.set_service_status(service, status).await;
}

/// Wraps tonic-health's implementation of the service, and changes only one answer: a client that watches an unknown
/// service gets the status that the protocol requires.
struct Standard(HealthService);

#[tonic::async_trait]
impl Health for Standard {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, tonic::Status> {
        self.0.check(request).await
    }

    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, tonic::Status> {
        match self.0.watch(request).await {
            Ok(known) => Ok(known.map(|stream| Box::pin(stream) as _)),
            Err(error) if error.code() == Code::NotFound => {
                let unknown = HealthCheckResponse {
                    status: Told::ServiceUnknown.into(),
                };
                // This application adds no checks at run time, so an unknown service stays unknown. The stream sends
                // the status `unknown` once. After that it stays open without sending anything.
                let told = tokio_stream::once(Ok(unknown)).chain(tokio_stream::pending());
                Ok(Response::new(Box::pin(told)))
            }
            Err(error) => Err(error),
        }
    }
}
