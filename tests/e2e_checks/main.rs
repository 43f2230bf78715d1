//! The ready-made checks against real servers: redis, PostgreSQL, MariaDB and nginx. Each test starts its own server on
//! a free port, kills, pauses and restarts it. Other tests use file systems and control groups that they create, or
//! servers in this process. `.ci/install-clients` installs the servers.
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
