//! Adds and removes checks and sections, and links the checks to their dependencies.

use std::collections::HashMap;

use super::World;
use super::check::{Check, Phase, Run, RunReason, RunsOn, Subject};
use super::graph;
use super::id::CheckId;
use crate::model::CheckInfo;
use crate::model::Shared;
use crate::model::policy::Policy;
use crate::model::time::{Instant, Now};

/// A check or section that a caller adds to the `World`.
#[derive(Debug)]
pub(crate) struct NewCheck {
    pub(crate) subject: Subject,
    pub(crate) policy: Shared<Policy>,
    pub(crate) is_async: bool,
}

/// The warning that reports show while the registry has no checks. Adding the first check removes this warning.
pub(crate) const NO_CHECKS: &str =
    "no check is registered; a crate that nothing names isn't linked: write `use the_crate as _;`";

impl World {
    /// Adds these checks and sections, and returns their ids in the same order. The registry has already verified that
    /// the new names are unique and that the dependencies form no cycle.
    pub(crate) fn add(&mut self, new: Vec<NewCheck>, now: Now) -> Vec<CheckId> {
        self.checks
            .reserve_exact(new.len().saturating_sub(self.free.len()));
        let ids = new.into_iter().map(|new| self.insert(new, now)).collect();
        self.by_name.sort_unstable_by(|&one, &other| {
            let name = |id: CheckId| self.checks[id.index()].as_ref().map(Check::name);
            name(one).cmp(&name(other))
        });
        self.sections.sort_unstable_by(|&one, &other| {
            let name = |id: CheckId| self.checks[id.index()].as_ref().map(Check::name);
            name(one).cmp(&name(other))
        });
        self.connect();
        self.generation += 1;
        ids
    }

    /// Records a check as disabled. The check never runs, and probes ignore its name instead of returning an error.
    pub(crate) fn note_disabled(&mut self, info: Shared<CheckInfo>) {
        self.disabled.insert(info.name().to_owned(), info);
    }

    fn insert(&mut self, new: NewCheck, now: Now) -> CheckId {
        let NewCheck {
            subject,
            policy,
            is_async,
        } = new;
        let mut check = Check::new(subject, policy, is_async);
        let ghost = self.ghosts.iter().find(|(_, name)| **name == check.name());
        if let Some((&id, _)) = ghost {
            // A run of a removed check with this name hasn't ended yet. A check must not run twice at the same time, so
            // the new check has to wait until that run ends.
            check.run = Some(Box::new(Run {
                id,
                runs_on: RunsOn {
                    runtime: 0,
                    chosen: false,
                },
                reason: RunReason::Forced,
                since: now,
                phase: Phase::TimedOut { lasts: false },
                silent: None,
                deadline: None,
            }));
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.checks.push(None);
            CheckId(u32::try_from(self.checks.len() - 1).unwrap_or(u32::MAX))
        });
        self.loops += usize::from(check.policy.interval.is_some());
        match &check.subject {
            Subject::Check(_) => {
                self.built_warnings.retain(|warning| warning != NO_CHECKS);
                self.by_name.push(id);
                self.tally.add(&check, None);
            }
            Subject::Section(_) => self.sections.push(id),
        }
        self.checks[id.index()] = Some(check);
        if self.looping {
            self.plan_first_run(id, now.mono);
        }
        id
    }

    /// Schedules the first background run of the check, if the check has an interval.
    pub(super) fn plan_first_run(&mut self, id: CheckId, now: Instant) {
        let Some(check) = self.checks.get_mut(id.index()).and_then(Option::as_mut) else {
            return;
        };
        if check.policy.interval.is_some() {
            let delay = self.jitter.around(check.policy.initial_delay.unwrap_or_default());
            let at = later(now, delay);
            check.next_run = Some(at);
            self.intervals.put(at, id);
        }
    }

    /// Removes a check or section from the `World` and returns its state.
    pub(super) fn take_out(&mut self, id: CheckId) -> Option<Check> {
        let check = self.checks.get_mut(id.index())?.take()?;
        self.by_name.retain(|&other| other != id);
        self.sections.retain(|&other| other != id);
        self.free.push(id);
        self.loops -= usize::from(check.policy.interval.is_some());
        if check.info().is_some() {
            self.tally.remove(&check, check.record.status);
        }
        Some(check)
    }

    /// Links all checks to their dependencies anew, and recomputes the members of each probe.
    pub(super) fn connect(&mut self) {
        let count = self.by_name.len();
        let mut edges: Vec<Vec<u32>> = Vec::with_capacity(count);
        self.population += 1;
        let mut absence_warnings = Vec::new();
        let places: HashMap<&str, u32> = (0..)
            .zip(&self.by_name)
            .map(|(place, &id)| (self.check(id).name(), place))
            .collect();
        for &id in &self.by_name {
            let check = self.check(id);
            let declared = check
                .info()
                .map_or(&[][..], |info| &info.options().depends_on[..]);
            let mut on: Vec<u32> = Vec::with_capacity(declared.len());
            for name in declared {
                match places.get(&**name) {
                    Some(&place) if !on.contains(&place) => on.push(place),
                    Some(_) => {}
                    None => {
                        let gone = if self.disabled.contains_key(&**name) {
                            "is disabled"
                        } else {
                            "was removed"
                        };
                        absence_warnings.push(format!(
                            "the check `{}` runs without `{name}`, which {gone}",
                            check.name()
                        ));
                    }
                }
            }
            edges.push(on);
        }
        // The registry has already rejected cycles. If there is a cycle nevertheless, all checks get the same rank.
        let ranks = graph::ranks(&edges).unwrap_or_else(|_| vec![0; count]);
        drop(places);
        let mut dependants: Vec<Vec<CheckId>> = vec![Vec::new(); count];
        for (place, on) in edges.iter().enumerate() {
            for &on in on {
                dependants[on as usize].push(self.by_name[place]);
            }
        }
        for (place, ((on, dependants), rank)) in edges.into_iter().zip(dependants).zip(ranks).enumerate() {
            let depends_on = on.into_iter().map(|on| self.by_name[on as usize]).collect();
            let id = self.by_name[place];
            if let Some(check) = self.get_mut(id) {
                check.depends_on = depends_on;
                check.dependants = dependants.into_boxed_slice();
                check.rank = rank;
            }
        }
        self.absence_warnings = absence_warnings;
        self.probes = self.probes();
    }
}

/// Returns `now + delay`. If the clock can't represent that time, returns `now` + 30 years, which tokio's timers can
/// still handle.
pub(super) fn later(now: Instant, delay: std::time::Duration) -> Instant {
    const FAR: std::time::Duration = std::time::Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now.checked_add(delay).unwrap_or(now + FAR)
}
