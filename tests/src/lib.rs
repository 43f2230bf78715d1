//! What needs a whole binary is tested beside this file, with what stands here; and the README's programs are compiled.

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};

mod log;

pub use log::Log;

/// A builder without the discovered checks.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// These checks and no others.
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

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
