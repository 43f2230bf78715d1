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

/// Checks that a gRPC server reports `SERVING` through the standard health service (`grpc.health.v1.Health`).
///
/// Pass the application's own `tonic` channel, or a wrapper around a channel. Each run sends one call over this
/// channel.
///
/// The call asks for the status of the whole server, or of one service if you set a [`service`](Tonic::service). The
/// check fails if the answer isn't `SERVING`, or if there is no answer within 3 s (the default).
///
/// A run costs one call of about ten bytes in each direction, over the channel's existing connection. If the channel
/// has no connection, it opens a new one for the call. If the server refuses the new connection, the check fails
/// immediately.
///
/// The output of a failure begins with the layer: `DNS`, `connect`, `TLS`, `protocol` (no answer, or no health service)
/// or `verdict` (a status other than `SERVING`, or an error that the server sent).
///
/// The channel's existing connection doesn't show whether a new client could connect. If the host name gets a new
/// address, the existing connection stays at the old address. If the channel balances between several servers, a run
/// asks only one of these servers.
///
/// The check doesn't know the address of the channel. If the server is on another machine, mark the check `external`.
///
/// If a network device has dropped the connection, the check and the application's own calls get no answer. To let the
/// channel detect a dropped connection, set `http2_keep_alive_interval` and `keep_alive_while_idle` on the endpoint.
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

/// The check returned by [`tonic`](fn@tonic). Await it to run the check.
#[derive(Clone)]
#[must_use = "it runs when it is awaited"]
pub struct Tonic<T> {
    channel: T,
    service: String,
    timeout: Duration,
}

impl<T> Tonic<T> {
    /// Asks for the status of the one service with the full name `name`, such as `orders.v1.Orders`. By default, the
    /// check asks for the status of the whole server.
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

    /// Returns true if `status` means that an existing connection broke. Such a `Status` has a source, and the layer of
    /// its problem is `protocol`.
    ///
    /// A `Status` that the server sent has no source. If the channel couldn't open a new connection, the layer is
    /// `connect`, for example.
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
            // A status with a source is an error of the connection. A status from the server has no source.
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
            // The channel's idle connection may have broken, for example because the server restarted. We send the
            // request a second time, and the channel opens a new connection for it.
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
