/// Counters since the start of the process. The metrics show the same numbers.
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
    /// How many runs are stuck now: they have exceeded their timeout and haven't ended.
    pub stuck_runs: usize,
    /// How many log lines were dropped because the queue of 1,024 lines was full: the log subscriber was too slow.
    pub dropped_lines: u64,
    /// How many transitions and results were dropped because the queue of 1,024 was full: a listener was too slow.
    pub dropped_events: u64,
    /// How often a [`Gate`](crate::Gate) failed open because it had been closed for too long.
    pub gates_failed_open: u64,
    /// One entry for each check, sorted by name.
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
    /// How often the shown status has changed.
    pub transitions: u64,
    /// True if there is no recent result: no run has ended yet, or the last result is too old.
    ///
    /// A result is too old after the sum of its TTL, the timeout and 60 s. The result of a background check is too old
    /// after the sum of two intervals and the timeout.
    pub outdated: bool,
}
