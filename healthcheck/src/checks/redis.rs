use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, MultiplexedConnection};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::beside::{beside, or_reason};
use super::deadline::{after, half};
use super::dial::dial;
use super::layer::{Layer, Problem};
use super::shared::{self, Peer};
use super::span::span;
use crate::Outcome;

/// Checks that Redis, or a server with its protocol (Valkey, Dragonfly, KeyDB), answers a PING.
///
/// Pass the application's own `redis::Client`, `ConnectionManager` or `MultiplexedConnection`.
///
/// If you pass a client, each run opens a new connection. So the check notices if the server accepts no more
/// connections, if the host name has a new address, or if the password has changed.
///
/// If you pass a manager or a connection, the PING uses the same connection as the application's own commands.
///
/// [`writable`](Redis::writable) also checks that the server accepts writes, which a replica doesn't.
///
/// If you pass a client, a run costs a lookup and a new connection, which the server counts in
/// `total_connections_received`. If you pass a manager or a connection, a run costs one PING, a few bytes in each
/// direction. The PING waits while a command of the application keeps the connection busy.
///
/// By default, the check fails if there is no answer within 3 s. The default timeout of a run is longer, so the output
/// can show the layer: `DNS`, `connect`, `TLS`, `protocol` or `verdict`.
///
/// If the server is loading its data or needs a password, the layer is `verdict`.
///
/// If a manager can't reconnect, it doesn't return the reason. So if a manager hasn't answered within 10 ms, the check
/// opens its own connection to the same server, to find the reason.
///
/// The check doesn't see the other nodes of a cluster, or how stale a replica is. It notices full memory only if you
/// call [`writable`](Redis::writable).
///
/// If you pass a manager or a connection, the check doesn't see whether a new client could connect.
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
        writable: None,
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`redis`](fn@redis). Await it to run the check.
#[must_use = "it runs when it is awaited"]
pub struct Redis {
    source: Source,
    /// The key for the test of writes; `None` if the check doesn't test writes.
    writable: Option<String>,
    timeout: Duration,
}

/// The types that [`redis`](fn@redis) takes: a `redis::Client`, an `aio::ConnectionManager`, an
/// `aio::MultiplexedConnection`, or an `Arc` of one of these types. This trait is sealed.
pub trait RedisClient: sealed::Sealed {}

mod sealed {
    use super::{Client, ConnectionManager, MultiplexedConnection};

    #[allow(unnameable_types)] // Seals the trait.
    pub trait Sealed {
        fn source(&self) -> Source;
    }

    #[allow(missing_debug_implementations, unnameable_types)] // A client's `Debug` form has its password.
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
        // Leave out the client, because its `Debug` form contains the password.
        f.debug_struct("Redis")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How long the check still waits for the answer to a PING after the check's own connection to the server has failed.
/// Even a server on another continent answers sooner.
const LONGEST_WAY: Duration = Duration::from_millis(300);

/// The default key for the test of writes. No application should use this key.
const KEY: &str = "healthcheck:writable";

impl Redis {
    /// Sets how long the connection and the answer may take together. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Also checks that the server accepts writes. The check then fails if
    /// - the server is a replica (`READONLY`);
    /// - the server is a primary without enough replicas (`NOREPLICAS`);
    /// - the memory (`OOM`) or the disk (`MISCONF`) of the server is full.
    ///
    /// The check sends `SET healthcheck:writable "" XX EX 1`. Because of `XX`, this command writes only if the key
    /// exists. No application should use this key, so the command changes nothing.
    ///
    /// If the Redis user has no permission for this key, set another key with [`writable_key`](Self::writable_key).
    pub fn writable(self) -> Self {
        self.writable_key(KEY)
    }

    /// Also checks that the server accepts writes, as [`writable`](Self::writable) does, but with another key. Choose a
    /// key that the Redis user may write and that no application uses.
    pub fn writable_key(mut self, key: impl Into<String>) -> Self {
        self.writable = Some(key.into());
        self
    }

    async fn run(self) -> Outcome {
        let deadline = after(self.timeout);
        match self.ask(deadline).await {
            Ok(answer) => Outcome::pass(format!("{} answered {answer}", self.shown())),
            Err(problem) => problem.into(),
        }
    }

