//! Helpers for the tests, which all test binaries of this package share.

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};

mod log;
mod ports;

pub use log::Log;
pub use ports::{free_addr, free_port};

/// Returns a builder of a health check. The builder ignores functions with the attribute `#[health_check]`.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// Returns a health check that contains only these checks.
///
/// # Panics
/// Panics if the checks are invalid.
pub fn built(checks: impl IntoIterator<Item = Check>) -> HealthCheck {
    let health = checks
        .into_iter()
        .fold(by_hand(), HealthCheckBuilder::check)
        .build();
    health.unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the examples of the chapter about testing as doc tests. The chapter is a part of the documentation of
/// `HealthCheck`.
#[cfg(doctest)]
#[doc = include_str!("../../healthcheck/src/testing.md")]
struct Testing;
