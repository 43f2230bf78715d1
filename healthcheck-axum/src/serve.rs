use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use healthcheck::{BuildError, HealthCheck};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::runtime::Handle;

use crate::endpoints::{Endpoints, Readers};

/// Serves every annotated check and section of the binary: the same as
/// `Endpoints::new(HealthCheck::discover()?).serve(addr)`.
///
/// # Errors
/// As [`Endpoints::serve`].
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck_axum::ServeError> {
/// healthcheck_axum::serve("127.0.0.1:8080").await
/// # }
/// ```
pub async fn serve(addr: impl ToSocketAddrs) -> Result<(), ServeError> {
    Endpoints::new(HealthCheck::discover()?).serve(addr).await
}

/// How the endpoints are served, where they are served by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serving {
    pub(crate) shutdown_delay: Option<Duration>,
}

impl Endpoints {
    /// How long a service that shuts down goes on answering. Default: 5 s on SIGTERM, none on Ctrl-C.
    pub const fn shutdown_delay(mut self, delay: Duration) -> Self {
        self.serving.shutdown_delay = Some(delay);
        self
    }

    /// Serves the endpoints at an address of their own.
    ///
    /// # Errors
    /// What [`router`](Self::router) refuses; an address that can't be listened on.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> Result<(), ServeError> {
        self.serve_on(TcpListener::bind(addr).await?).await
    }

    /// Serves the endpoints on a listener that is there already.
    ///
    /// # Errors
    /// What [`router`](Self::router) refuses; a listener without an address.
    pub async fn serve_on(self, listener: TcpListener) -> Result<(), ServeError> {
        let address = listener.local_addr()?.ip().to_canonical();
        let readers = if address.is_loopback() {
            Readers::Local
        } else {
            Readers::Unknown
        };
        let router: Router = self.on_runtime(Handle::current()).assemble(readers)?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await?;
        Ok(())
    }
}

/// Why a service couldn't be served, or not any longer.
pub struct ServeError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Build(BuildError),
    Io(io::Error),
}

impl From<BuildError> for ServeError {
    fn from(error: BuildError) -> Self {
        Self {
            kind: Kind::Build(error),
        }
    }
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self {
            kind: Kind::Io(error),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Build(error) => error.fmt(f),
            Kind::Io(error) => error.fmt(f),
        }
    }
}

/// As [`Display`](fmt::Display), since `fn main() -> Result<(), ServeError>` prints this one.
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ServeError {}
