use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use ::sqlx::pool::PoolConnection;
use ::sqlx::{ColumnIndex, ConnectOptions, Connection, Database, Decode, Error, Executor, Pool, Type};
use tokio::time::{Instant, timeout_at};

use super::beside::or_reason;
use super::deadline::{after, half};
use super::layer::{Layer, Problem};
use super::shared::{self, Peer};
use super::span::span;
use super::sqlx_question::{Kind, Question, Said};
use crate::Outcome;

/// Checks that the database behind the application's own `sqlx` pool answers. The pool may be for PostgreSQL, MySQL,
/// MariaDB, SQLite or `Any`.
///
/// The check takes a connection from the pool, sends a ping, and returns the connection to the pool.
///
/// If all connections are in use and none becomes free within 1 s, the check **warns** with `pool exhausted (20 of 20
/// in use)`. The database may work, but the application's next query will also have to wait for a connection.
///
/// The check also warns if the pool provides no connection although the database accepts a new connection.
///
/// If the database doesn't answer or returns an error, the check fails, by default after at most 3 s.
/// [`wait`](Sqlx::wait) sets how long a run waits for a connection of an exhausted pool, and [`timeout`](Sqlx::timeout)
/// sets how long a run may take.
///
/// A ping proves only that the database answers. For more proof, add queries: [`query`](Sqlx::query) reads a table,
/// [`writable`](Sqlx::writable) fails on a replica, and [`expect_true`](Sqlx::expect_true) checks any condition in SQL.
/// If you call several of these methods, each run sends the queries in the order of your calls.
///
/// A run costs one round trip for the ping, and one for each query. If the connection from the pool doesn't answer the
/// ping within half of the timeout, the check takes another connection from the pool.
///
/// If the database is down, the check fails immediately with `connect: Connection refused`. The pool would retry a
/// refused connection and hide this error. So if the pool has no idle connection, the check also opens a separate
/// connection with the pool's options. The check closes this connection after a ping.
///
/// Without [`query`](Sqlx::query), the check doesn't see whether a table exists and whether the database user may read
/// it. With SQLite, the ping doesn't even read the database file.
///
/// The check uses the existing connections of the pool, and these connections don't show whether a new connection
/// works. A changed password, a new address of the host name or a full server causes no failure until the pool opens a
/// new connection. By default, the pool replaces each connection after 30 min (`max_lifetime`).
///
/// The check needs `sqlx` 0.8. The application chooses the database drivers by the features of its own `sqlx`
/// dependency. The feature `checks-sqlx` adds no driver.
///
/// The output of a failure begins with the layer: `DNS`, `connect`, `TLS`, `protocol` (no answer) or `verdict` (the
/// database returned an error).
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
        questions: Vec::new(),
        wait: Duration::from_secs(1),
        timeout: Duration::from_secs(3),
    }
}

/// The check returned by [`sqlx`](fn@sqlx). Await it to run the check.
#[must_use = "it runs when it is awaited"]
pub struct Sqlx<DB: Database> {
    pool: Pool<DB>,
    /// The queries that a run sends after the ping. If there is no query, the check only sends a ping.
    questions: Vec<Question<DB>>,
    wait: Duration,
    timeout: Duration,
}

/// The reason why an existing connection of the pool doesn't work.
enum Broken {
    Error(String),
    Silent,
}

impl<DB: Database> Sqlx<DB> {
    /// Adds a query to the check. The check fails if the query fails. It ignores the rows that the query returns.
    ///
    /// For example, `"SELECT 1 FROM orders LIMIT 1"` checks that the table exists. With SQLite, `"SELECT count(*) FROM
    /// sqlite_schema"` checks that the database file can be read.
    pub fn query(mut self, sql: &'static str) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        self.questions.push(Question::run(sql));
        self
    }

