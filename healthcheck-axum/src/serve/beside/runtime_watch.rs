//! The built-in liveness check `runtime`. The server's thread checks whether the application's runtime still runs
//! tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use healthcheck::{HealthCheck, Outcome};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::serving::RUNTIME;

/// How often the watcher checks whether the application's runtime has run the task that the watcher spawned last.
const PERIOD: Duration = Duration::from_secs(1);
/// If the application's runtime runs no task of the watcher for this long, the check fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest normal time between two ticks of the watcher. If more time passes, the whole process was paused or
/// throttled. That time doesn't count as silence of the application's runtime.
const GAP: Duration = Duration::from_secs(2);

/// Spawns tasks on the application's runtime, and reports in the check `runtime` whether that runtime runs these tasks.
/// Continues until the caller drops this future.
pub(crate) async fn watch(application: Handle, health: HealthCheck) {
    let _forgotten = Forget(health.clone());
    let mut patience = Patience::new(Instant::now());
    let mut answered = ask(&application);
    health.observe_liveness(RUNTIME, Some(Verdict::Answers.outcome()));
    loop {
        sleep(PERIOD).await;
        let answer = answered.load(Ordering::Acquire);
        let verdict = patience.tick(Instant::now(), answer);
        health.observe_liveness(RUNTIME, Some(verdict.outcome()));
        // Spawns a new task only if the runtime has run the previous task or has dropped it. Otherwise tasks would
        // accumulate in a blocked runtime.
        //
        // If the runtime has dropped the previous task, it has also dropped the task's `Arc`, so the strong count is 1.
        if answer || Arc::strong_count(&answered) == 1 {
            answered = ask(&application);
        }
    }
}

fn ask(application: &Handle) -> Arc<AtomicBool> {
    let answered = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&answered);
    application.spawn(async move { answer.store(true, Ordering::Release) });
    answered
}

/// Removes the check `runtime` when the watcher stops, because the result of the check would never change again.
struct Forget(HealthCheck);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.observe_liveness(RUNTIME, None);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Answers,
    Blocked,
}

impl Verdict {
    fn outcome(self) -> Outcome {
        match self {
            Self::Answers => Outcome::pass("the application's runtime answers"),
            Self::Blocked => Outcome::fail(
                "the application's runtime hasn't answered for 10 s: all of its threads are blocked",
            ),
        }
    }
}

/// Measures how long the application's runtime has run no task of the watcher.
struct Patience {
    last_tick: Instant,
    silent_since: Instant,
}

impl Patience {
    const fn new(now: Instant) -> Self {
        Self {
            last_tick: now,
            silent_since: now,
        }
    }

    fn tick(&mut self, now: Instant, answered: bool) -> Verdict {
        let stood_still = now.saturating_duration_since(self.last_tick) > GAP;
        self.last_tick = now;
        if answered || stood_still {
            self.silent_since = now;
        }
        if now.saturating_duration_since(self.silent_since) >= PATIENCE {
            Verdict::Blocked
        } else {
            Verdict::Answers
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the verdict of each tick of the watcher. The ticks are at these seconds, and the runtime never runs a
    /// task.
    fn unanswered(seconds: impl IntoIterator<Item = u64>) -> Vec<(u64, Verdict)> {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        let ticks = seconds.into_iter();
        ticks
            .map(|second| (second, patience.tick(start + Duration::from_secs(second), false)))
            .collect()
    }

    fn blocked_at(verdicts: &[(u64, Verdict)]) -> Vec<u64> {
        let blocked = verdicts
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Blocked);
        blocked.map(|(second, _)| *second).collect()
    }

    #[test]
    fn it_fails_once_there_was_no_answer_for_ten_seconds() {
        assert_eq!(blocked_at(&unanswered(1..=12)), [10, 11, 12]);
    }

    #[test]
    fn a_late_answer_starts_the_count_again() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        for second in 1..=60 {
            let verdict = patience.tick(start + Duration::from_secs(second), second % 9 == 0);
            assert_eq!(verdict, Verdict::Answers, "at {second} s");
        }
    }

    #[test]
    fn an_answer_ends_the_failure() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        for second in 1..=15 {
            patience.tick(start + Duration::from_secs(second), false);
        }
        assert_eq!(
            patience.tick(start + Duration::from_secs(16), true),
            Verdict::Answers
        );
    }

    #[test]
    fn a_gap_in_its_own_ticks_starts_the_count_again() {
        // The process is paused after nine seconds, and runs again after an hour. While it is paused, the watcher has
        // no ticks.
        let verdicts = unanswered((1..=9).chain(3_600..=3_611));
        assert_eq!(blocked_at(&verdicts), [3_610, 3_611]);
    }

    #[test]
    fn ticks_that_come_late_by_less_than_a_period_still_count() {
        assert_eq!(blocked_at(&unanswered((2..=12).step_by(2))), [10, 12]);
    }

    #[test]
    fn under_throttling_that_never_lets_it_tick_it_never_fails() {
        assert!(blocked_at(&unanswered((0..100).step_by(3))).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_observed_in_liveness_while_it_watches() {
        let health = HealthCheck::builder().discover(false).build().unwrap();
        let watcher = tokio::spawn(watch(Handle::current(), health.clone()));
        sleep(PERIOD * 2).await;
        let observed = health.observations();
        assert_eq!(observed[0].checker, "runtime");
        assert!(observed[0].passed);
        watcher.abort();
        assert!(watcher.await.unwrap_err().is_cancelled());
        assert!(health.observations().is_empty());
    }
}
