//! `HealthCheck::until`: waits until checks pass.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{Evaluation, PROBE_MAX_AGE, RERUN_INTERVAL, Waiter};
use crate::selection::Selection;
use crate::world::earlier;

/// The error of [`HealthCheck::until`]. It has the names of the checks that don't pass, and the reasons.
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
    /// The time limit is over. `said` has the output of each check, in the order of `checks`.
    Missing {
        limit: Option<Duration>,
        said: Vec<String>,
    },
    /// Readiness fails as a whole, even if its checks pass. The text is the reason.
    Reason(String),
    Unknown(SelectionError),
}

impl NotReady {
    /// Returns the names of the checks that fail, have no result in time, or don't exist. The list is empty if
    /// readiness fails because of a shutdown or maintenance.
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
    /// Waits until each of these checks passes or warns, for at most `limit`; `None` means without a limit. Use it to
    /// start work once its dependencies are available.
    ///
    /// For readiness, the startup checks must have passed too. It makes no difference whether a check is critical.
    ///
    /// This method runs due checks, as a probe does. If no option, builder or setting sets a check's TTL, a failure is
    /// cached for 250 ms before the check's first pass, and for 2 s after it. It runs no check more often than every
    /// 250 ms. Each result wakes the waiting task, so the call returns as soon as the last check passes. Inside a check
    /// of the same `HealthCheck`, and outside of a tokio runtime, it doesn't wait.
    ///
    /// # Errors
    /// - Some checks don't pass within `limit`. [`NotReady`] has the name and the output of each.
    /// - The selection has the name of a check or tag that doesn't exist in its probe. This error comes immediately.
    /// - The selection is readiness, and the service is shutting down or in maintenance. This error comes immediately.
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
                        // A change of an observation wakes no waiter, so we compare again after a while.
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