    /// Adds the query `sql` to the check, and requires that the first column of the first row is true. An example is
    /// `"SELECT count(*) < 1000 FROM jobs WHERE state = 'waiting'"`.
    ///
    /// The first column must be a boolean or a 64-bit number. The number 0 means false. The check also fails if the
    /// query returns no row, or if the first column is `NULL`.
    pub fn expect_true(mut self, sql: &'static str) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'r> bool: Decode<'r, DB> + Type<DB>,
        for<'r> i64: Decode<'r, DB> + Type<DB>,
        usize: ColumnIndex<DB::Row>,
    {
        self.questions.push(Question::is_true(sql));
        self
    }

    /// Requires that the database accepts writes.
    ///
    /// | database | the check reads or tries |
    /// |---|---|
    /// | PostgreSQL | `transaction_read_only`, which is on in a standby or with `default_transaction_read_only` |
    /// | MySQL, MariaDB | `read_only`, `super_read_only`, `innodb_read_only`, and the variables of the transaction |
    /// | SQLite | a write, which the check then rolls back; the write fails with a read-only file, directory or file system, with `query_only`, or on a full disk |
    ///
    /// With PostgreSQL, MySQL and MariaDB, the check writes nothing. So it doesn't see a full disk, a missing grant, a
    /// lost synchronous standby, or a Galera node that has lost its cluster.
    ///
    /// With SQLite, a run holds the write lock for a moment.
    pub fn writable(mut self) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'r> bool: Decode<'r, DB> + Type<DB>,
        for<'r> i64: Decode<'r, DB> + Type<DB>,
        for<'r> String: Decode<'r, DB> + Type<DB>,
        usize: ColumnIndex<DB::Row>,
    {
        self.questions.push(Question::is_writable(self.kind()));
        self
    }

    /// Sets how long the check waits for a connection while all connections of the pool are in use. Default: 1 s.
    pub const fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// Sets how long a run may take, from getting a connection to the last answer. Default: 3 s.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Outcome {
        self.note();
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
            match self.ping_pooled(connection, half(deadline)).await {
                Ok(_) if self.questions.is_empty() => return self.verdict(Said::Yes, used),
                Ok(connection) => return self.answer(connection, deadline, used).await,
                // The idle connection may have broken, for example because the server restarted. So try another
                // connection of the pool.
                Err(what) => broken = Some(what),
            }
        }
        let full = self.full();
        let until = if full {
            deadline.min(after(self.wait))
        } else {
            deadline
        };
        let own = OnceLock::new();
        let pooled = async {
            let connection = match timeout_at(until, self.pool.acquire()).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(Error::PoolTimedOut)) | Err(_) => {
                    return self.none(full, broken.as_ref(), own.get());
                }
                Ok(Err(error)) => return Err(problem(&error)),
            };
            self.answer(connection, deadline, used).await
        };
        or_reason(pooled, self.reason(full, deadline, &own)).await
    }

    /// Opens a separate connection to find out why the pool provides none. Returns the problem if the check should fail
    /// immediately.
    ///
    /// In each of the following cases, the check should continue to wait for the pool. So this method stores the result
    /// of the separate connection in `own`, and returns `None`:
    /// - The separate connection could be opened.
    /// - The database itself returned an error that may be over soon, such as "starting up" or "too many connections".
    /// - All connections of the pool were in use. The application may return one of these connections soon.
    async fn reason(
        &self,
        full: bool,
        deadline: Instant,
        own: &OnceLock<Result<(), Problem>>,
    ) -> Option<Problem> {
        let options = self.pool.connect_options();
        let dialed = <DB::Connection as Connection>::connect_with(&options).await;
        let kept = match dialed {
            Ok(mut connection) => {
                let pinged = timeout_at(deadline, connection.ping()).await;
                let _its_end_is_the_server_s_matter = timeout_at(deadline, connection.close()).await;
                match pinged {
                    Ok(answer) => answer.map_err(|error| problem(&error)),
                    Err(_) => Err(self.silent()),
                }
            }
            Err(error) if full || matches!(error, Error::Database(_)) => Err(problem(&error)),
            Err(error) => return Some(problem(&error)),
        };
        let _first = own.set(kept);
        None
    }

    /// Sends a ping over a connection of the pool. Returns the connection if the database answers, otherwise the
    /// problem.
    ///
    /// Without a ping before the query, a dead connection would look like a slow query.
    async fn ping_pooled(
        &self,
        mut connection: PoolConnection<DB>,
        until: Instant,
    ) -> Result<PoolConnection<DB>, Broken> {
        match timeout_at(until, connection.ping()).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => {
                drop(connection.detach());
                Err(Broken::Error(text(&error)))
            }
            Err(_) => {
                // Don't return this dead connection to the pool. The pool would send a ping too, and the connection
                // would count as one of the pool's connections until that ping ends.
                drop(connection.detach());
                Err(Broken::Silent)
            }
        }
    }

    async fn answer(
        &self,
        mut connection: PoolConnection<DB>,
        deadline: Instant,
        used: usize,
    ) -> Result<Outcome, Problem> {
        match timeout_at(deadline, self.ask(&mut connection)).await {
            Ok(Ok(said)) => self.verdict(said, used),
            Ok(Err(error)) => {
                if matches!(error, Error::Io(_) | Error::WorkerCrashed) {
                    drop(connection.detach());
                }
                Err(problem(&error))
            }
            Err(_) => {
                // Don't return this connection, which may be dead, to the pool. The pool would send a ping, and the
                // connection would count as one of the pool's connections until that ping ends.
                drop(connection.detach());
                Err(self.silent())
            }
        }
    }

    async fn ask(&self, connection: &mut DB::Connection) -> Result<Said, Error> {
        if self.questions.is_empty() {
            connection.ping().await?;
        }
        for question in &self.questions {
            if let Said::No(what) = question.ask(connection).await? {
                return Ok(Said::No(what));
            }
        }
        Ok(Said::Yes)
    }

    fn verdict(&self, said: Said, used: usize) -> Result<Outcome, Problem> {
        match said {
            Said::Yes => Ok(Outcome::pass(format!(
                "the database answers ({used} of {} connections in use)",
                self.most()
            ))),
            Said::No(what) => Err(Layer::Verdict.problem(what)),
        }
    }

    /// Returns the outcome if the pool provided no connection: either the pool is exhausted, or the database fails.
    ///
    /// Call this method only after the check's own `acquire` has ended, because a pending `acquire` counts as a
    /// connection in use. A pool with a maximum of one connection would look exhausted only because of the check's own
    /// `acquire`.
    fn none(
        &self,
        was_full: bool,
        broken: Option<&Broken>,
        own: Option<&Result<(), Problem>>,
    ) -> Result<Outcome, Problem> {
        if was_full && self.full() {
            if let Some(Err(problem)) = own
                && problem.layer != Layer::Verdict
            {
                return Err(problem.clone());
            }
            let (used, most) = (self.in_use(), self.most());
            return Ok(Outcome::warn(format!("pool exhausted ({used} of {most} in use)")));
        }
        let limit = if was_full { self.wait } else { self.timeout };
        let limit = span(limit.min(self.pool.options().get_acquire_timeout()));
        match (own, broken) {
            (Some(Err(problem)), _) => Err(problem.clone()),
            (Some(Ok(())), _) => Ok(Outcome::warn(format!(
                "the database answers a new connection, but the pool gave none within {limit}"
            ))),
            (None, Some(Broken::Silent)) => Err(self.silent()),
            (None, Some(Broken::Error(first))) => {
                Err(Layer::Connect.problem(format_args!("{first}, and no new connection within {limit}")))
            }
            (None, None) => Err(Layer::Connect.problem(format_args!("no connection within {limit}"))),
        }
    }

    fn silent(&self) -> Problem {
        Layer::Protocol.problem(format_args!("no answer within {}", span(self.timeout)))
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

    fn kind(&self) -> Kind {
        match DB::NAME {
            // With the driver `Any`, the pool's options contain the URL. With another driver, `to_url_lossy` may panic,
            // so we call it only for `Any`.
            "Any" => Kind::of(self.pool.connect_options().to_url_lossy().scheme()),
            name => Kind::of(&name.to_ascii_lowercase()),
        }
    }

    fn note(&self) {
        if self.kind() == Kind::Sqlite {
            return;
        }
        let options = self.pool.connect_options();
        if DB::NAME == "Any" {
            let url = options.to_url_lossy();
            shared::note(url.host_str().map_or(Peer::Unknown, Peer::Name));
        } else {
            // Only the `Debug` form of the options contains the host. The `Debug` form may also contain secrets, so
            // take nothing but the host from it.
            let shown = format!("{options:?}");
            shared::note(host_of(&shown).map_or(Peer::Unknown, Peer::Name));
        }
    }
}