    async fn ask(&self, deadline: Instant) -> Result<String, Problem> {
        match &self.source {
            Source::Client(client) => self.dial_and_ask(client, deadline).await,
            Source::Manager(manager) => {
                let address = address_of(manager);
                shared::note(match &address {
                    Some((host, _)) => Peer::Name(host),
                    None => Peer::Unknown,
                });
                let reason = async {
                    let (host, port) = address?;
                    let left = half(deadline).saturating_duration_since(Instant::now());
                    let Problem { layer, what } = dial(&host, port, left).await.err()?;
                    // The check's own connection failed, but the manager may have a connection that works. So wait a
                    // little longer for the answer to the manager's PING.
                    sleep(LONGEST_WAY).await;
                    Some(layer.problem(format_args!("{}: {what}", self.shown())))
                };
                or_reason(self.ask_manager(manager, deadline), reason).await
            }
            Source::Connection(connection) => {
                let answer = self.questions(connection.clone(), deadline).await?;
                answer.map_err(|error| self.problem(&error))
            }
        }
    }

    /// Sends the PING through a manager.
    ///
    /// If the manager's connection has broken, the manager returns an error for the next command, and reconnects.
    /// This error doesn't show whether the server works. So if the PING gets this error, this method sends the PING a
    /// second time.
    async fn ask_manager(&self, manager: &ConnectionManager, deadline: Instant) -> Result<String, Problem> {
        let broken = match self.questions(manager.clone(), deadline).await? {
            Ok(answer) => return Ok(answer),
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => error,
            Err(error) => return Err(self.problem(&error)),
        };
        match self.questions(manager.clone(), deadline).await {
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

    /// Opens a new connection and sends the PING over it.
    async fn dial_and_ask(&self, client: &Client, deadline: Instant) -> Result<String, Problem> {
        let info = client.get_connection_info();
        // Turn off the library's own timeouts, because the deadline of the check applies.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let answer = match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let (_, stream) = match dial(host, *port, left).await {
                    Ok(dialed) => dialed,
                    // The text of a DNS problem begins with the host name, without the port. The texts of other
                    // problems begin with the host name and the port. So add the port to the text.
                    Err(problem) if problem.layer == Layer::Dns => {
                        let what = problem.what.strip_prefix(host.as_str()).unwrap_or(&problem.what);
                        return Err(Layer::Dns.problem(format_args!("{}{what}", self.shown())));
                    }
                    Err(problem) => return Err(problem),
                };
                let redis = info.redis_settings();
                let greeted = MultiplexedConnection::new_with_config(redis, stream, config);
                let answer = match timeout_at(deadline, greeted).await {
                    Ok(Ok((connection, driver))) => {
                        beside(driver, self.questions(connection, deadline)).await?
                    }
                    Ok(Err(error)) => Err(error),
                    Err(_) => return Err(self.silent("no answer")),
                };
                if answer.as_ref().is_err_and(RedisError::is_connection_dropped)
                    && let Some(refusal) = refusal(host, *port, deadline).await
                {
                    return Err(Layer::Verdict.problem(format_args!("{}: {refusal}", self.shown())));
                }
                answer
            }
            address => {
                shared::note(match address {
                    ConnectionAddr::TcpTls { host, .. } => Peer::Name(host),
                    _ => Peer::Unknown,
                });
                let dialed = client.get_multiplexed_async_connection_with_config(&config);
                match timeout_at(deadline, dialed).await {
                    Ok(Ok(connection)) => self.questions(connection, deadline).await?,
                    Ok(Err(error)) => Err(error),
                    Err(_) => {
                        let (shown, limit) = (self.shown(), span(self.timeout));
                        return Err(Layer::Connect
                            .problem(format_args!("{shown}: no connection that answers within {limit}")));
                    }
                }
            }
        };
        answer.map_err(|error| self.problem(&error))
    }

