//! The ready-made checks against the real thing: redis, PostgreSQL, MariaDB and nginx, which each test starts on a
//! port of its own, kills, pauses and starts again; file systems and control groups that a test makes; and servers in
//! this process. `.ci/install-clients` installs them.
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
