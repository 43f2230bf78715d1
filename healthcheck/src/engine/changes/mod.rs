//! What has been told of each check and of the whole, and the transitions between: history, listeners, log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Engine;
use super::listeners::Listeners;
use super::shown::Seen;
use crate::clock::{self, Now};
use crate::outcome::Status;

mod ledger;
mod lines;
mod transition;

use ledger::{Ledger, Tally, Told};
use lines::{Line, Wording, log, log_section, log_unchanged};
pub use transition::{Cause, Transition};

/// What has been told so far.
pub(crate) struct Changes {
    ledger: Mutex<Ledger>,
    listeners: Option<Listeners>,
}

impl Changes {
    pub(crate) fn new(checks: usize, listeners: Option<Listeners>) -> Self {
        let told = std::iter::repeat_with(Told::default).take(checks).collect();
        let tally = Tally {
            unknown: checks,
            ..Tally::default()
        };
        let ledger = Ledger {
            checks: told,
            whole: Told::default(),
            maintenance: Told::default(),
            observed: BTreeMap::new(),
            tally,
            reminded: None,
        };
        Self {
            ledger: Mutex::new(ledger),
            listeners,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // Under the lock only numbers are compared and lists appended to.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every transition that is kept, the oldest first.
    pub(crate) fn history(&self) -> Vec<Transition> {
        let ledger = self.lock();
        let kept = ledger
            .checks
            .iter()
            .chain(ledger.observed.values())
            .chain([&ledger.whole, &ledger.maintenance])
            .filter_map(|told| told.past.as_deref())
            .flat_map(|past| &past.history);
        let mut all: Vec<Transition> = kept.cloned().collect();
        drop(ledger);
        all.sort_by(|one, other| one.at.total_cmp(&other.at));
        all
    }

    /// How often each check's shown status has changed.
    pub(crate) fn counts(&self) -> Vec<u64> {
        let count = |told: &Told| told.past.as_ref().map_or(0, |past| past.count);
        self.lock().checks.iter().map(count).collect()
    }

    /// Takes note of the beginning or the end of maintenance, which readiness shows and no check.
    pub(crate) fn record_maintenance(&self, to: Status, reason: Value, now: Now) {
        let mut ledger = self.lock();
        let from = ledger.maintenance.status.or(Some(Status::Pass));
        let transition = ledger
            .maintenance
            .change(None, from, to, reason, Cause::Maintenance, now);
        self.tell(&transition);
        drop(ledger);
        self.log(&[Line::plain(transition)]);
    }

    /// Takes note of an observation, whose status was `from`.
    pub(crate) fn record_observed(
        &self,
        name: &str,
        from: Option<Status>,
        to: Status,
        output: Value,
        now: Now,
    ) {
        if from.unwrap_or(Status::Pass) == to {
            return;
        }
        let mut ledger = self.lock();
        let told = ledger.observed.entry(name.to_owned()).or_default();
        let transition = told.change(Some(name.to_owned()), from, to, output, Cause::Run, now);
        self.tell(&transition);
        drop(ledger);
        self.log(&[Line::plain(transition)]);
    }

    /// Tells the listeners, who hear of everything in the order in which it is written down: under the ledger's lock.
    fn tell(&self, transition: &Transition) {
        if let Some(listeners) = &self.listeners {
            listeners.tell(transition.clone());
        }
    }

    /// Logs, with no lock held.
    fn log(&self, lines: &[Line]) {
        lines.iter().for_each(log);
        if let Some(listeners) = &self.listeners {
            listeners.log_dropped();
        }
    }
}

impl Engine {
    /// Compares what is shown of a slot, and of all that depends on it, with what has been told.
    pub(crate) fn note(&self, index: u32, now: Now) {
        let slot = self.slot(index);
        let Some(info) = slot.check() else {
            return log_section(slot);
        };
        let mut lines = Vec::new();
        let mut ledger = self.changes.lock();
        let mut changed = self.note_one(&mut ledger, index, now, &mut lines);
        if changed.is_empty() {
            // What hangs on it may have been told otherwise meanwhile, under an override that has ended.
            changed.extend_from_slice(&slot.dependants);
        }
        while let Some(index) = changed.pop() {
            let more = self.note_one(&mut ledger, index, now, &mut lines);
            changed.extend(more);
        }
        lines.extend(self.note_whole(&mut ledger, &lines, now));
        let reminder = ledger.reminder(now);
        drop(ledger);
        if lines.iter().all(|line| line.wording.is_none()) {
            log_unchanged(slot, info);
        }
        self.changes.log(&lines);
        if reminder {
            let failing: Vec<&str> = self.failing(now);
            tracing::error!(checks = failing.join(", "), "health checks are still failing");
        }
    }

    /// Takes note of what has changed by time alone: overrides that ended, results that grew stale.
    pub(crate) fn note_all(&self, now: Now) {
        if !self.changes_by_time() {
            return;
        }
        for index in 0.. {
            let Some(slot) = self
                .slots
                .get(index as usize)
                .filter(|slot| slot.check().is_some())
            else {
                return;
            };
            let by_time = slot.policy.interval.is_some() || slot.lock().masked.is_some();
            if by_time {
                self.note_quietly(index, now);
            }
        }
    }

    /// As `note`, where no run has ended.
    pub(crate) fn note_quietly(&self, index: u32, now: Now) {
        let shown = {
            let mut ledger = self.changes.lock();
            let shown = self.shown(index, now);
            match ledger.checks.get_mut(index as usize) {
                Some(told) if told.status == shown => {
                    // An override that ended without a trace has nothing to do with what comes next.
                    told.was_masked = self.slot(index).lock().mask(now).is_some();
                    return;
                }
                _ => shown,
            }
        };
        if shown.is_some() {
            self.touch();
            self.note(index, now);
        }
    }

    /// A check was taken out: the whole is what the others say, and those that it held up may run.
    pub(crate) fn forget(&self, index: u32) {
        let slot = self.slot(index);
        let Some(info) = slot.check() else { return };
        let mut lines = Vec::new();
        let now = Now::read();
        {
            let mut ledger = self.changes.lock();
            let told = ledger.checks.get_mut(index as usize);
            let from = told.and_then(|told| told.status.take());
            ledger.tally.count(info, from, Status::Pass);
            lines.extend(self.note_whole(&mut ledger, &[], now));
        }
        self.changes.log(&lines);
        for &dependant in &slot.dependants {
            self.slot(dependant).lock().recheck();
            self.note_quietly(dependant, now);
        }
    }

    /// The names of the checks that are shown as failing.
    pub(crate) fn failing(&self, now: Now) -> Vec<&str> {
        (0..)
            .zip(&self.slots)
            .filter(|(index, slot)| slot.check().is_some() && self.shown(*index, now) == Some(Status::Fail))
            .map(|(_, slot)| slot.name())
            .collect()
    }

    /// Notes one check; gives the dependants to look at where its status changed.
    fn note_one(&self, ledger: &mut Ledger, index: u32, now: Now, lines: &mut Vec<Line>) -> Vec<u32> {
        let slot = self.slot(index);
        let Seen {
            status,
            blocker,
            masked,
            stale,
        } = self.seen(index, now);
        let (Some(info), Some(shown)) = (slot.check(), status) else {
            return Vec::new();
        };
        let Some(told) = ledger.checks.get_mut(index as usize) else {
            return Vec::new();
        };
        let from = told.status;
        let output = |blocker: Option<&str>| {
            let state = slot.lock();
            match (state.mask(now), blocker) {
                (Some(mask), _) => Value::String(mask.reason.clone()),
                (None, Some(blocker)) => Value::String(format!("blocked by {blocker}")),
                (None, None) if stale => "stale: its background loop gives no results".into(),
                (None, None) => {
                    let last = state.last.as_ref();
                    last.map(|last| last.output.clone()).unwrap_or_default()
                }
            }
        };
        let by = if masked || told.was_masked {
            Cause::Override
        } else if blocker.is_some() || told.was_blocked {
            Cause::Dependency
        } else if stale {
            Cause::Stale
        } else {
            Cause::Run
        };
        told.was_masked = masked;
        told.was_blocked = blocker.is_some();
        if from == Some(shown) {
            if blocker.is_none() && !masked && std::mem::take(&mut told.fails_quietly) {
                let blocked = told.past.as_ref().and_then(|past| past.history.back()).cloned();
                let output = output(blocker);
                lines.extend(blocked.map(|it| Line::plain(Transition { output, ..it })));
            }
            return Vec::new();
        }
        ledger.tally.count(info, from, shown);
        if from.is_none() && shown == Status::Pass {
            told.status = Some(shown);
            told.since = Some(clock::epoch_seconds(now.wall));
            return slot.dependants.to_vec();
        }
        let output = output(blocker);
        let transition = told.change(Some(info.name().to_owned()), from, shown, output, by, now);
        self.changes.tell(&transition);
        let wording = match told.flaps() {
            (true, true) => None,
            _ if by == Cause::Dependency => Some(Wording::Blocked),
            (false, true) => Some(Wording::Flapping),
            (_, false) => Some(Wording::Plain),
        };
        told.fails_quietly = wording == Some(Wording::Blocked) && shown == Status::Fail;
        lines.push(Line { transition, wording });
        if from == Some(Status::Fail) {
            // What it held up may be told anew at once, not only when a failure of before has expired.
            for &dependant in &slot.dependants {
                let mut state = self.slot(dependant).lock();
                if state.last.as_ref().is_none_or(|last| !last.status.passed()) {
                    state.recheck();
                }
            }
            // A report that was put together since the result came in doesn't know that they are due.
            self.touch();
        }
        slot.dependants.to_vec()
    }

    /// Notes the whole, after these changes.
    fn note_whole(&self, ledger: &mut Ledger, changes: &[Line], now: Now) -> Option<Line> {
        let status = ledger.tally.status()?;
        let from = ledger.whole.status;
        if from == Some(status) {
            return None;
        }
        if from.is_none() && status == Status::Pass {
            ledger.whole.status = Some(status);
            ledger.whole.since = Some(clock::epoch_seconds(now.wall));
            return None;
        }
        let by = changes.last().map_or(Cause::Run, |line| line.transition.by);
        let names = changes.iter().filter_map(|line| line.transition.checker.clone());
        let output = names.collect::<Vec<_>>().join(", ");
        let transition = ledger.whole.change(None, from, status, output.into(), by, now);
        self.changes.tell(&transition);
        Some(Line::plain(transition))
    }
}
