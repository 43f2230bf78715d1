use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::span::span;
use crate::Outcome;

/// How late tokio's scheduler wakes a task: workers that are blocked or busy show here first.
///
/// Each run sleeps for 10 ms and takes the time by which it woke late, the timer's own granularity of 1 ms taken off.
/// It warns above 50 ms and fails above 1 s; both can be set. A run costs a timer and 10 ms of waiting, no CPU.
///
/// It doesn't see stalls between two runs: give the check an `interval` of a few seconds to catch short ones. Nor
/// does it see another runtime than the one that the check runs on, one worker of many that is blocked, or the pool for
/// blocking work. Use it only in an async function.
///
/// ```
/// use std::time::Duration;
///
/// use healthcheck::{Outcome, checks};
///
/// // #[health_check(liveness)]
/// async fn scheduler() -> Outcome {
///     checks::runtime_lag().warn_above(Duration::from_millis(20)).await
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(scheduler());
/// # Ok::<(), std::io::Error>(())
/// ```
pub const fn runtime_lag() -> RuntimeLag {
    RuntimeLag {
        warn: Duration::from_millis(50),
        fail: Duration::from_secs(1),
    }
}

/// A check that [`runtime_lag`] made; awaiting it runs it.
#[derive(Clone, Copy, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct RuntimeLag {
    warn: Duration,
    fail: Duration,
}

/// Long enough for other tasks to come between, short beside any time limit.
const NAP: Duration = Duration::from_millis(10);

/// tokio rounds a timer up to its next millisecond.
const GRANULARITY: Duration = Duration::from_millis(1);

impl RuntimeLag {
    /// Warns where the lag is longer; default 50 ms.
    pub const fn warn_above(mut self, lag: Duration) -> Self {
        self.warn = lag;
        self
    }

    /// Fails where the lag is longer; default 1 s. One that reaches the check's own time limit is never seen: the
    /// run has timed out before.
    pub const fn fail_above(mut self, lag: Duration) -> Self {
        self.fail = lag;
        self
    }

    async fn run(self) -> Outcome {
        let due = Instant::now() + NAP;
        sleep_until(due).await;
        let lag = due.elapsed().saturating_sub(GRANULARITY);
        let found = format!("tasks are woken {} late", span(lag));
        if lag > self.fail {
            Outcome::fail(format!(
                "{found}, more than {}: workers are blocked or overloaded",
                span(self.fail)
            ))
        } else if lag > self.warn {
            Outcome::warn(format!("{found}, more than {}", span(self.warn)))
        } else {
            Outcome::pass(format!("tasks are woken within {}", span(self.warn)))
        }
    }
}

impl IntoFuture for RuntimeLag {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    /// The check naps while the only thread does something else for so long.
    async fn beside_a_stall_of(stall: Duration) -> Outcome {
        let (outcome, ()) = tokio::join!(runtime_lag().into_future(), tokio::time::advance(stall));
        outcome
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_runtime_passes() {
        assert_eq!(runtime_lag().await, Outcome::pass("tasks are woken within 50 ms"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_measured() {
        let outcome = beside_a_stall_of(Duration::from_millis(211)).await;
        assert_eq!(outcome.status(), Status::Warn);
        assert_eq!(outcome.output(), "tasks are woken 200 ms late, more than 50 ms");
        let outcome = beside_a_stall_of(Duration::from_secs(3)).await;
        assert_eq!(outcome.status(), Status::Fail);
    }

    #[test]
    fn a_task_that_blocks_the_only_thread_shows() {
        let blocked = Duration::from_millis(100);
        let outcome = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map(|runtime| {
                runtime.block_on(async {
                    let block = async { std::thread::sleep(blocked) };
                    let (outcome, ()) = tokio::join!(runtime_lag().into_future(), block);
                    outcome
                })
            });
        // It naps for 10 ms of the 100, so it wakes at least 89 ms late.
        assert!(outcome.is_ok_and(|outcome| outcome.status() == Status::Warn));
    }
}
