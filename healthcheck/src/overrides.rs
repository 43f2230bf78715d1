//! A status set by hand, over that of the runs.

use std::time::Duration;

use crate::clock::Now;
use crate::engine::Slot;
use crate::engine::state::Mask;
use crate::error::OverrideError;
use crate::health::HealthCheck;
use crate::outcome::Status;

impl HealthCheck {
    /// Shows this status of a check for a while, whatever its runs give; they go on below. At the end, or with
    /// [`clear_override`](Self::clear_override), the runs' own status shows again.
    ///
    /// A pass over a failure stands in the `warnings` of every report.
    ///
    /// # Errors
    /// There is no check of that name; the duration is zero or ends beyond the clock; it is a liveness check, which is
    /// not overridden by accident: that takes [`force_override`](Self::force_override).
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
        let (index, slot) = self.find(name)?;
        if slot.check().is_some_and(|info| info.options().liveness) {
            return Err(OverrideError::liveness(name));
        }
        self.mask(index, status, lasts, &reason.into())
    }

    /// As [`set_override`](Self::set_override), for liveness checks, too: a failure there restarts the process.
    ///
    /// # Errors
    /// There is no check of that name; the duration is zero or ends beyond the clock.
    pub fn force_override(
        &self,
        name: &str,
        status: Status,
        lasts: Duration,
        reason: impl Into<String>,
    ) -> Result<(), OverrideError> {
        let (index, _) = self.find(name)?;
        self.mask(index, status, lasts, &reason.into())
    }

    /// Ends an override before its time; without one nothing changes.
    ///
    /// # Errors
    /// There is no check of that name.
    pub fn clear_override(&self, name: &str) -> Result<(), OverrideError> {
        let (index, slot) = self.find(name)?;
        let now = Now::read();
        self.core().engine.note_all(now);
        slot.lock().masked = None;
        self.core().engine.touch();
        self.core().engine.note_quietly(index, now);
        Ok(())
    }

    fn mask(&self, index: u32, status: Status, lasts: Duration, reason: &str) -> Result<(), OverrideError> {
        let now = Now::read();
        let engine = &self.core().engine;
        let until = now.after(lasts);
        if lasts.is_zero() || until.wall().is_none() {
            return Err(OverrideError::endless(engine.slot(index).name()));
        }
        // What time has changed is told first: an override that ended unseen has an end of its own.
        engine.note_all(now);
        let reason = engine.redaction.text(reason).into_owned();
        let name = engine.slot(index).name();
        tracing::warn!(check = name, %status, reason, seconds = lasts.as_secs(), "health check overridden");
        let mask = Mask {
            status,
            reason,
            until,
        };
        engine.mask(index, mask);
        engine.note_quietly(index, now);
        Ok(())
    }

    fn find(&self, name: &str) -> Result<(u32, &Slot), OverrideError> {
        let mut slots = (0..).zip(&self.core().engine.slots);
        let found =
            slots.find(|(_, slot)| slot.check().is_some() && !slot.is_disabled() && slot.name() == name);
        found.ok_or_else(|| OverrideError::unknown(name, self.checks()))
    }
}
