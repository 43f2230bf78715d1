//! `Gate`: lets workers continue only while the checks of their dependencies pass.

use std::sync::Arc;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{Evaluation, PROBE_MAX_AGE, Waiter, is_inside_a_check};
use crate::world::{Admission, GateId, Notice};

/// The default time after which a closed gate fails open.
const FAIL_OPEN_AFTER: Duration = Duration::from_secs(60);

/// Makes workers wait while one of its checks fails.
///
/// For example, a worker shouldn't take a message off a queue while the database is down, because it would lose the
/// message. [`HealthCheck::gate`] returns a gate. Clones are cheap and share the state of the gate.
///
/// # Recovery
/// In the first second after a recovery, the gate admits at most one waiter every 100 ms, and then all of them. This
/// protects a dependency that has just come back. Another failure closes the gate again. The first pass of a check
/// since the start isn't a recovery.
///
/// # Failing open
/// The check itself may be broken. So a gate that has been closed for 60 s admits every waiter until its checks pass.
/// The gate logs this and counts it in [`Statistics::gates_failed_open`](crate::Statistics::gates_failed_open).
/// [`fail_open_after`](Self::fail_open_after) changes the time or turns this off.
///
/// ```
/// use healthcheck::{Check, HealthCheck};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Check::new("database", async || true).external();
/// let health = HealthCheck::builder().discover(false).check(database).build()?;
/// let gate = health.gate(["database"])?;
/// for _message in 0..3 {
///     gate.open().await;
///     // Take a message off the queue and work on it.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Gate {
    shared: Arc<Shared>,
    fail_open_after: Option<Duration>,
}

/// The state that the clones of a gate share.
#[derive(Debug)]
struct Shared {
    health: HealthCheck,
    id: GateId,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.health.core().runner.remove_gate(self.id);
    }
}

impl Gate {
    /// Waits until none of the gate's checks fails and each has a recent result. Returns at once if that is already the
    /// case.
    ///
    /// This method runs due checks, as a probe does. If no option, builder or setting sets a check's TTL, a passing
    /// result is cached for 5 s, a failure for 2 s, and a failure before the first pass for 250 ms. A background check
    /// is run only by its loop. While the last pass of a check is within its TTL, callers don't wait for a new run.
    ///
    /// Dropping the future stops the waiting. Outside of a tokio runtime the call runs no checks and never fails open.
    /// Inside a check of the same `HealthCheck` it returns at once.
    pub async fn open(&self) {
        let Shared { health, id } = &*self.shared;
        let runner = &health.core().runner;
        if is_inside_a_check(runner) {
            return;
        }
        let mut waiting = Waiter::new(runner, health.runtime());
        let since = waiting.since;
        let fail_open_after = self.fail_open_after;
        let first = waiting
            .wait(
                PROBE_MAX_AGE,
                |world, _| Ok(world.checks_of_gate(*id)),
                |world, checks, now| match world.admit(*id, since, fail_open_after, now) {
                    Admission::Pass => Evaluation::Done(false),
                    Admission::FailedOpen { first } => Evaluation::Done(first),
                    Admission::Wait(until) => Evaluation::Wait(checks.to_vec(), until),
                },
            )
            .await;
        if first {
            let checks = runner.read(|world| world.names_of_gate(*id));
            let seconds = fail_open_after.unwrap_or_default().as_secs();
            runner.send_notice(Notice::GateFailedOpen { checks, seconds });
        }
    }

    /// Sets the time after which a closed gate fails open, that is, admits every waiter. `None` means never. Default:
    /// 60 s.
    ///
    /// ```
    /// # use healthcheck::{Check, HealthCheck};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let health = HealthCheck::builder().discover(false).check(Check::new("database", async || true)).build()?;
    /// use std::time::Duration;
    ///
    /// let patient = health.gate(["database"])?.fail_open_after(Duration::from_secs(600));
    /// let strict = health.gate(["database"])?.fail_open_after(None);
    /// # let _ = (patient, strict);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fail_open_after(self, after: impl Into<Option<Duration>>) -> Self {
        Self {
            fail_open_after: after.into(),
            ..self
        }
    }
}

impl HealthCheck {
    /// Returns a [`Gate`] that is open while all of these checks pass or warn.
    ///
    /// # Errors
    /// There is no check with one of these names. A check that is removed later counts as passing.
    pub fn gate(&self, checks: impl IntoIterator<Item = impl Into<String>>) -> Result<Gate, SelectionError> {
        let checks = checks.into_iter().map(Into::into).collect();
        let id = self.core().runner.add_gate(checks)?;
        Ok(Gate {
            shared: Arc::new(Shared {
                health: self.clone(),
                id,
            }),
            fail_open_after: Some(FAIL_OPEN_AFTER),
        })
    }
}
