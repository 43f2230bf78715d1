/// Counters since the start of the process. The endpoint for metrics shows the same numbers.
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
    /// How many runs are stuck now, that is, have exceeded their timeout and haven't ended yet.
    pub stuck_runs: usize,
    /// The number of log lines that we dropped because the log's subscriber was too slow and 1,024 lines were already
    /// waiting.
    pub dropped_lines: u64,
    /// The number of events (transitions and results of runs) that we dropped because a listener was too slow and 1,024
    /// events were already waiting.
    pub dropped_events: u64,
    /// How often a [`Gate`](crate::Gate) failed open, that is, admitted all waiters because it had been closed for too
    /// long.
    pub gates_failed_open: u64,
    /// The counters of each check, sorted by name.
    pub checks: Vec<CheckStatistics>,
}

/// Counters of one check since the start of the process.
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
    /// How often the status that reports show has changed.
    pub transitions: u64,
    /// True if the check has no recent result: no run has ended yet, or the last result is too old.
    ///
    /// The last result is too old if its age exceeds TTL + timeout + 60 s. For a background check, the limit is two
    /// intervals plus the timeout.
    pub outdated: bool,
}
