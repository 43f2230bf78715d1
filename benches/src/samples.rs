//! Health checks with any number of trivial checks.

use healthcheck::{BuildError, Check, HealthCheck, HealthCheckBuilder};

/// A builder without the annotated functions.
pub fn by_hand() -> HealthCheckBuilder {
    HealthCheck::builder().discover(false)
}

/// A health check with this number of async checks. Each passes at once.
///
/// # Errors
/// Never, since these checks are valid.
pub fn trivial(checks: usize) -> Result<HealthCheck, BuildError> {
    let numbered = (0..checks).map(|number| Check::new(format!("check_{number:05}"), async || true));
    numbered.fold(by_hand(), HealthCheckBuilder::check).build()
}
