//! `Gate`: lets workers continue only while the checks of their dependencies pass.

use std::sync::Arc;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{Evaluation, PROBE_MAX_AGE, Waiter, is_inside_a_check};
use crate::world::{Admission, GateId, Notice};

/// The default time for which a gate stays closed before it fails open, that is, admits every waiter.
const FAIL_OPEN_AFTER: Duration = Duration::from_secs(60);

/// Makes workers wait while a check of the gate fails. [`HealthCheck::gate`] returns a gate.
///
/// For example, while the database is down, a worker would lose each message that it takes off a queue. So the worker
/// waits at the gate before it takes a message.
///
/// Cloning a gate is cheap. All clones of a gate share its state.
///
/// # Recovery
/// When the gate's checks pass again after a failure, the gate first admits at most one waiter every 100 ms. After one
/// second, it admits all waiters. This delay protects a dependency that has just recovered. If a check fails during
/// this second or later, the gate closes.
///
/// The first pass of a check after the start of the process isn't a recovery. After such a pass, the gate admits all
/// waiters immediately.
///
/// # Failing open
/// A gate may stay closed because its check is broken. So a gate that has been closed for 60 s fails open: it admits
/// every waiter until its checks pass. When a gate fails open, it logs this, and increments
/// [`Statistics::gates_failed_open`](crate::Statistics::gates_failed_open).
///
/// [`fail_open_after`](Self::fail_open_after) sets the time after which the gate fails open, or disables failing open.
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
    /// Waits until each check of the gate has a recent result that isn't a failure. Returns immediately if this is
    /// already true.
    ///
    /// While the method waits, it runs those checks of the gate whose cached result has expired. It doesn't run
    /// background checks: it waits for the next result from the background loop.
    ///
    /// If the cached result of a check is a pass and hasn't expired, the method uses this result.
    ///
    /// If no option, builder or setting sets a check's TTL, a pass is cached for 5 s, a failure for 2 s, and a failure
    /// before the check's first pass for 250 ms.
    ///
    /// To stop waiting, drop the future. Outside of a tokio runtime, this method runs no checks, and the gate never
    /// fails open. Inside a check of the same `HealthCheck`, this method returns immediately.
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

    /// Sets how long the gate stays closed before it fails open. A gate that fails open admits every waiter. With
    /// `None`, the gate never fails open. Default: 60 s.
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
    /// Returns a [`Gate`] that is open while all checks with these names pass or warn.
    ///
    /// If you remove a check of the gate later, the gate depends only on its other checks.
    ///
    /// # Errors
    /// One of the names belongs to no check.
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
