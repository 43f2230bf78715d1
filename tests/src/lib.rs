//! Helpers that the test binaries of this package share.

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};

mod log;
mod ports;

pub use log::Log;
pub use ports::{free_addr, free_port};

/// Returns a builder without the discovered checks.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// Returns a health check with only these checks.
///
/// # Panics
/// If the builder rejects the checks.
pub fn built(checks: impl IntoIterator<Item = Check>) -> HealthCheck {
    let health = checks
        .into_iter()
        .fold(by_hand(), HealthCheckBuilder::check)
        .build();
    health.unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the examples in the chapter about testing. The chapter is a part of the docs of `HealthCheck`.
#[cfg(doctest)]
#[doc = include_str!("../../healthcheck/src/testing.md")]
struct Testing;
