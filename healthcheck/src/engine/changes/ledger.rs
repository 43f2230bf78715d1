//! What has been told, and what becomes of it with each change.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Cause, Transition};
use crate::check::CheckInfo;
use crate::clock::{self, Now};
use crate::outcome::Status;

/// How many transitions of each check, and of the whole, are kept.
const KEPT: usize = 32;
/// How often a failure that lasts is logged again.
const REMINDER: Duration = Duration::from_secs(600);
/// More changes than this within ten minutes: logged once as flapping instead of one by one.
pub(super) const FLAPPING: usize = 6;

/// Under one lock: what has been told of each check and of the whole.
pub(super) struct Ledger {
    /// One for each slot that is a check; the checks are the first slots.
    pub(super) checks: Vec<Told>,
    pub(super) whole: Told,
    pub(super) maintenance: Told,
    /// What no run gives, by name.
    pub(super) observed: BTreeMap<String, Told>,
    pub(super) tally: Tally,
    pub(super) reminded: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Told {
    pub(super) status: Option<Status>,
    pub(super) since: Option<f64>,
    pub(super) was_masked: bool,
    pub(super) was_blocked: bool,
    /// Its failure was told as that of what it depends on: one of its own hasn't been logged.
    pub(super) fails_quietly: bool,
    /// `None` before the first transition: most checks pass from their first run to the last.
    pub(super) past: Option<Box<Past>>,
}

/// The transitions so far.
#[derive(Default)]
pub(super) struct Past {
    flapping: bool,
    times: VecDeque<Instant>,
    pub(super) count: u64,
    pub(super) history: VecDeque<Transition>,
}

/// How many checks stand in the way of a better verdict on the whole.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) unknown: usize,
    pub(super) failing: usize,
    /// Failing, and not critical.
    pub(super) optional: usize,
    pub(super) warning: usize,
}

impl Ledger {
    pub(super) fn reminder(&mut self, now: Now) -> bool {
        if self.tally.failing + self.tally.optional == 0 {
            self.reminded = None;
            return false;
        }
        match self.reminded {
            Some(before) if now.mono.saturating_duration_since(before) < REMINDER => false,
            before => {
                self.reminded = Some(now.mono);
                // The first is the transition's own line.
                before.is_some()
            }
        }
    }
}

impl Told {
    pub(super) fn change(
        &mut self,
        checker: Option<String>,
        from: Option<Status>,
        to: Status,
        output: Value,
        by: Cause,
        now: Now,
    ) -> Transition {
        let at = clock::epoch_seconds(now.wall);
        let lasted = self
            .since
            .map(|since| ((at - since).max(0.0) * 1e6).round() / 1e6);
        let transition = Transition {
            checker,
            from,
            to,
            output,
            at,
            lasted,
            by,
        };
        self.status = Some(to);
        self.since = Some(at);
        let past = self.past.get_or_insert_default();
        past.count += 1;
        past.times
            .retain(|&before| now.mono.saturating_duration_since(before) < REMINDER);
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

    /// Whether it changed too often to log each change before the latest one, and whether it does now.
    pub(super) fn flaps(&mut self) -> (bool, bool) {
        let Some(past) = &mut self.past else {
            return (false, false);
        };
        let now = past.times.len() > FLAPPING;
        (std::mem::replace(&mut past.flapping, now), now)
    }
}

impl Tally {
    pub(super) fn count(&mut self, info: &Arc<CheckInfo>, from: Option<Status>, to: Status) {
        if let Some(place) = self.place(info, from) {
            *place = place.saturating_sub(1);
        }
        if let Some(place) = self.place(info, Some(to)) {
            *place += 1;
        }
    }

    pub(super) fn place(&mut self, info: &CheckInfo, status: Option<Status>) -> Option<&mut usize> {
        match status {
            None => Some(&mut self.unknown),
            Some(Status::Pass) => None,
            Some(Status::Fail) if info.options().critical => Some(&mut self.failing),
            Some(Status::Fail) => Some(&mut self.optional),
            Some(Status::Warn) => Some(&mut self.warning),
        }
    }

    /// `None` while that depends on checks without a result.
    pub(super) const fn status(&self) -> Option<Status> {
        if self.failing > 0 {
            Some(Status::Fail)
        } else if self.unknown > 0 {
            None
        } else if self.optional + self.warning > 0 {
            Some(Status::Warn)
        } else {
            Some(Status::Pass)
        }
    }
}
