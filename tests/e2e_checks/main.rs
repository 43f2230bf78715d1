//! The ready-made checks against real servers: redis, PostgreSQL, MariaDB and nginx. Most tests start a server of their
//! own on a free port, and kill, pause and restart it. The other tests use file systems and control groups that they
//! create, or servers in this process. `.ci/install-clients` installs the servers.
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
