//! Handles the changes that the service or an operator makes: overrides, observations, maintenance and the removal of
//! checks.

use std::cmp::Reverse;

use serde_json::Value;

use super::Step;
use crate::model::time;
use crate::outcome::Status;
use crate::report::CheckResult;
use crate::transition::Cause;
use crate::world::check::{Override, Phase};
use crate::world::event::{Notice, Wording};
use crate::world::id::CheckId;
use crate::world::record::Change;

impl Step<'_> {
    pub(super) fn set_override(&mut self, id: CheckId, set: Option<Override>) {
        let now = self.now;
        let Some(check) = self.world.get_mut(id) else {
            return;
        };
        if let Some(set) = &set {
            self.effects.notices.push(Notice::Overridden {
                check: check.name().to_owned(),
                status: set.status,
                reason: set.reason.clone(),
                seconds: set.until.saturating_duration_since(now.mono).as_secs(),
            });
        }
        check.overridden = set.map(Box::new);
        self.world.generation += 1;
        self.refresh(id);
    }

    pub(super) fn remove(&mut self, id: CheckId, disable: bool) {
        let dependants = self
            .world
            .get(id)
            .map(|check| check.dependants.clone())
            .unwrap_or_default();
        let Some(check) = self.world.take_out(id) else {
            return;
        };
        if let Some(run) = check.run.as_ref() {
            match run.phase {
                Phase::AwaitingDependencies | Phase::Returned(_) => {}
                Phase::Running | Phase::Abandoned | Phase::TimedOut { .. } => {
                    self.world.ghosts.insert(run.id, check.name().to_owned());
                    self.effects.cancel.push((id, run.id));
                }
            }
        }
        if let Some(info) = check.info().filter(|_| disable) {
            self.world.note_disabled(info.clone());
        }
        self.cause = Some(Cause::Run);
        self.changed.push(check.name().to_owned());
        self.world.connect();
        self.wake(id);
        for on in dependants {
            if let Some(dependant) = self.world.get_mut(on) {
                dependant.due = true;
                let rank = dependant.rank;
                self.affected.push(Reverse((rank, on)));
            }
        }
        self.world.generation += 1;
    }

    /// Removes the observation with the same name as a newly added check, if there is one.
    pub(super) fn replace_observation(&mut self, id: CheckId) {
        let Some(check) = self.world.get(id) else { return };
        let name = check.name().to_owned();
        self.record_observation(&name, None);
        // The observation's record is no longer needed: from now on, the check has the history under this name.
        self.world.observed.remove(&name);
    }

    pub(super) fn observe(&mut self, name: &str, seen: Option<(Status, Value)>) {
        if self.world.find(name).is_none() && !self.world.disabled.contains_key(name) {
            self.record_observation(name, seen);
        }
    }

    pub(super) fn record_observation(&mut self, name: &str, seen: Option<(Status, Value)>) {
        let now = self.now;
        let before = self.world.observations.get_mut(name);
        let from = before.as_ref().map(|before| before.status);
        let (to, output) = match seen {
            None => {
                if self.world.observations.remove(name).is_none() {
                    return;
                }
                // An observation that is removed no longer fails, so we record a change to pass.
                (Status::Pass, Value::Null)
            }
            Some((status, output)) => {
                let at = time::epoch_seconds(now.wall);
                let before = match before {
                    // The observer repeats the same status and output. Only the time changes, so we don't invalidate
                    // cached reports.
                    Some(same) if same.status == status && same.output == output => {
                        same.timestamp = Some(at);
                        return;
                    }
                    before => before,
                };
                let since = before.and_then(|before| before.failing_since).unwrap_or(at);
                let fails = status == Status::Fail;
                let result = CheckResult {
                    output: output.clone(),
                    passed: status.passed(),
                    status,
                    timestamp: Some(at),
                    failing_since: fails.then_some(since),
                    consecutive_failures: u64::from(fails),
                    ..CheckResult::unknown(name.to_owned())
                };
                self.world.observations.insert(name.to_owned(), result);
                (status, output)
            }
        };
        self.world.generation += 1;
        let record = self.world.observed.entry(name.to_owned()).or_default();
        if from.unwrap_or(Status::Pass) == to {
            return;
        }
        self.world.sequence += 1;
        let change = Change {
            checker: Some(name.to_owned()),
            to,
            output,
            by: Cause::Run,
            sequence: self.world.sequence,
        };
        let transition = record.change(change, now);
        self.effects.notices.push(Notice::Transition {
            transition,
            wording: Some(Wording::Plain),
            critical: true,
            info: None,
        });
    }

    pub(super) fn expire(&mut self, checks: &[CheckId]) {
        for &id in checks {
            let now = self.now;
            let Some(check) = self.world.get_mut(id) else {
                continue;
            };
            if check.last.is_some() && !check.is_over() {
                check.due = true;
            }
            if check.next_run.is_some_and(|at| at > now.mono) {
                check.next_run = Some(now.mono);
                self.world.intervals.put(now.mono, id);
            }
        }
        self.world.generation += 1;
    }

    pub(super) fn maintain(&mut self, reason: Option<String>) {
        let before = std::mem::replace(&mut self.world.maintenance, reason.clone());
        if before == reason {
            return;
        }
        self.world.generation += 1;
        self.effects.notices.push(match &reason {
            Some(reason) => Notice::MaintenanceBegins(reason.clone()),
            None => Notice::MaintenanceEnds,
        });
        self.wake_all();
        if before.is_some() == reason.is_some() {
            return;
        }
        let to = if reason.is_some() {
            Status::Fail
        } else {
            Status::Pass
        };
        if self.world.maintained.status.is_none() {
            self.world.maintained.status = Some(Status::Pass);
        }
        self.world.sequence += 1;
        let change = Change {
            checker: None,
            to,
            output: reason.map_or(Value::Null, Value::from),
            by: Cause::Maintenance,
            sequence: self.world.sequence,
        };
        let transition = self.world.maintained.change(change, self.now);
        self.effects.notices.push(Notice::Transition {
            transition,
            wording: Some(Wording::Plain),
            critical: true,
            info: None,
        });
    }

    pub(super) fn warn(&mut self, text: String) {
        let world = &mut *self.world;
        if world.built_warnings.contains(&text) || world.added_warnings.contains(&text) {
            return;
        }
        if world.added_warnings.len() == super::super::MOST_WARNINGS {
            world.added_warnings.pop_front();
        }
        world.added_warnings.push_back(text);
        world.generation += 1;
    }
}
