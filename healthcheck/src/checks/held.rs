//! Stores the last status of each check that compares a value with limits. The check needs this status for hysteresis.
//!
//! Without hysteresis, a value that swings around its limit would cause a change of status at each crossing. With
//! hysteresis, the check recovers only once the value is back on the good side of the limit by a margin.
//!
//! Each run creates a new ready-made check, so the check itself can't store its last status. Instead, this module
//! stores the last status under a key.
//!
//! The key consists of the check's subject, for example a path, and of the limits. Two checks with the same key share
//! their last status.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::{Outcome, Status};

/// The default margin, as a share of the limit. After a value has crossed a limit, the check recovers only once the
/// value is back on the good side of the limit by this margin.
pub(super) const MARGIN: f64 = 0.02;

/// The last status of one check.
#[derive(Debug)]
pub(super) struct Held(Mutex<Status>);

impl Held {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Status::Pass))
    }

    /// Calls `judge` with the last status, and stores the status of the outcome that `judge` returns.
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

/// The last statuses by key. If the last status is a pass, the key has no entry, so a healthy service has an empty map.
static HELD: Entries = Mutex::new(BTreeMap::new());

type Entries = Mutex<BTreeMap<String, Status>>;

/// The maximum number of entries in `HELD`. If a service keeps creating new keys, this maximum limits the memory.
///
/// If the map is full, a check with a new key gets no entry. Such a check has no margin: it recovers at the limit
/// itself.
const MOST: usize = 1024;

/// Calls `judge` with the last status that the global map has for the key `what`. Then stores the status of the outcome
/// under this key.
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
