//! Helpers for the tests beside this file, each of which needs a binary of its own.

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};

mod log;
mod ports;

pub use log::Log;
pub use ports::{free_addr, free_port};

/// A builder without the discovered checks.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// A health check with only these checks.
///
/// # Panics
/// The checks don't fit together.
pub fn built(checks: impl IntoIterator<Item = Check>) -> HealthCheck {
    let health = checks
        .into_iter()
        .fold(by_hand(), HealthCheckBuilder::check)
        .build();
    health.unwrap_or_else(|error| panic!("{error}"))
}

/// The chapter in the docs of `HealthCheck`.
#[cfg(doctest)]
#[doc = include_str!("../../healthcheck/src/testing.md")]
struct Testing;
