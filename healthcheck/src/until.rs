//! The method `HealthCheck::until`, which waits until checks pass, and its error.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{Evaluation, PROBE_MAX_AGE, RERUN_INTERVAL, Waiter};
use crate::selection::Selection;
use crate::world::earlier;

/// The error of [`HealthCheck::until`]. It has the name of each check that doesn't pass, and the reason.
///
/// ```
/// # use std::time::Duration;
/// use healthcheck::{Check, HealthCheck, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let database = Check::new("database", async || (false, "connection refused"));
/// let health = HealthCheck::builder().discover(false).check(database).build()?;
/// let error = health.until(&Selection::all(), Duration::from_millis(20)).await.unwrap_err();
/// assert_eq!(error.checks(), ["database"]);
/// assert_eq!(error.to_string(), "not ready after 20 ms: `database`: connection refused");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    checks: Vec<String>,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// The time limit is over. `said` has the output of each check in `checks`, in the same order.
    Missing {
        limit: Option<Duration>,
        said: Vec<String>,
    },
    /// Readiness fails even if all its checks pass, for example during a shutdown. The text is the reason.
    Reason(String),
    Unknown(SelectionError),
}

impl NotReady {
    /// Returns the names of the checks that fail, have no result when the limit is over, or don't exist. The list is
    /// empty if readiness fails because of a shutdown or maintenance.
    #[must_use]
    pub fn checks(&self) -> &[String] {
        &self.checks
    }

    fn missing(limit: Option<Duration>, missing: Vec<(String, String)>) -> Self {
        let (checks, said) = missing.into_iter().unzip();
        Self {
            checks,
            why: Why::Missing { limit, said },
        }
    }

    const fn because(reason: String) -> Self {
        Self {
            checks: Vec::new(),
            why: Why::Reason(reason),
        }
    }
}

impl From<SelectionError> for NotReady {
    fn from(error: SelectionError) -> Self {
        Self {
            checks: error.unknown_checks.clone(),
            why: Why::Unknown(error),
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Reason(reason) => write!(f, "not ready: {reason}"),
            Why::Unknown(error) => write!(f, "not ready: {error}"),
            Why::Missing { limit, said } => {
                f.write_str("not ready")?;
                if let Some(limit) = limit {
                    write!(f, " after {}", crate::model::time::human(*limit))?;
                }
                for (place, (check, said)) in self.checks.iter().zip(said).enumerate() {
                    let before = if place == 0 { ": " } else { "; " };
                    write!(f, "{before}`{check}`: {said}")?;
                }
                Ok(())
            }
        }
    }
}

impl Error for NotReady {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::Unknown(error) => Some(error),
            Why::Missing { .. } | Why::Reason(_) => None,
        }
    }
}

impl HealthCheck {
    /// Waits until each selected check passes or warns. The wait ends after the time `limit` at the latest; `None`
    /// means no limit.
    ///
    /// Use this method to start work once the dependencies of that work are available.
    ///
    /// If you select readiness, the method waits for the startup checks too. It also waits for checks that aren't
    /// critical.
    ///
    /// While it waits, the method runs the selected checks whose cached results have expired. It runs each check at
    /// most once in 250 ms. Each new result wakes the waiting task, so the method returns as soon as the last check
    /// passes.
    ///
    /// Inside a check of the same `HealthCheck`, and outside of a tokio runtime, the method doesn't wait.
    ///
    /// If no option, builder or setting sets a check's TTL, a failure before the check's first pass is cached for 250
    /// ms, and a later failure for 2 s.
    ///
    /// # Errors
    /// - A selected check doesn't pass within the time `limit`. [`NotReady`] has the name and the output of each such
    ///   check.
    /// - The selection contains a name or tag that no check of the selected probe has. The method returns this error
    ///   immediately.
    /// - The selection is readiness, and the service is shutting down or in maintenance. The method returns this error
    ///   immediately.
    ///
    /// ```
    /// use std::time::Duration;
    /// use healthcheck::{Check, HealthCheck, Selection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = Check::new("database", async || true).external();
    /// let health = HealthCheck::builder().discover(false).check(database).build()?;
    /// health.until(&Selection::checks(["database"]), Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn until(
        &self,
        selection: &Selection,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), NotReady> {
        let limit = limit.into();
        let runner = &self.core().runner;
        let mut waiting = Waiter::new(runner, self.runtime());
        let since = waiting.since;
        let waits = waiting.has_runtime();
        let deadline = limit.and_then(|limit| since.checked_add(limit));
        let max_age = selection.max_age.unwrap_or(PROBE_MAX_AGE);
        waiting
            .wait(
                max_age,
                |world, now| {
                    let members = world.members(selection).map_err(|error| Err(error.into()))?;
                    match world.taken_out(selection, now) {
                        Some(reason) => Err(Err(NotReady::because(reason))),
                        None => Ok(world.needed(selection, &members.shown, now.mono)),
                    }
                },
                |world, checks, now| {
                    let missing = world.missing(checks, since, Some(max_age), now);
                    let observed = world.failing_observations(selection);
                    if missing.is_empty() && observed.is_empty() {
                        return Evaluation::Done(Ok(()));
                    }
                    if waits && deadline.is_none_or(|deadline| now.mono < deadline) {
                        // An observation is a result from `observe_liveness`. A change of an observation doesn't wake
                        // this task. So this task looks at the observations again at the time `again`.
                        let again = now
                            .mono
                            .checked_add(RERUN_INTERVAL)
                            .filter(|_| !observed.is_empty());
                        return Evaluation::Wait(missing, earlier(deadline, again));
                    }
                    let mut said: Vec<_> = missing.iter().map(|&id| world.what_is_missing(id, now)).collect();
                    said.extend(observed);
                    Evaluation::Done(Err(NotReady::missing(limit, said)))
                },
            )
            .await
    }
}
