//! The ready-made checks against the real thing: redis, PostgreSQL and nginx, which each test starts on a port of its own,
//! kills, pauses and starts again; and servers in this process. `.ci/install-clients` installs them.
#![allow(clippy::unwrap_used)]

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
