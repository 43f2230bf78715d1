//! Waiting until checks pass.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{AS_ON_A_PROBE, Look, RETRY, Waiting};
use crate::selection::Selection;
use crate::world::earlier;

/// What [`HealthCheck::until`] waited for isn't there.
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
    /// The time is over. What each check said, in the order of the names.
    Missing {
        limit: Option<Duration>,
        said: Vec<String>,
    },
    /// Readiness is taken out, whatever its checks say.
    Reason(String),
    Unknown(SelectionError),
}

impl NotReady {
    /// The names of the checks that are missing: they fail, or gave no result in time, or don't exist. Empty where readiness
    /// shuts down or is in maintenance.
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
    /// Waits until each of these checks passes or warns, for no longer than `limit` (`None`: for ever): to start work once
    /// what it needs is there. For readiness the startup checks have to have passed as well. Whether a check is critical
    /// makes no difference.
    ///
    /// It runs checks that are due, as a probe does: a failing result counts for 250 ms before a check's first pass and for
    /// 2 s after it, where nobody set the check's TTL, and is never asked for more often than every 250 ms. It is woken by
    /// each result, so it returns at once when the last one passes. Inside one of its own checks, and outside of a tokio
    /// runtime, it waits for nothing.
    ///
    /// # Errors
    /// [`NotReady`] names each check that is missing when the time is over, and what it said. At once where the selection
    /// names a check or tag that doesn't exist (in its probe), and where it is readiness and that shuts down or is in
    /// maintenance.
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
        let mut waiting = Waiting::new(runner, self.runtime());
        let since = waiting.since;
        let waits = waiting.has_time();
        let deadline = limit.and_then(|limit| since.checked_add(limit));
        let max_age = selection.max_age.unwrap_or(AS_ON_A_PROBE);
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
                        return Look::Done(Ok(()));
                    }
                    if waits && deadline.is_none_or(|deadline| now.mono < deadline) {
                        // No check's result says that an observation is over.
                        let again = now.mono.checked_add(RETRY).filter(|_| !observed.is_empty());
                        return Look::Wait(missing, earlier(deadline, again));
                    }
                    let mut said: Vec<_> = missing.iter().map(|&id| world.what_is_missing(id, now)).collect();
                    said.extend(observed);
                    Look::Done(Err(NotReady::missing(limit, said)))
                },
            )
            .await
    }
}
