//! What has been shown of a check, of the whole, of maintenance: the transitions between, and what is logged of them.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::transition::{Cause, Transition};

/// How many transitions of each check, and of the whole, are kept.
const KEPT: usize = 32;
/// Changes are counted over this time; and a failure that lasts is logged again that often.
pub(super) const REMINDER: Duration = Duration::from_secs(600);
/// More changes than this within ten minutes are logged once as flapping, instead of one by one.
pub(crate) const FLAPPING: usize = 6;

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) status: Option<Status>,
    since: Option<Instant>,
    pub(super) was_overridden: bool,
    pub(super) was_blocked: bool,
    /// Its failure was logged as that of a dependency; one of its own hasn't been logged.
    pub(super) fails_quietly: bool,
    /// `None` before the first transition: most checks pass from their first run to the last.
    past: Option<Box<Past>>,
}

#[derive(Debug, Default)]
struct Past {
    flapping: bool,
    times: VecDeque<Instant>,
    count: u64,
    history: VecDeque<Transition>,
}

/// What is new about a status.
pub(super) struct Change {
    pub(super) checker: Option<String>,
    pub(super) to: Status,
    pub(super) output: Value,
    pub(super) by: Cause,
    pub(super) sequence: u64,
}

impl Record {
    /// Notes a first pass, which is no transition.
    pub(super) const fn begin(&mut self, status: Status, now: Now) {
        self.status = Some(status);
        self.since = Some(now.mono);
    }

    /// Notes a change; `from` is what was shown before.
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

    /// Whether it changed too often to log each change: before the latest one, and now.
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

    /// How many transitions there were.
    pub(super) fn count(&self) -> u64 {
        self.past.as_ref().map_or(0, |past| past.count)
    }
}
