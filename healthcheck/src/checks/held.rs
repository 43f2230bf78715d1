//! The status that a limit gave last. It decides where the limit clears.
//!
//! A value that swings around its limit would give a transition each time it crosses. So after crossing a limit it
//! clears only a little beyond. A ready-made check is built anew for each run, so this module keeps its last status,
//! under a key of the subject and the limits. Two checks of the same subject by the same limits share it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::{Outcome, Status};

/// How far beyond its limit a value clears, as a share of the limit.
pub(super) const MARGIN: f64 = 0.02;

/// The last status of one judgement.
#[derive(Debug)]
pub(super) struct Held(Mutex<Status>);

impl Held {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Status::Pass))
    }

    /// `judge` gets the status of the last time.
    pub(super) fn judge(&self, judge: impl FnOnce(Status) -> Outcome) -> Outcome {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = judge(*last);
        *last = outcome.status();
        outcome
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Status::Pass;
    }
}

/// A judgement that passes has no entry, so a healthy service keeps none.
static HELD: Entries = Mutex::new(BTreeMap::new());

type Entries = Mutex<BTreeMap<String, Status>>;

/// A service that makes up names can't fill the memory. A judgement without a place clears at its limit.
const MOST: usize = 1024;

/// [`Held::judge`] for a judgement without an object to keep the status in; `what` is its key.
pub(super) fn judge(what: String, judge: impl FnOnce(Status) -> Outcome) -> Outcome {
    judge_by(&HELD, what, judge)
}

fn judge_by(held: &Entries, what: String, judge: impl FnOnce(Status) -> Outcome) -> Outcome {
    let entries = || held.lock().unwrap_or_else(PoisonError::into_inner);
    let last = entries().get(&what).copied().unwrap_or(Status::Pass);
    let outcome = judge(last);
    if outcome.status() != last {
        let mut entries = entries();
        if outcome.status() == Status::Pass {
            entries.remove(&what);
        } else if entries.len() < MOST || entries.contains_key(&what) {
            entries.insert(what, outcome.status());
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossed(value: u32) -> impl FnOnce(Status) -> Outcome {
        move |last| match (value, last) {
            (100.., _) | (98.., Status::Fail) => Outcome::fail(value),
            _ => Outcome::pass(value),
        }
    }

    #[test]
    fn what_has_crossed_is_remembered_until_it_clears() {
        let (held, entries) = (Held::new(), Entries::default());
        for (value, status) in [
            (99, Status::Pass),
            (100, Status::Fail),
            (98, Status::Fail),
            (97, Status::Pass),
            (99, Status::Pass),
        ] {
            assert_eq!(held.judge(crossed(value)).status(), status, "{value}");
            let outcome = judge_by(&entries, "queue".to_owned(), crossed(value));
            assert_eq!(outcome.status(), status, "{value}");
        }
        assert_eq!(entries.into_inner().ok(), Some(BTreeMap::new()));
    }

    #[test]
    fn names_that_are_made_up_do_not_fill_the_memory() {
        let entries = Entries::default();
        for number in 0..3 * MOST {
            let _ = judge_by(&entries, format!("made up {number}"), crossed(100));
        }
        assert_eq!(entries.into_inner().ok().map(|entries| entries.len()), Some(MOST));
    }
}
