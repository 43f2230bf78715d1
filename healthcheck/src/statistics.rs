use crate::clock::Now;
use crate::engine::Engine;

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

impl Engine {
    pub(crate) fn statistics(&self) -> Statistics {
        let now = Now::read();
        let transitions = self.changes.counts();
        let checks = self
            .slots
            .iter()
            .filter(|slot| slot.check().is_some())
            .zip(transitions)
            .filter(|(slot, _)| !slot.is_disabled());
        let checks = checks.map(|(slot, transitions)| {
            let (runs, outdated) = {
                let state = slot.lock();
                (state.runs, state.is_outdated(&slot.policy, now))
            };
            CheckStatistics {
                checker: slot.name().to_owned(),
                passes: runs.pass,
                warnings: runs.warn,
                failures: runs.fail,
                transitions,
                outdated,
            }
        });
        Statistics {
            stuck_runs: self.stuck_runs(),
            checks: checks.collect(),
        }
    }
}
