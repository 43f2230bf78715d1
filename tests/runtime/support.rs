//! Helpers that create checks for these tests. A test sets the outcome of the next runs of such a check, and counts its
//! runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use healthcheck::{Check, CheckResult, Outcome, Report};

pub use healthcheck_tests::{built, by_hand};

/// Returns the result of the check with this name in the report.
pub fn of<'a>(report: &'a Report, name: &str) -> &'a CheckResult {
    report
        .results
        .iter()
        .find(|result| result.checker == name)
        .expect("the check is in the report")
}

/// Sets the outcome of the next runs of a check, and counts the runs.
#[derive(Clone, Default)]
pub struct Lever {
    verdict: Arc<AtomicU8>,
    runs: Arc<AtomicU32>,
}

impl Lever {
    pub fn pass(&self) {
        self.verdict.store(0, Ordering::SeqCst);
    }

    pub fn warn(&self) {
        self.verdict.store(1, Ordering::SeqCst);
    }

    pub fn fail(&self) {
        self.verdict.store(2, Ordering::SeqCst);
    }

    pub fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    pub fn pull(&self) -> Outcome {
        self.runs.fetch_add(1, Ordering::SeqCst);
        match self.verdict.load(Ordering::SeqCst) {
            0 => Outcome::pass("fine"),
            1 => Outcome::warn("hm"),
            _ => Outcome::fail("broken"),
        }
    }

    /// Returns an async check. Each of its runs returns the outcome that the test has set on this `Lever`.
    pub fn check(&self, name: &str) -> Check {
        let lever = self.clone();
        Check::new(name, move || {
            let lever = lever.clone();
            async move { lever.pull() }
        })
    }
}
