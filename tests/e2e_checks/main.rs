//! Tests the ready-made checks with real servers: redis, PostgreSQL, MariaDB and nginx. `.ci/install-clients` installs
//! the servers.
//!
//! Most tests start a server on a free port, and then kill, pause or restart this server. The other tests need none of
//! these servers.
#![allow(clippy::unwrap_used)]

mod blackhole;
mod machine;
mod mariadb;
mod nginx;
mod postgres;
mod redis;
mod servers;
mod sqlite;
mod tonic;
mod upstream;

use healthcheck::Outcome;

fn text(outcome: &Outcome) -> &str {
    outcome.output().as_str().unwrap()
}
