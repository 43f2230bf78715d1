//! A gate for workers: it lets them through while what they need is there.

use std::sync::Arc;
use std::time::Duration;

use crate::error::SelectionError;
use crate::health::HealthCheck;
use crate::runner::{AS_ON_A_PROBE, Look, Waiting, is_inside_a_check};
use crate::world::{Admission, GateId, Notice};

/// After so long a closed gate lets everybody through.
const FAIL_OPEN_AFTER: Duration = Duration::from_secs(60);

/// Lets workers through while none of its checks fails: who takes a message off a queue while the database is down only
/// loses it. [`HealthCheck::gate`] makes one. Cheap to clone; the clones are the same gate.
///
/// # Recovery
/// In the first second after a recovery it lets at most one waiter in 100 ms through, then all: what has just come back is
/// tried, and not run over. Another failure closes it again. A check's first pass ever is no recovery.
///
/// # Failing open
/// The check itself may be what is broken. So a gate that has been closed for 60 s lets everybody through until it opens,
/// logs that, and counts it in [`Statistics::gates_failed_open`](crate::Statistics::gates_failed_open).
/// [`fail_open_after`](Self::fail_open_after) says when, or never.
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

/// What the clones of a gate share.
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
    /// Returns while none of the gate's checks fails; waits while one does, or has no recent result yet.
    ///
    /// It runs checks that are due, as a probe does: a passing result counts for 5 s, a failing one for 2 s, and before the
    /// first pass for 250 ms, where nobody set the check's TTL. A check in the background is run by its loop. While a
    /// passing result is within its TTL, the new run goes on beside and nobody waits for it.
    ///
    /// Dropping the future gives the place up. Outside of a tokio runtime it runs nothing, and never fails open. Inside a
    /// check of the same `HealthCheck` it returns at once.
    pub async fn open(&self) {
        let Shared { health, id } = &*self.shared;
        let runner = &health.core().runner;
        if is_inside_a_check(runner) {
            return;
        }
        let mut waiting = Waiting::new(runner, health.runtime());
        let since = waiting.since;
        let fail_open_after = self.fail_open_after;
        let first = waiting
            .wait(
                AS_ON_A_PROBE,
                |world, _| Ok(world.checks_of_gate(*id)),
                |world, checks, now| match world.admit(*id, since, fail_open_after, now) {
                    Admission::Pass => Look::Done(false),
                    Admission::FailedOpen { first } => Look::Done(first),
                    Admission::Wait(until) => Look::Wait(checks.to_vec(), until),
                },
            )
            .await;
        if first {
            let checks = runner.read(|world| world.names_of_gate(*id));
            let seconds = fail_open_after.unwrap_or_default().as_secs();
            runner.tell(Notice::GateFailedOpen { checks, seconds });
        }
    }

    /// After how long a closed gate lets everybody through, counted from when it closed; `None`: never. Default: 60 s.
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
    /// A [`Gate`] before work that needs all of these checks to pass or warn.
    ///
    /// # Errors
    /// There is no check of one of these names. A check that is removed later counts as passing.
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
