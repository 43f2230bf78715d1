//! The queries of the `sqlx` check, in the SQL of each database.

use std::fmt;
use std::pin::Pin;

use ::sqlx::{ColumnIndex, Connection, Database, Decode, Error, Executor, Row, Type};

/// One query of the `sqlx` check.
///
/// `ask` is a plain function pointer that runs the query. So the trait bounds of the query are only on the constructors
/// of `Question`, and code that uses a `Question` doesn't repeat them.
pub(super) struct Question<DB: Database> {
    sql: &'static str,
    ask: Ask<DB>,
}

type Ask<DB> = for<'c> fn(&'c mut <DB as Database>::Connection, &'static str) -> Asked<'c>;
type Asked<'c> = Pin<Box<dyn Future<Output = Result<Said, Error>> + Send + 'c>>;

/// Whether the database meets the condition of a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Yes,
    /// The text says why the database doesn't meet the condition.
    No(String),
}

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    MySql,
    Sqlite,
    Unknown,
}

impl Kind {
    /// Returns the kind of database for the name of a driver or the scheme of a URL. `name` must be in lower case.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "postgresql" | "postgres" => Self::Postgres,
            "mysql" | "mariadb" => Self::MySql,
            "sqlite" => Self::Sqlite,
            _ => Self::Unknown,
        }
    }
}

/// This query returns false on a server that rejects writes, because `transaction_read_only` is on there. A standby is
/// such a server too.
const POSTGRES_WRITABLE: &str = "SELECT current_setting('transaction_read_only') = 'off'";

/// Lists the variables that make the server read-only.
///
/// We use SHOW, because a SELECT fails if the server's version doesn't have one of the variables. In MariaDB a variable
/// may have a third value besides ON and OFF, so the statement excludes OFF instead of selecting ON.
const MYSQL_READ_ONLY: &str = "SHOW VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', \
    'innodb_read_only', 'transaction_read_only', 'tx_read_only') AND Value NOT IN ('OFF', '0')";

/// Writes to the header of the database file. The check rolls this write back.
const SQLITE_WRITE: &str = "PRAGMA user_version = 1";

impl<DB: Database> Question<DB> {
    pub(super) fn ask<'c>(&self, connection: &'c mut DB::Connection) -> Asked<'c> {
        (self.ask)(connection, self.sql)
    }

    /// Returns a query that must run without an error.
    pub(super) fn run(sql: &'static str) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        Self {
            sql,
            ask: |connection, sql| {
                Box::pin(async move {
                    connection.execute(sql).await?;
                    Ok(Said::Yes)
                })
            },
        }
    }

    /// Returns a query that must have a first row whose first column is true.
    pub(super) fn is_true(sql: &'static str) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'r> bool: Decode<'r, DB> + Type<DB>,
        for<'r> i64: Decode<'r, DB> + Type<DB>,
        usize: ColumnIndex<DB::Row>,
    {
        Self {
            sql,
            ask: |connection, sql| {
                Box::pin(async move {
                    let row = connection.fetch_optional(sql).await?;
                    Ok(match row.as_ref().map(truth) {
                        Some(Ok(Some(true))) => Said::Yes,
                        Some(Ok(Some(false))) => Said::No(format!("`{sql}` is false")),
                        Some(Ok(None)) => Said::No(format!("`{sql}` is NULL, expected true")),
                        Some(Err(error)) => Said::No(format!("`{sql}` gives no truth: {error}")),
                        None => Said::No(format!("`{sql}` gives no row, expected true")),
                    })
                })
            },
        }
    }

    pub(super) fn is_writable(kind: Kind) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'r> bool: Decode<'r, DB> + Type<DB>,
        for<'r> i64: Decode<'r, DB> + Type<DB>,
        for<'r> String: Decode<'r, DB> + Type<DB>,
        usize: ColumnIndex<DB::Row>,
    {
        match kind {
            Kind::Postgres => Self {
                sql: POSTGRES_WRITABLE,
                ask: |connection, sql| {
                    Box::pin(async move {
                        let row = connection.fetch_one(sql).await?;
                        Ok(match truth(&row)? {
                            Some(true) => Said::Yes,
                            _ => {
                                Said::No("the database is read-only (transaction_read_only is on)".to_owned())
                            }
                        })
                    })
                },
            },
            Kind::MySql => Self {
                sql: MYSQL_READ_ONLY,
                ask: |connection, sql| {
                    Box::pin(async move {
                        let Some(row) = connection.fetch_optional(sql).await? else {
                            return Ok(Said::Yes);
                        };
                        let variable: String = row.try_get(0)?;
                        Ok(Said::No(format!("the database is read-only ({variable} is on)")))
                    })
                },
            },
            Kind::Sqlite => Self {
                sql: SQLITE_WRITE,
                ask: |connection, sql| {
                    Box::pin(async move {
                        let mut transaction = connection.begin().await?;
                        let written = (&mut *transaction).execute(sql).await.map(drop);
                        transaction.rollback().await?;
                        match written {
                            Ok(()) => Ok(Said::Yes),
                            Err(Error::Database(error)) => {
                                let why = error.message();
                                Ok(Said::No(format!("the database takes no writes: {why}")))
                            }
                            Err(error) => Err(error),
                        }
                    })
                },
            },
            Kind::Unknown => Self {
                sql: "",
                ask: |_, _| {
                    let what = format!(
                        "whether {} takes writes can't be asked for here: use `expect_true`",
                        DB::NAME
                    );
                    Box::pin(async { Ok(Said::No(what)) })
                },
            },
        }
    }
}

/// Reads the first column of a row as a boolean. If that fails, reads the column as a number, because some databases
/// have no booleans.
fn truth<R: Row>(row: &R) -> Result<Option<bool>, Error>
where
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    usize: ColumnIndex<R>,
{
    row.try_get::<Option<bool>, _>(0).or_else(|error| {
        let number = row.try_get::<Option<i64>, _>(0).map_err(|_| error)?;
        Ok(number.map(|number| number != 0))
    })
}

impl<DB: Database> fmt::Debug for Question<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql)
    }
}
