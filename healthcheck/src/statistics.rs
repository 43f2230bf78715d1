/// What has been counted since the start.
///
/// ```
/// use healthcheck::{Check, HealthCheck};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
/// health.report().await;
/// let statistics = health.statistics();
/// assert_eq!((statistics.stuck_runs, statistics.checks[0].passes), (0, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Runs that are past their time limit and haven't ended.
    pub stuck_runs: usize,
    /// Log lines that were dropped, since the log took none for so long that 1,024 were waiting.
    pub dropped_lines: u64,
    /// Transitions and results that were dropped, since a listener was busy for so long that 1,024 were waiting.
    pub dropped_events: u64,
    /// How often a [`Gate`](crate::Gate) began to let everybody through, since it was closed for too long.
    pub gates_failed_open: u64,
    /// One entry a check, by name.
    pub checks: Vec<CheckStatistics>,
}

/// What has been counted of one check since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckStatistics {
    /// The check's name.
    pub checker: String,
    /// Runs that passed.
    pub passes: u64,
    /// Runs that warned.
    pub warnings: u64,
    /// Runs that failed.
    pub failures: u64,
    /// Changes of the shown status.
    pub transitions: u64,
    /// Nothing recent is known of it: no run has ended yet, or the last one longer ago than its TTL, its time limit and
    /// 60 s; in the background, than two intervals and its time limit.
    pub outdated: bool,
}
