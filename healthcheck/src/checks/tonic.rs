use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use ::tonic::client::GrpcService;
use ::tonic::codegen::{Body, Bytes, StdError};
use ::tonic::{Code, Status};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::deadline::after;
use super::layer::{Layer, Problem};
use super::span::span;
use crate::Outcome;
use crate::outcome::chain;

/// Checks that a gRPC server reports `SERVING` by the standard health service (`grpc.health.v1.Health`).
///
/// Pass the application's own `tonic` channel, or a wrapper around a channel. A run sends one call over it. The check
/// fails if the answer isn't `SERVING`, or after 3 s by default. It asks for the status of the server as a whole. With
/// [`service`](Tonic::service) it asks for the status of one service.
///
/// A run costs one call of some ten bytes each way, over the channel's existing connection. If there is none, the channel
/// opens one, as for any other call. A refused connection fails at once. A failure begins with its layer: `DNS`,
/// `connect`, `TLS`, `protocol` (no answer, or no health service) or `verdict`.
///
/// The channel's existing connection doesn't show whether a new client could connect, and doesn't follow a new address of
/// the name. If a network device has dropped the connection, the check gets no answer, like the application's own calls.
/// To let the channel detect that, set `http2_keep_alive_interval` and `keep_alive_while_idle` on the endpoint. With a
/// balanced channel, a run asks only one of the servers. The check doesn't know the address of the channel, so mark the
/// check `external` if the server is on another machine.
///
/// ```
/// use healthcheck::{Outcome, checks};
/// # use tonic::{body::Body, codegen::{http, Service, StdError}};
/// # #[derive(Clone)] struct Channel;
/// # impl Service<http::Request<Body>> for Channel {
/// #     type Response = http::Response<Body>;
/// #     type Error = StdError;
/// #     type Future = std::future::Ready<Result<Self::Response, StdError>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), StdError>> { Ok(()).into() }
/// #     fn call(&mut self, _: http::Request<Body>) -> Self::Future { std::future::ready(Err("refused".into())) }
/// # }
///
/// // #[health_check(external)]
/// async fn orders(channel: &Channel) -> Outcome {
///     checks::tonic(channel).service("orders.v1.Orders").await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # assert_eq!(runtime.block_on(orders(&Channel)).status(), healthcheck::Status::Fail);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn tonic<T: Clone>(channel: &T) -> Tonic<T> {
    Tonic {
        channel: channel.clone(),
        service: String::new(),
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`tonic`](fn@tonic). Await it to run it.
#[derive(Clone)]
#[must_use = "it runs when it is awaited"]
pub struct Tonic<T> {
    channel: T,
    service: String,
    timeout: Duration,
}

impl<T> Tonic<T> {
    /// Asks for the status of one service by its full name, such as `orders.v1.Orders`. Default: the status of the server
    /// as a whole.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Sets how long the answer may take. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    fn shown(&self) -> &str {
        if self.service.is_empty() {
            "the server"
        } else {
            &self.service
        }
    }

    fn judge(&self, serving: i32) -> Outcome {
        let shown = self.shown();
        match ServingStatus::try_from(serving) {
            Ok(ServingStatus::Serving) => Outcome::pass(format!("{shown} is SERVING")),
            Ok(status) => Layer::Verdict.failure(format_args!("{shown} is {}", status.as_str_name())),
            Err(_) => Layer::Verdict.failure(format_args!("{shown} is in a state unknown here, {serving}")),
        }
    }

    /// Returns true if the status means that an existing connection broke. Only an error of the connection has a source.
    /// If the channel couldn't open a connection, the layer of the error isn't `protocol`.
    fn broke(&self, status: &Status) -> bool {
        std::error::Error::source(status).is_some() && self.problem(status).layer == Layer::Protocol
    }

    fn problem(&self, status: &Status) -> Problem {
        let shown = self.shown();
        let source = std::error::Error::source(status);
        match (status.code(), source) {
            (Code::Unimplemented, _) => {
                Layer::Protocol.problem("the server has no service grpc.health.v1.Health")
            }
            (Code::NotFound, _) => {
                Layer::Verdict.problem(format_args!("the server knows no service {shown}"))
            }
            // Only errors of the connection have a source.
            (_, Some(source)) => {
                let what = chain(source);
                Layer::told_by(&what).unwrap_or(Layer::Protocol).problem(what)
            }
            (Code::Unavailable, None) if status.message().is_empty() => Layer::Verdict.problem("UNAVAILABLE"),
            (code, None) => Layer::Verdict.problem(format_args!("{code:?}: {}", status.message())),
        }
    }
}

impl<T> fmt::Debug for Tonic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tonic")
            .field("service", &self.service)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<T> Tonic<T>
where
    T: GrpcService<::tonic::body::Body, Error: Into<StdError>, Future: Send> + Send,
    T::ResponseBody: Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    async fn run(self) -> Outcome
    where
        T: Clone,
    {
        let deadline = after(self.timeout);
        let answer = match self.ask(deadline).await {
            // The idle connection may have broken, for example because the server restarted. The channel reconnects, so
            // ask again.
            Ok(Err(status)) if self.broke(&status) => self.ask(deadline).await,
            answer => answer,
        };
        match answer {
            Ok(Ok(serving)) => self.judge(serving),
            Ok(Err(status)) => self.problem(&status).into(),
            Err(_) => Layer::Protocol.failure(format_args!("no answer within {}", span(self.timeout))),
        }
    }

    async fn ask(&self, deadline: Instant) -> Result<Result<i32, Status>, Elapsed>
    where
        T: Clone,
    {
        let mut client = HealthClient::new(self.channel.clone());
        let request = HealthCheckRequest {
            service: self.service.clone(),
        };
        let answer = timeout_at(deadline, client.check(request)).await?;
        Ok(answer.map(|answer| answer.into_inner().status))
    }
}

impl<T> IntoFuture for Tonic<T>
where
    T: GrpcService<::tonic::body::Body, Error: Into<StdError>, Future: Send> + Clone + Send + Sync + 'static,
    T::ResponseBody: Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
