//! Overrides: an operator sets the status that reports show for a check, in place of the status of the check's runs.

use std::time::Duration;

use crate::clock::epoch_seconds;
use crate::error::OverrideError;
use crate::health::HealthCheck;
use crate::outcome::Status;
use crate::world::{Event, Override, World};

impl HealthCheck {
    /// Sets the status that reports show for a check, for the time `lasts`.
    ///
    /// The check still runs. When the time `lasts` is over, or after [`clear_override`](Self::clear_override), reports
    /// show the status of the check's runs again.
    ///
    /// While an override turns a failure into a pass or a warning, each report that includes the check has a warning
    /// about the override.
    ///
    /// # Errors
    /// - No check has this name.
    /// - `lasts` is zero, or the override would end later than the clock can represent.
    /// - The check is a liveness check. Letting a liveness check fail makes the orchestrator restart the process. To
    ///   override a liveness check, call [`force_override`](Self::force_override).
    ///
    /// ```
    /// use std::time::Duration;
    /// use healthcheck::{Check, HealthCheck, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let health = HealthCheck::builder().check(Check::new("redis", async || true)).build()?;
    /// health.set_override("redis", Status::Fail, Duration::from_secs(60), "game day")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_override(
        &self,
        name: &str,
        status: Status,
        lasts: Duration,
        reason: impl Into<String>,
    ) -> Result<(), OverrideError> {
        self.override_status(name, status, lasts, &reason.into(), false)
    }

    /// Overrides the status of any check, even of a liveness check. If you let a liveness check fail, the orchestrator
    /// restarts the process.
    ///
    /// Except for liveness checks, this method works like [`set_override`](Self::set_override).
    ///
    /// # Errors
    /// - No check has this name.
    /// - `lasts` is zero, or the override would end later than the clock can represent.
    pub fn force_override(
        &self,
        name: &str,
        status: Status,
        lasts: Duration,
        reason: impl Into<String>,
    ) -> Result<(), OverrideError> {
        self.override_status(name, status, lasts, &reason.into(), true)
    }

    /// Ends the override of a check early. Does nothing if the check has no override.
    ///
    /// # Errors
    /// No check has this name.
    pub fn clear_override(&self, name: &str) -> Result<(), OverrideError> {
        self.core().runner.step_with(|world, _| {
            let check = world.find(name).ok_or_else(|| unknown(world, name))?;
            Ok(Event::Overridden { check, set: None })
        })
    }

    fn override_status(
        &self,
        name: &str,
        status: Status,
        lasts: Duration,
        reason: &str,
        forced: bool,
    ) -> Result<(), OverrideError> {
        let runner = &self.core().runner;
        let reason = runner.redaction.text(reason).into_owned();
        runner.step_with(|world, now| {
            let check = world.find(name).ok_or_else(|| unknown(world, name))?;
            let is_liveness = world.info(check).is_some_and(|info| info.options().liveness);
            if is_liveness && !forced {
                return Err(OverrideError::liveness(name));
            }
            let (until, until_wall) = (now.mono.checked_add(lasts), now.wall.checked_add(lasts));
            match (until, until_wall) {
                (Some(until), Some(until_wall)) if !lasts.is_zero() => Ok(Event::Overridden {
                    check,
                    set: Some(Override {
                        status,
                        reason,
                        until,
                        until_wall: epoch_seconds(until_wall),
                    }),
                }),
                _ => Err(OverrideError::endless(name)),
            }
        })
    }
}

fn unknown(world: &World, name: &str) -> OverrideError {
    OverrideError::unknown(name, world.infos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Check;

    #[tokio::test(start_paused = true)]
    async fn its_end_stands_in_the_history_although_nobody_has_asked_since() {
        let check = Check::new("a", async || true).success_ttl(Duration::from_secs(60));
        let health = HealthCheck::builder()
            .discover(false)
            .check(check)
            .build()
            .unwrap();
        health.report().await;
        let second = Duration::from_secs(1);
        health
            .set_override("a", Status::Fail, second, "game day")
            .unwrap();
        tokio::time::advance(second).await;
        assert_eq!(health.statistics().checks[0].transitions, 2);
        let of_check = |history: Vec<crate::Transition>| history.into_iter().rfind(|it| it.checker.is_some());
        assert_eq!(of_check(health.history()).map(|it| it.to), Some(Status::Pass));
    }
}