/// Finds the host in the `Debug` form of connection options. Returns `None` if the options use a Unix socket.
fn host_of(options: &str) -> Option<&str> {
    let (host, _) = options.split_once(" host: \"")?.1.split_once('"')?;
    let by_socket = host.starts_with('/') || options.contains(" socket: Some(");
    (!by_socket).then_some(host)
}

impl<DB: Database> fmt::Debug for Sqlx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Leave out the pool, because its `Debug` form contains the connection options.
        f.debug_struct("Sqlx")
            .field("questions", &self.questions)
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

/// Returns the error's text without sqlx's prefix, which repeats the layer.
fn text(error: &Error) -> String {
    match error {
        Error::Io(inner) => inner.to_string(),
        Error::Tls(inner) | Error::Configuration(inner) => inner.to_string(),
        Error::Database(inner) => inner.message().to_owned(),
        Error::PoolClosed => "the pool is closed".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_the_form_that_drivers_show_and_no_password_is_taken_for_it() {
        let shown = r#"PgConnectOptions { host: "db.internal", port: 5432, socket: None, username: "app" }"#;
        assert_eq!(host_of(shown), Some("db.internal"));
        let odd = r#"MySqlConnectOptions { password: Some("x host: \"y\""), host: "db", port: 3306, socket: None }"#;
        assert_eq!(host_of(odd), Some("db"));
        for local in [
            r#"PgConnectOptions { host: "/run/postgresql", socket: None }"#,
            r#"MySqlConnectOptions { host: "localhost", socket: Some("/run/mysqld.sock") }"#,
            "SqliteConnectOptions { filename: \"orders.db\" }",
        ] {
            assert_eq!(host_of(local), None, "{local}");
        }
    }
}
