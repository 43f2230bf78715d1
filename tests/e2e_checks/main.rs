//! Tests the ready-made checks with real servers: redis, PostgreSQL, MariaDB and nginx. Most tests start their own
//! server on a free port, and then kill, pause or restart the server. Other tests use a file system, a control group,
//! or a server in this process. `.ci/install-clients` installs the servers.
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
