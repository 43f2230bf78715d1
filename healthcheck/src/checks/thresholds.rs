//! A warning and a failing threshold, as a ready-made check takes them from its user.

use super::amount::{Amount, Unit};
use crate::Outcome;

#[derive(Clone, Debug)]
pub(super) struct Thresholds {
    unit: Unit,
    warn: Option<Amount>,
    fail: Option<Amount>,
    problems: Vec<String>,
}

impl Thresholds {
    pub(super) const fn new(unit: Unit, warn: Option<Amount>, fail: Option<Amount>) -> Self {
        Self {
            unit,
            warn,
            fail,
            problems: Vec::new(),
        }
    }

    /// `method` is the name of the user's call, for the message.
    pub(super) fn set_warn(&mut self, method: &str, text: &str) {
        self.warn = self.parse(method, text);
    }

    pub(super) fn set_fail(&mut self, method: &str, text: &str) {
        self.fail = self.parse(method, text);
    }

    /// The shares alone, to hold for something that is counted in another unit.
    pub(super) fn shares(&self) -> Self {
        let share = |amount: Option<Amount>| amount.filter(|amount| matches!(amount, Amount::Share(_)));
        Self::new(self.unit, share(self.warn), share(self.fail))
    }

    /// The failed outcome of thresholds that nobody can hold.
    pub(super) fn problem(&self, check: &str) -> Option<Outcome> {
        (!self.problems.is_empty()).then(|| Outcome::fail(format!("{check}: {}", self.problems.join("; "))))
    }

    /// Less is worse.
    pub(super) fn at_least(&self, value: u64, whole: u64, found: &str) -> Outcome {
        self.judge(found, "below", |threshold| threshold.is_above(value, whole))
    }

    /// More is worse.
    pub(super) fn at_most(&self, value: u64, whole: u64, found: &str) -> Outcome {
        self.judge(found, "above", |threshold| threshold.is_below(value, whole))
    }

    fn judge(&self, found: &str, side: &str, crossed: impl Fn(Amount) -> bool) -> Outcome {
        let crossed = |threshold: Option<Amount>| threshold.filter(|&threshold| crossed(threshold));
        if let Some(threshold) = crossed(self.fail) {
            Outcome::fail(format!("{found}, {side} {threshold}"))
        } else if let Some(threshold) = crossed(self.warn) {
            Outcome::warn(format!("{found}, {side} {threshold}"))
        } else {
            Outcome::pass(found)
        }
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
        let statuses = [15, 14, 5, 4].map(|free| thresholds.at_least(free, 100, "found").status());
        assert_eq!(statuses, [Status::Pass, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            thresholds.at_least(4, 100, "4% free").output(),
            "4% free, below 5%"
        );
        let statuses = [5, 6, 16].map(|used| thresholds.at_most(used, 100, "found").status());
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
        assert_eq!(shares.at_least(1, 100, "found").status(), Status::Warn);
    }
}