    /// Sends the PING and, if `writable` is set, also a write. Returns the server's answer as text for the output.
    async fn questions(
        &self,
        mut connection: impl ::redis::aio::ConnectionLike,
        deadline: Instant,
    ) -> Result<RedisResult<String>, Problem> {
        let asked = async {
            let answer: String = cmd("PING").query_async(&mut connection).await?;
            match &self.writable {
                Some(key) => {
                    takes_writes(&mut connection, key).await?;
                    Ok(format!("{answer} and takes writes"))
                }
                None => Ok(answer),
            }
        };
        timeout_at(deadline, asked)
            .await
            .map_err(|_| self.silent("no answer to a PING"))
    }

    fn silent(&self, what: &str) -> Problem {
        let (shown, limit) = (self.shown(), span(self.timeout));
        Layer::Protocol.problem(format_args!("{shown}: {what} within {limit}"))
    }

    /// Returns the server's address if the check uses a `Client`. Otherwise returns "redis".
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

/// Returns the error that a server sends before it closes a new connection. For example, the server has too many
/// clients, or its protected mode rejects other machines.
///
/// The client library discards such an error. So this function opens another connection and reads the error itself.
async fn refusal(host: &str, port: u16, deadline: Instant) -> Option<String> {
    let said = async {
        let left = deadline.saturating_duration_since(Instant::now());
        let (_, mut stream) = dial(host, port, left).await.ok()?;
        let mut said = [0; 512];
        let length = stream.read(&mut said).await.ok()?;
        let line = said.get(..length)?.strip_prefix(b"-")?;
        let line = String::from_utf8_lossy(line);
        line.lines().next().map(str::to_owned)
    };
    timeout_at(half(deadline), said).await.ok()?
}

/// Tests whether the server accepts writes, with a write command that changes nothing. If a server doesn't accept
/// writes, it rejects every write command before it looks up the key.
async fn takes_writes(connection: &mut impl ::redis::aio::ConnectionLike, key: &str) -> RedisResult<()> {
    let set = cmd("SET")
        .arg(key)
        .arg("")
        .arg(&["XX", "EX", "1"])
        .query_async::<Value>(connection)
        .await;
    let refused = match set {
        Ok(_) => return Ok(()),
        // These errors mean that the Redis user may not use the key, that another node has the key, or that the cluster
        // is down. Such an error doesn't show whether the server accepts writes. So ask the server for its role with
        // `ROLE`.
        Err(error) if matches!(error.code(), Some("NOPERM" | "MOVED" | "ASK" | "CLUSTERDOWN")) => error,
        Err(error) => return Err(error),
    };
    match cmd("ROLE").query_async::<Value>(connection).await {
        Ok(Value::Array(role)) => match role.first().map(String::from_redis_value_ref) {
            Some(Ok(role)) if role == "master" => Ok(()),
            _ => Err((ErrorKind::Server(ServerErrorKind::ReadOnly), "it is a replica").into()),
        },
        _ => Err(refused),
    }
}

/// Returns the host and the port of a manager's server. Returns `None` if the server uses a Unix socket.
///
/// Only the manager's `Debug` form contains the host and the port, so this function parses that form. If a later
/// version of the library changes the form, this function returns `None`.
fn address_of(manager: &ConnectionManager) -> Option<(String, u16)> {
    let shown = format!("{manager:?}");
    let (_, address) = shown.split_once("addr: Tcp")?;
    let (host, rest) = match address.strip_prefix("Tls {") {
        Some(address) => address.split_once("host: \"")?.1.split_once("\", port: ")?,
        None => address.strip_prefix("(\"")?.split_once("\", ")?,
    };
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((host.to_owned(), port.parse().ok()?))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ::redis::aio::ConnectionManagerConfig;

    use super::*;

    #[tokio::test]
    async fn a_manager_s_address_is_found_and_its_password_is_not() {
        let secret = concat!("hunter", "2");
        for (url, address) in [
            (
                format!("redis://app:{secret}@cache.internal:6380/2"),
                Some(("cache.internal", 6380)),
            ),
            ("redis://[::1]/".to_owned(), Some(("::1", 6379))),
            ("redis+unix:///run/redis.sock".to_owned(), None),
        ] {
            let client = Client::open(url).unwrap();
            let manager =
                ConnectionManager::new_lazy_with_config(client, ConnectionManagerConfig::new()).unwrap();
            let found = address_of(&manager);
            let found = found.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, address);
        }
    }
}
