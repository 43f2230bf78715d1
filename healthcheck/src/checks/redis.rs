use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, MultiplexedConnection};
use ::redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, cmd};
use tokio::time::{Instant, timeout_at};

use super::deadline::after;
use super::layer::{Layer, Problem};
use super::redis_connection as kept;
use super::span::span;
use crate::Outcome;

/// Redis, or what speaks its protocol (Valkey, Dragonfly, KeyDB), answers a PING.
///
/// Takes what the application already has: a `redis::Client`, a `ConnectionManager` or a `MultiplexedConnection`. The
/// latter two are used as they are. A client is no connection yet: the first run opens one, and later runs use it
/// again, one for each server, database and user in the whole process. So no run opens a connection of its own, except
/// in the place of one that broke.
///
/// Costs one PING, a few bytes each way, between the application's own commands: one that keeps the connection busy
/// keeps the PING waiting as well. Fails after 3 s by default, which names the layer (`DNS`, `connect`, `TLS`,
/// `protocol`, `verdict`) before the check's own time limit cuts it off. A server that is loading its data, or wants a password, is a failure of
/// the verdict.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)]
/// async fn cache(client: &redis::Client) -> Outcome {
///     checks::redis(client).await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let client = redis::Client::open("redis://127.0.0.1:9/")?;
/// # let outcome = runtime.block_on(cache(&client));
/// # assert_eq!(outcome.status(), healthcheck::Status::Fail);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn redis(client: &(impl RedisClient + ?Sized)) -> Redis {
    Redis {
        source: client.source(),
        timeout: Duration::from_secs(3),
    }
}

/// A check that [`redis`](fn@redis) made; awaiting it runs it.
#[must_use = "it runs when it is awaited"]
pub struct Redis {
    source: Source,
    timeout: Duration,
}

/// What [`redis`](fn@redis) takes: a `redis::Client`, an `aio::ConnectionManager`, an `aio::MultiplexedConnection`, or
/// an `Arc` of one. Sealed.
pub trait RedisClient: sealed::Sealed {}

mod sealed {
    use super::{Client, ConnectionManager, MultiplexedConnection};

    #[allow(unnameable_types)] // What seals the trait.
    pub trait Sealed {
        fn source(&self) -> Source;
    }

    #[allow(missing_debug_implementations, unnameable_types)] // The client's own would show its password.
    pub enum Source {
        Client(Client),
        Manager(ConnectionManager),
        Connection(MultiplexedConnection),
    }
}

use sealed::Source;

impl RedisClient for Client {}
impl sealed::Sealed for Client {
    fn source(&self) -> Source {
        Source::Client(self.clone())
    }
}

impl RedisClient for ConnectionManager {}
impl sealed::Sealed for ConnectionManager {
    fn source(&self) -> Source {
        Source::Manager(self.clone())
    }
}

impl RedisClient for MultiplexedConnection {}
impl sealed::Sealed for MultiplexedConnection {
    fn source(&self) -> Source {
        Source::Connection(self.clone())
    }
}

impl<T: RedisClient + ?Sized> RedisClient for std::sync::Arc<T> {}
impl<T: RedisClient + ?Sized> sealed::Sealed for std::sync::Arc<T> {
    fn source(&self) -> Source {
        (**self).source()
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's own would show its password.
        f.debug_struct("Redis")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// Fails where connection and answer together take longer; default 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        let deadline = after(self.timeout);
        match self.ping(deadline).await {
            Ok(answer) => Outcome::pass(format!("{} answered {answer}", self.shown())),
            Err(problem) => problem.into(),
        }
    }

    /// A broken connection is found out by the command that uses it next, which may well be this one. It says nothing
    /// about the server's health, so that it is tried once more over a new one.
    async fn ping(&self, deadline: Instant) -> Result<String, Problem> {
        let broken = match self.try_ping(deadline).await? {
            Ok(answer) => return Ok(answer),
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => error,
            Err(error) => return Err(self.problem(&error)),
        };
        match self.try_ping(deadline).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.problem(&error)),
            Err(_silent) => {
                let (shown, limit) = (self.shown(), span(self.timeout));
                Err(Layer::Connect.problem(format_args!(
                    "{shown}: {broken}, and no new connection within {limit}"
                )))
            }
        }
    }

    async fn try_ping(&self, deadline: Instant) -> Result<RedisResult<String>, Problem> {
        let ping = cmd("PING");
        let answer = match &self.source {
            Source::Manager(manager) => timeout_at(deadline, ping.query_async(&mut manager.clone())).await,
            Source::Connection(connection) => {
                timeout_at(deadline, ping.query_async(&mut connection.clone())).await
            }
            Source::Client(client) => {
                let mut connection = match self.connection(client, deadline).await? {
                    Ok(connection) => connection,
                    Err(error) => return Ok(Err(error)),
                };
                let answer = timeout_at(deadline, ping.query_async(&mut connection)).await;
                if !matches!(answer, Ok(Ok(_))) {
                    // The answer to this PING may still come, but the next one shouldn't have to wait for it.
                    kept::forget(client.get_connection_info());
                }
                answer
            }
        };
        answer.map_err(|_| {
            let (shown, limit) = (self.shown(), span(self.timeout));
            Layer::Protocol.problem(format_args!("{shown}: no answer to a PING within {limit}"))
        })
    }

    /// The kept one, or a new one to keep.
    async fn connection(
        &self,
        client: &Client,
        deadline: Instant,
    ) -> Result<RedisResult<MultiplexedConnection>, Problem> {
        let info = client.get_connection_info();
        if let Some(connection) = kept::get(info) {
            return Ok(Ok(connection));
        }
        // The limit of the whole holds, not those of the client's library.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let new = client.get_multiplexed_async_connection_with_config(&config);
        match timeout_at(deadline, new).await {
            Ok(Ok(new)) => {
                kept::keep(info, new.clone());
                Ok(Ok(new))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(_) => {
                let (shown, limit) = (self.shown(), span(self.timeout));
                Err(Layer::Connect
                    .problem(format_args!("{shown}: no connection that answers within {limit}")))
            }
        }
    }

    /// The address, where it is known.
    fn shown(&self) -> String {
        match &self.source {
            Source::Client(client) => client.get_connection_info().addr().to_string(),
            Source::Manager(_) | Source::Connection(_) => "redis".to_owned(),
        }
    }

    fn problem(&self, error: &RedisError) -> Problem {
        if error.is_timeout() {
            return Layer::Protocol.problem(format_args!(
                "{}: no answer to a PING in time ({error})",
                self.shown()
            ));
        }
        layer(error).problem(format_args!("{}: {error}", self.shown()))
    }
}

fn layer(error: &RedisError) -> Layer {
    match error.kind() {
        ErrorKind::Io if error.is_connection_refusal() => Layer::Connect,
        ErrorKind::Io => Layer::told_by(&error.to_string()).unwrap_or(Layer::Protocol),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType | ErrorKind::RESP3NotSupported => Layer::Protocol,
        ErrorKind::InvalidClientConfig | ErrorKind::ClusterConnectionNotFound => Layer::Connect,
        _ => Layer::Verdict,
    }
}

impl IntoFuture for Redis {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
