//! Builds a `HealthCheck` for a bench, with any number of trivial checks.

use healthcheck::{BuildError, Check, HealthCheck, HealthCheckBuilder};

/// Returns a builder of a `HealthCheck` that ignores functions with the attributes of the library.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// Returns a `HealthCheck` with as many async checks as `checks` says. The checks pass immediately.
///
/// # Errors
/// These checks are always valid, so this function never returns an error.
pub fn trivial(checks: usize) -> Result<HealthCheck, BuildError> {
    let numbered = (0..checks).map(|number| Check::new(format!("check_{number:05}"), async || true));
    numbered.fold(by_hand(), HealthCheckBuilder::check).build()
}
