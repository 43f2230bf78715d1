use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use super::amount::{Amount, Unit, fraction};
use super::calls::Calls;
use super::held::Held;
use super::span::span;
use super::thresholds::Thresholds;
use crate::{IntoOutcome, Outcome};

/// Returns a check for the share of the application's own calls that failed within the last `window`.
///
/// Calls [`ErrorRate::new`].
#[must_use]
pub fn error_rate(window: Duration) -> ErrorRate {
    ErrorRate::new(window)
}

/// Checks the share of failed calls in real traffic. The application records the result of each call to a dependency.
/// The check judges these recorded results instead of sending requests.
///
/// By default, the check warns if more than 10 % of the calls failed, and fails if more than 50 % failed. If the window
/// has fewer than 10 calls, the check doesn't judge them.
///
/// The window slides in steps of one tenth of its length.
///
/// Clones share the recorded calls: use one clone in the code that calls the dependency, and pass another clone to the
/// check. Recording a call costs a clock read and a lock, about 40 ns.
///
/// After the share of failed calls has risen above a limit, the check recovers only once the share is 2 % below this
/// limit, such as 9.8 % for a limit of 10 %. [`margin`](Self::margin) sets another margin.
///
/// The check doesn't see calls that the application doesn't record. If a call hangs, it has no result to record. So
/// give each call a timeout, and record a timeout as a failure.
///
/// If the window has too few calls, [`check`](Self::check) passes, and [`check_or`](Self::check_or) runs a probe. If
/// the window has enough calls to judge, no probe runs, so a busy dependency gets no additional requests.
///
/// ```
/// use std::time::Duration;
///
/// use healthcheck::checks::ErrorRate;
/// use healthcheck::{Outcome, Status};
///
/// # async fn ping() -> Outcome { Outcome::pass("pong") }
/// // #[health_check(external)]
/// async fn billing(evidence: &ErrorRate) -> Outcome {
///     evidence.check_or(|| ping()).await
/// }
///
/// let evidence = ErrorRate::new(Duration::from_secs(60)).fail_above("20%");
/// for call in 0..20 {
///     let answer: Result<(), &str> = if call % 2 == 0 { Ok(()) } else { Err("refused") };
///     evidence.record(&answer);
/// }
/// assert_eq!(evidence.check().output(), "10 of 20 calls failed in the last 60 s (50%), above 20%");
/// ```
#[derive(Clone, Debug)]
pub struct ErrorRate {
    window: Duration,
    at_least: u64,
    thresholds: Thresholds,
    calls: Arc<Calls>,
    /// The last status of a check with these thresholds. Setting another threshold on a clone gives that clone a
    /// separate last status.
    held: Arc<Held>,
}

