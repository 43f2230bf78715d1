use std::net::{SocketAddr, TcpListener};

use ::tonic::transport::server::TcpIncoming;
use ::tonic::transport::{Channel, Endpoint, Server};
use tokio::runtime::{Builder, Runtime};
use tonic_health::server::HealthReporter;

/// A gRPC server in this process, built with the crate tonic. Dropping this value stops the server and closes its
/// connections.
pub struct Grpc {
    pub reporter: HealthReporter,
    pub address: SocketAddr,
    own: Option<Runtime>,
}

impl Grpc {
    pub fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (reporter, service) = tonic_health::server::health_reporter();
        let own = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        own.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let serving = Server::builder().add_service(service);
            serving
                .serve_with_incoming(TcpIncoming::from(listener))
                .await
                .unwrap();
        });
        Self {
            reporter,
            address,
            own: Some(own),
        }
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}

pub fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy()
}
