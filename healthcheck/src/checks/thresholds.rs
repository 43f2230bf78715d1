//! The limits of a ready-made check for a warning and for a failure, and the margin of these limits.

use super::amount::{Amount, Unit};
use super::held::MARGIN;
use crate::{Outcome, Status};

#[derive(Clone, Debug)]
pub(super) struct Thresholds {
    unit: Unit,
    warn: Option<Amount>,
    fail: Option<Amount>,
    margin: f64,
    problems: Vec<String>,
}

impl Thresholds {
    pub(super) const fn new(unit: Unit, warn: Option<Amount>, fail: Option<Amount>) -> Self {
        Self {
            unit,
            warn,
            fail,
            margin: MARGIN,
            problems: Vec::new(),
        }
    }

    /// Sets the limit for a warning. `method` is the name of the public method that the user called; an error message
    /// shows this name.
    pub(super) fn set_warn(&mut self, method: &str, text: &str) {
        self.warn = self.parse(method, text);
    }

    pub(super) fn set_fail(&mut self, method: &str, text: &str) {
        self.fail = self.parse(method, text);
    }

    /// Sets the margin: how far a value must be back on the good side of a crossed limit before the check recovers.
    pub(super) fn set_margin(&mut self, text: &str) {
        match Amount::share_of(text) {
            Some(margin) => self.margin = margin,
            None => self
                .problems
                .push(format!("margin({text:?}) isn't a share: write one like \"2%\"")),
        }
    }

    /// Returns a copy that has only the limits that are shares. Shares also apply to a value in another unit, such as
    /// the number of files.
    pub(super) fn shares(&self) -> Self {
        let share = |amount: Option<Amount>| amount.filter(|amount| matches!(amount, Amount::Share(_)));
        Self {
            margin: self.margin,
            ..Self::new(self.unit, share(self.warn), share(self.fail))
        }
    }

    /// Returns a failed outcome if a limit or the margin is invalid.
    pub(super) fn problem(&self, check: &str) -> Option<Outcome> {
        (!self.problems.is_empty()).then(|| Outcome::fail(format!("{check}: {}", self.problems.join("; "))))
    }

    /// Returns the key under which [`held::judge`](super::held::judge) stores the last status of a check with these
    /// limits.
    pub(super) fn key(&self, check: &str) -> String {
        let Self {
            warn, fail, margin, ..
        } = self;
        format!("{check} {warn:?} {fail:?} {margin}")
    }

    /// Judges a value that must be at least as high as the limits, such as free space. `last` is the status of the
    /// previous run.
    pub(super) fn at_least(&self, value: u64, whole: u64, found: &str, last: Status) -> Outcome {
        self.judge(
            last,
            found,
            "below",
            |threshold| threshold.is_above(value, whole),
            |threshold| threshold.raised(self.margin, whole),
        )
    }

    /// Judges a value that must be at most as high as the limits, such as the number of open files. `last` is the status
    /// of the previous run.
    pub(super) fn at_most(&self, value: u64, whole: u64, found: &str, last: Status) -> Outcome {
        self.judge(
            last,
            found,
            "above",
            |threshold| threshold.is_below(value, whole),
            |threshold| threshold.lowered(self.margin),
        )
    }

    fn judge(
        &self,
        last: Status,
        found: &str,
        side: &str,
        crossed: impl Fn(Amount) -> bool,
        clears: impl Fn(Amount) -> Amount,
    ) -> Outcome {
        for (threshold, status) in [(self.fail, Status::Fail), (self.warn, Status::Warn)] {
            let Some(threshold) = threshold else { continue };
            let told = if crossed(threshold) {
                format!("{found}, {side} {threshold}")
            } else if last >= status && crossed(clears(threshold)) {
                let clears = clears(threshold);
                format!("{found}, was {side} {threshold} and clears at {clears}")
            } else {
                continue;
            };
            return match status {
                Status::Fail => Outcome::fail(told),
                _ => Outcome::warn(told),
            };
        }
        Outcome::pass(found)
    }

    fn parse(&mut self, method: &str, text: &str) -> Option<Amount> {
        match Amount::parse(text, self.unit) {
            Ok(amount) => Some(amount),
            Err(instead) => {
                self.problems
                    .push(format!("{method}({text:?}) isn't an amount: {instead}"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    fn thresholds(warn: &str, fail: &str) -> Thresholds {
        let mut thresholds = Thresholds::new(Unit::Bytes, None, None);
        thresholds.set_warn("warn_below", warn);
        thresholds.set_fail("fail_below", fail);
        thresholds
    }

    #[test]
    fn the_worse_of_two_crossed_thresholds_is_told() {
        let thresholds = thresholds("15%", "5%");
        let statuses =
            [15, 14, 5, 4].map(|free| thresholds.at_least(free, 100, "found", Status::Pass).status());
        assert_eq!(statuses, [Status::Pass, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            thresholds.at_least(4, 100, "4% free", Status::Pass).output(),
            "4% free, below 5%"
        );
        let statuses = [5, 6, 16].map(|used| thresholds.at_most(used, 100, "found", Status::Pass).status());
        assert_eq!(statuses, [Status::Pass, Status::Fail, Status::Fail]);
    }

    #[test]
    fn every_bad_threshold_is_told_at_once() {
        let outcome = thresholds("15 percent", "lots")
            .problem("disk_space(\"/\")")
            .unwrap();
        assert_eq!(outcome.status(), Status::Fail);
        let text = outcome.output().as_str().unwrap();
        assert!(
            text.starts_with("disk_space(\"/\"): warn_below(\"15 percent\") isn't an amount: write"),
            "{text}"
        );
        assert!(text.contains("fail_below(\"lots\")"), "{text}");
        assert!(thresholds("15%", "2GiB").problem("x").is_none());
    }

    #[test]
    fn only_the_shares_hold_for_another_unit() {
        let shares = thresholds("15%", "2GiB").shares();
        assert_eq!(
            shares.at_least(1, 100, "found", Status::Pass).status(),
            Status::Warn
        );
    }

    #[test]
    fn a_value_that_swings_around_its_limit_gives_one_transition() {
        let thresholds = thresholds("15%", "5%");
        let mut last = Status::Pass;
        let statuses = [
            1_500, 1_499, 1_505, 1_498, 1_529, 1_530, 1_501, 499, 505, 501, 510, 1_530,
        ]
        .map(|free| {
            last = thresholds.at_least(free, 10_000, "found", last).status();
            last
        });
        use Status::{Fail, Pass, Warn};
        assert_eq!(
            statuses,
            [
                Pass, Warn, Warn, Warn, Warn, Pass, Pass, Fail, Fail, Fail, Warn, Pass
            ]
        );
        let held = thresholds.at_least(1_510, 10_000, "15.1% free", Status::Warn);
        assert_eq!(held.output(), "15.1% free, was below 15% and clears at 15.3%");
        // The rest of this test uses `at_most`, for which a value above a limit is bad. The margin is wide here: 50 %.
        let mut wide = self::thresholds("15%", "90%");
        wide.set_margin("50%");
        assert_eq!(wide.at_most(8, 100, "found", Status::Warn).status(), Warn);
        assert_eq!(wide.at_most(7, 100, "found", Status::Warn).status(), Pass);
        wide.set_margin("a bit");
        assert!(wide.problem("disk").is_some());
    }
}