impl ErrorRate {
    /// Returns a check of the calls within the last `window`. Choose a window from 10 s to 5 min. A longer window
    /// contains more calls, and a shorter window shows a change sooner.
    ///
    /// If the window is zero, the check always fails, and the output says why.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            at_least: 10,
            thresholds: Thresholds::new(Unit::Count, Some(Amount::Share(0.1)), Some(Amount::Share(0.5))),
            calls: Arc::new(Calls::new(window)),
            held: Arc::new(Held::new()),
        }
    }

    /// Sets the amount of failed calls above which the check warns, as a share ("5%") or a number ("20"). Default:
    /// 10 %.
    #[must_use]
    pub fn warn_above(mut self, amount: &str) -> Self {
        self.thresholds.set_warn("warn_above", amount);
        self.held = Arc::new(Held::new());
        self
    }

    /// Sets the amount of failed calls above which the check fails, as a share or a number. Default: 50 %.
    #[must_use]
    pub fn fail_above(mut self, amount: &str) -> Self {
        self.thresholds.set_fail("fail_above", amount);
        self.held = Arc::new(Held::new());
        self
    }

    /// Sets how far below a crossed limit the failed calls must fall before the check recovers, as a share of that
    /// limit. Default: "2%".
    #[must_use]
    pub fn margin(mut self, share: &str) -> Self {
        self.thresholds.set_margin(share);
        self.held = Arc::new(Held::new());
        self
    }

    /// Sets how many calls the window must contain before the check judges them. Default: 10.
    #[must_use]
    pub const fn at_least(mut self, calls: u64) -> Self {
        self.at_least = calls;
        self
    }

    /// Records a call that has ended: `Ok` counts as a success, `Err` as a failure.
    ///
    /// Record an `Err` only if it shows a problem of the dependency. For example, map a "not found" to `Ok` before you
    /// record the result.
    pub fn record<T, E>(&self, result: &Result<T, E>) {
        self.calls.record(result.is_ok());
    }

    /// Runs the check. If the window has too few calls, the check passes, and the output says that there were too few
    /// calls.
    pub fn check(&self) -> Outcome {
        self.judge().unwrap_or_else(|few| {
            let calls = if few == 1 { "call" } else { "calls" };
            Outcome::pass(format!(
                "{few} {calls} in the last {}, too few to judge",
                span(self.window)
            ))
        })
    }

    /// Runs the check. If the window has too few calls, runs `probe` instead and returns the outcome of `probe`.
    pub async fn check_or<P>(&self, probe: impl FnOnce() -> P) -> Outcome
    where
        P: IntoFuture<Output: IntoOutcome>,
    {
        match self.judge() {
            Ok(outcome) => outcome,
            Err(_few) => probe().into_future().await.into_outcome(),
        }
    }

    /// Returns the outcome. If the window has too few calls, returns the number of calls as the error.
    fn judge(&self) -> Result<Outcome, u64> {
        if let Some(outcome) = self.thresholds.problem("error_rate") {
            return Ok(outcome);
        }
        if self.window.is_zero() {
            return Ok(Outcome::fail(
                "error_rate: a window of zero holds no calls: give it some seconds",
            ));
        }
        let (passed, failed) = self.calls.count();
        let all = passed.saturating_add(failed);
        if all < self.at_least.max(1) {
            self.held.clear();
            return Err(all);
        }
        let (window, share) = (span(self.window), Amount::Share(fraction(failed, all)));
        let found = format!("{failed} of {all} calls failed in the last {window} ({share})");
        Ok(self
            .held
            .judge(|last| self.thresholds.at_most(failed, all, &found, last)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::advance;

    use super::*;
    use crate::Status;

    const MINUTE: Duration = Duration::from_secs(60);

    fn record(evidence: &ErrorRate, passed: u32, failed: u32) {
        (0..passed).for_each(|_| evidence.record(&Ok::<_, ()>(())));
        (0..failed).for_each(|_| evidence.record(&Err::<(), _>("refused")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_decides() {
        let evidence = error_rate(MINUTE);
        record(&evidence, 9, 1);
        assert_eq!(
            evidence.check().output(),
            "1 of 10 calls failed in the last 60 s (10%)"
        );
        assert_eq!(evidence.check().status(), Status::Pass);
        record(&evidence, 0, 1);
        assert_eq!(evidence.check().status(), Status::Warn);
        record(&evidence.clone(), 0, 9);
        assert_eq!(
            evidence.check().output(),
            "11 of 20 calls failed in the last 60 s (55%), above 50%"
        );
        assert_eq!(evidence.check().status(), Status::Fail);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_that_swings_around_its_limit_gives_one_transition() {
        use Status::{Pass, Warn};
        let evidence = error_rate(MINUTE);
        record(&evidence, 900, 100);
        assert_eq!(evidence.check().status(), Pass);
        record(&evidence, 0, 1);
        assert_eq!(evidence.check().status(), Warn);
        record(&evidence, 19, 0);
        assert_eq!(
            evidence.clone().check().output(),
            "101 of 1020 calls failed in the last 60 s (9.9%), was above 10% and clears at 9.8%"
        );
        record(&evidence, 20, 0);
        assert_eq!(evidence.check().status(), Pass);
        // A clone with another margin has a separate last status, which begins as a pass. So the clone passes while the
        // original still warns.
        record(&evidence, 0, 10);
        assert_eq!(evidence.check().status(), Warn);
        record(&evidence, 60, 0);
        assert_eq!(evidence.check().status(), Warn);
        assert_eq!(evidence.clone().margin("0%").check().status(), Pass);
    }

    #[tokio::test(start_paused = true)]
    async fn evidence_leaves_the_window_tenth_by_tenth() {
        let evidence = error_rate(MINUTE);
        record(&evidence, 0, 10);
        advance(MINUTE / 2).await;
        record(&evidence, 30, 0);
        assert_eq!(evidence.check().status(), Status::Warn);
        advance(MINUTE / 2).await;
        assert_eq!(
            evidence.check().output(),
            "0 of 30 calls failed in the last 60 s (0%)"
        );
        advance(MINUTE).await;
        assert_eq!(
            evidence.check().output(),
            "0 calls in the last 60 s, too few to judge"
        );
        // The ring buffer still has old counts where the new count is stored. The new count must overwrite them.
        record(&evidence, 0, 10);
        assert_eq!(
            evidence.check().output(),
            "10 of 10 calls failed in the last 60 s (100%), above 50%"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_probe_is_run_while_there_is_fresh_evidence() {
        let evidence = error_rate(MINUTE).at_least(3);
        let probes = AtomicU32::new(0);
        let probe = || {
            probes.fetch_add(1, Ordering::Relaxed);
            async { Err::<(), _>("probed") }
        };
        assert_eq!(evidence.check_or(probe).await, Outcome::fail("probed"));
        record(&evidence, 2, 0);
        assert_eq!(evidence.check_or(probe).await, Outcome::fail("probed"));
        record(&evidence, 1, 0);
        assert_eq!(evidence.check_or(probe).await.status(), Status::Pass);
        assert_eq!(probes.load(Ordering::Relaxed), 2);
        advance(MINUTE).await;
        assert_eq!(evidence.check_or(probe).await, Outcome::fail("probed"));
    }

    #[test]
    fn nonsense_is_a_failure_that_says_what_to_write() {
        let outcome = error_rate(MINUTE).fail_above("half").check();
        assert_eq!(outcome.status(), Status::Fail);
        assert!(
            outcome
                .output()
                .as_str()
                .unwrap()
                .starts_with("error_rate: fail_above(\"half\") isn't an amount")
        );
        let empty = error_rate(Duration::ZERO);
        record(&empty, 1, 1);
        assert_eq!(empty.check().status(), Status::Fail);
        // With the longest possible window, the check must still count the calls.
        let endless = error_rate(Duration::MAX);
        record(&endless, 20, 0);
        assert_eq!(endless.check().status(), Status::Pass);
    }

    #[test]
    fn no_call_is_lost_between_threads() {
        let evidence = error_rate(10 * MINUTE).warn_above("100%").fail_above("100%");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| record(&evidence, 500, 500));
            }
        });
        assert_eq!(
            evidence.check(),
            Outcome::pass("2000 of 4000 calls failed in the last 10 min (50%)")
        );
    }
}
