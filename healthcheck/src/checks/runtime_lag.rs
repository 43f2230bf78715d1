use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::span::span;
use crate::Outcome;

/// Checks how late tokio's scheduler wakes a task. A high lag is the first symptom of worker threads that are blocked
/// or busy.
///
/// Each run sleeps for 10 ms. If the runtime is busy, tokio wakes the run too late. The lag is the time from the end of
/// the 10 ms until tokio wakes the run, minus the timer's granularity of 1 ms.
///
/// By default, the check warns if the lag is above 50 ms, and fails if the lag is above 1 s.
///
/// A run costs one timer. While it sleeps, it uses no CPU time.
///
/// Use this check only in an async function.
///
/// The check doesn't see a stall that begins and ends between two runs. To notice short stalls, set an `interval` of a
/// few seconds. The check doesn't see other runtimes or the blocking pool. If only one of many worker threads is
/// blocked, the check doesn't see this thread.
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

/// The check returned by [`runtime_lag`]. Await it to run the check.
#[derive(Clone, Copy, Debug)]
#[must_use = "it runs when it is awaited"]
pub struct RuntimeLag {
    warn: Duration,
    fail: Duration,
}

/// How long a run sleeps: long enough for other tasks to run during the sleep, and short compared to any timeout.
const NAP: Duration = Duration::from_millis(10);

/// The granularity of tokio's timers: tokio rounds a timer up to the next millisecond.
const GRANULARITY: Duration = Duration::from_millis(1);

impl RuntimeLag {
    /// Sets the lag above which the check warns. Default: 50 ms.
    pub const fn warn_above(mut self, lag: Duration) -> Self {
        self.warn = lag;
        self
    }

    /// Sets the lag above which the check fails. Default: 1 s.
    ///
    /// Choose a limit below the timeout of a run. With a higher limit, the run would time out before it can report the
    /// lag.
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

    /// Runs the check while the runtime's only thread is blocked for `stall`, and returns the outcome.
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
        // The check should wake after 10 ms, but the thread is blocked for 100 ms. With the granularity of 1 ms
        // subtracted, the lag is at least 89 ms.
        assert!(outcome.is_ok_and(|outcome| outcome.status() == Status::Warn));
    }
}
