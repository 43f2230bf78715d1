//! Records the status that reports show, and the transitions of this status. Each check, each observation, the overall
//! status and maintenance have their own record.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::transition::{Cause, Transition};

/// The maximum number of transitions that a record keeps. A new transition replaces the oldest one.
const KEPT: usize = 32;
/// The time after which we log lasting failures again. This is also the period in which we count the changes of a
/// status to detect flapping.
pub(super) const REMINDER: Duration = Duration::from_secs(600);
/// A check flaps if its status changes more often than this number within [`REMINDER`]. While a check flaps, we log one
/// line about this and not each change.
pub(crate) const FLAPPING: usize = 6;

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) status: Option<Status>,
    since: Option<Instant>,
    pub(super) was_overridden: bool,
    pub(super) was_blocked: bool,
    /// Whether we have logged the check's current failure only as the failure of a dependency. If the check's own run
    /// then fails, we log that failure too.
    pub(super) fails_quietly: bool,
    /// The transitions so far. It is `None` before the first transition to save memory, since most checks always pass.
    past: Option<Box<Past>>,
}

#[derive(Debug, Default)]
struct Past {
    flapping: bool,
    times: VecDeque<Instant>,
    count: u64,
    history: VecDeque<Transition>,
}

/// A change to a new status, with its cause.
pub(super) struct Change {
    pub(super) checker: Option<String>,
    pub(super) to: Status,
    pub(super) output: Value,
    pub(super) by: Cause,
    pub(super) sequence: u64,
}

impl Record {
    /// Sets the status without recording a transition. The caller uses this for a first pass, for example.
    pub(super) const fn begin(&mut self, status: Status, now: Now) {
        self.status = Some(status);
        self.since = Some(now.mono);
    }

    /// Records a change of the status, and returns it as a transition. The transition's `from` is the previous status.
    pub(super) fn change(&mut self, change: Change, now: Now) -> Transition {
        let Change {
            checker,
            to,
            output,
            by,
            sequence,
        } = change;
        let lasted = self
            .since
            .map(|since| (now.since(since).as_secs_f64() * 1e6).round() / 1e6);
        let transition = Transition {
            checker,
            from: self.status,
            to,
            output,
            at: time::epoch_seconds(now.wall),
            lasted,
            by,
            sequence,
        };
        self.begin(to, now);
        let past = self.past.get_or_insert_default();
        past.count += 1;
        past.times.retain(|&before| now.since(before) < REMINDER);
        past.times.push_back(now.mono);
        if past.times.len() > FLAPPING + 1 {
            past.times.pop_front();
        }
        if past.history.len() == KEPT {
            past.history.pop_front();
        }
        past.history.push_back(transition.clone());
        transition
    }

    /// Returns two values: whether the check flapped at the previous call of this method, and whether it flaps now.
    pub(super) fn flaps(&mut self) -> (bool, bool) {
        let Some(past) = &mut self.past else {
            return (false, false);
        };
        let now = past.times.len() > FLAPPING;
        (std::mem::replace(&mut past.flapping, now), now)
    }

    pub(super) fn history(&self) -> impl Iterator<Item = &Transition> {
        self.past.iter().flat_map(|past| &past.history)
    }

    pub(super) fn latest(&self) -> Option<&Transition> {
        self.past.as_ref()?.history.back()
    }

    /// Returns the number of all transitions so far. This includes the transitions that the record no longer keeps.
    pub(super) fn count(&self) -> u64 {
        self.past.as_ref().map_or(0, |past| past.count)
    }
}
