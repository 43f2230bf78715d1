use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Connection, Database, Error, Executor, Pool};
use tokio::time::{Instant, timeout_at};

use super::deadline::after;
use super::layer::{Layer, Problem};
use super::span::span;
use crate::Outcome;

/// The database behind the application's own `sqlx` pool answers: PostgreSQL, MySQL, SQLite, or `Any`.
///
/// Takes one connection of the pool for a ping and gives it back. It waits for one at most 1 s by default, and where
/// none was free that long, it **warns** `pool exhausted (20 of 20 in use)`: the database may well work, and the next
/// request will wait as this check did. Everything else that goes wrong is a failure, after 3 s at most by default. Both can be set.
///
/// Costs one round trip, two where the pool tests its connections (as it does by default). No run opens a connection
/// of its own; where the pool holds none that is free but may still grow, it opens one as for any other caller, and keeps it.
///
/// A ping of SQLite only asks its thread: use [`query`](Sqlx::query) to read the file. `sqlx` 0.8; which databases are compiled is
/// decided by the application's own dependency on it, this feature adds none.
///
/// A failure says in which layer: `DNS`, `connect`, `TLS`, `protocol` (no answer), `verdict` (the database refused). A
/// pool tries a refused connection again by itself and keeps the reason to itself, so that a database that is down is
/// `connect: no connection within 3 s`.
///
/// ```
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(external)] async fn database(pool: &sqlx::PgPool) -> Outcome
/// async fn database<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Outcome {
///     checks::sqlx(pool).await
/// }
/// ```
pub fn sqlx<DB: Database>(pool: &Pool<DB>) -> Sqlx<DB> {
    Sqlx {
        pool: pool.clone(),
        question: "",
        ask: |connection, _| connection.ping(),
        wait: Duration::from_secs(1),
        timeout: Duration::from_secs(3),
    }
}

/// A check that [`sqlx`](fn@sqlx) made; awaiting it runs it.
#[must_use = "it runs when it is awaited"]
pub struct Sqlx<DB: Database> {
    pool: Pool<DB>,
    question: &'static str,
    ask: Ask<DB>,
    wait: Duration,
    timeout: Duration,
}

type Ask<DB> = for<'c> fn(&'c mut <DB as Database>::Connection, &'static str) -> Answer<'c>;
type Answer<'c> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'c>>;

impl<DB: Database> Sqlx<DB> {
    /// Asks this in the place of a ping, as in `"SELECT 1 FROM orders LIMIT 1"`: that the schema is there, or with SQLite
    /// that the file can be read (`"SELECT count(*) FROM sqlite_schema"`). The rows aren't looked at.
    pub fn query(mut self, sql: &'static str) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        self.question = sql;
        self.ask = |connection, sql| {
            Box::pin(async move {
                connection.execute(sql).await?;
                Ok(())
            })
        };
        self
    }

    /// How long to wait for a connection while the pool is full; default 1 s.
    pub const fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// Fails where connection and answer together take longer; default 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        let deadline = after(self.timeout);
        match self.judge(deadline).await {
            Ok(outcome) => outcome,
            Err(problem) => problem.into(),
        }
    }

    async fn judge(&self, deadline: Instant) -> Result<Outcome, Problem> {
        let used = self.in_use();
        let mut broken = None;
        if let Some(connection) = self.pool.try_acquire() {
            match self.ask(connection, deadline).await? {
                Ok(()) => return Ok(self.answered(used)),
                // It may have broken while nobody used it, by a restart for example, which says nothing about now.
                Err(error) => broken = Some(error),
            }
        }
        let full = self.full();
        let until = if full {
            deadline.min(after(self.wait))
        } else {
            deadline
        };
        let connection = match timeout_at(until, self.pool.acquire()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(Error::PoolTimedOut)) | Err(_) => return self.none(full, broken.as_ref()),
            Ok(Err(error)) => return Err(problem(&error)),
        };
        match self.ask(connection, deadline).await? {
            Ok(()) => Ok(self.answered(used)),
            Err(error) => Err(problem(&error)),
        }
    }

    async fn ask(
        &self,
        mut connection: PoolConnection<DB>,
        deadline: Instant,
    ) -> Result<Result<(), Error>, Problem> {
        match timeout_at(deadline, (self.ask)(&mut connection, self.question)).await {
            Ok(answer) => {
                if matches!(answer, Err(Error::Io(_) | Error::WorkerCrashed)) {
                    drop(connection.detach());
                }
                Ok(answer)
            }
            Err(_) => {
                // Given back, it would be pinged by the pool, and hold its slot until that ends.
                drop(connection.detach());
                let limit = span(self.timeout);
                Err(Layer::Protocol.problem(format_args!("no answer within {limit}")))
            }
        }
    }

    /// Whose fault it is that there is no connection. Asked after the check's own place in the queue is given up: a pool
    /// of one that can't connect isn't exhausted.
    fn none(&self, was_full: bool, broken: Option<&Error>) -> Result<Outcome, Problem> {
        if was_full && self.full() {
            let (used, most) = (self.in_use(), self.most());
            return Ok(Outcome::warn(format!("pool exhausted ({used} of {most} in use)")));
        }
        let limit = if was_full { self.wait } else { self.timeout };
        let limit = span(limit.min(self.pool.options().get_acquire_timeout()));
        Err(match broken {
            Some(error) => {
                let first = text(error);
                Layer::Connect.problem(format_args!("{first}, and no new connection within {limit}"))
            }
            None => Layer::Connect.problem(format_args!("no connection within {limit}")),
        })
    }

    fn answered(&self, used: usize) -> Outcome {
        Outcome::pass(format!(
            "the database answers ({used} of {} connections in use)",
            self.most()
        ))
    }

    fn in_use(&self) -> usize {
        usize::try_from(self.pool.size())
            .unwrap_or(usize::MAX)
            .saturating_sub(self.pool.num_idle())
    }

    fn full(&self) -> bool {
        self.pool.size() >= self.most() && self.pool.num_idle() == 0
    }

    fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }
}

impl<DB: Database> fmt::Debug for Sqlx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own shows how to connect.
        f.debug_struct("Sqlx")
            .field("query", &self.question)
            .field("wait", &self.wait)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<DB: Database> IntoFuture for Sqlx<DB> {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn problem(error: &Error) -> Problem {
    let what = text(error);
    let layer = match error {
        Error::Io(_) => Layer::told_by(&what).unwrap_or(Layer::Protocol),
        Error::Configuration(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
            Layer::Connect
        }
        Error::Tls(_) => Layer::Tls,
        Error::Database(_) => Layer::Verdict,
        _ => Layer::Protocol,
    };
    layer.problem(what)
}

/// Without sqlx's introduction, which the layer says shorter.
fn text(error: &Error) -> String {
    match error {
        Error::Io(inner) => inner.to_string(),
        Error::Tls(inner) | Error::Configuration(inner) => inner.to_string(),
        Error::Database(inner) => inner.message().to_owned(),
        Error::PoolClosed => "the pool is closed".to_owned(),
        other => other.to_string(),
    }
}
