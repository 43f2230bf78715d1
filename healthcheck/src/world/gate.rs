//! Who waits for statuses: gates, and `until`.

use std::task::Waker;
use std::time::Duration;

use serde_json::Value;

use super::World;
use super::check::Check;
use super::freshness::earlier;
use super::id::CheckId;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::Reason;
use crate::selection::{MaxAge, Scope, Selection};

/// For so long after a recovery a gate lets waiters through one at a time: what has just come back isn't run over by all
/// that waited for it.
const PACED: Duration = Duration::from_secs(1);
/// So long after one waiter the next one is let through.
const PACE: Duration = Duration::from_millis(100);

/// Names a gate of one world. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GateId(u64);

/// The state of a gate. Every step updates it, so its times are those of the checks, and don't depend on when a waiter
/// looks.
#[derive(Debug)]
pub(super) struct Gate {
    /// By name: a check that was removed passes, and counts again once there is one of its name.
    checks: Vec<String>,
    /// Since when one of them fails.
    closed: Option<Instant>,
    /// All of them have passed before: the next pass is a recovery.
    has_been_open: bool,
    recovered: Option<Instant>,
    /// When the last waiter was let through since the recovery.
    latest: Option<Instant>,
    /// It lets everybody through, since it has been closed for too long.
    failed_open: bool,
}

/// What a gate says to somebody who wants to pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Pass,
    /// Look again when the waker is called, or then.
    Wait(Option<Instant>),
    /// It has been closed for so long that it lets everybody through. `first`: nobody before.
    FailedOpen {
        first: bool,
    },
}

impl World {
    /// Puts up a gate before the checks of these names.
    pub(crate) fn add_gate(&mut self, checks: Vec<String>, now: Instant) -> GateId {
        self.latest_gate += 1;
        let fails = self.present(&checks).any(|check| check.shown.fails());
        let has_been_open = self.present(&checks).all(Check::has_passed);
        let gate = Gate {
            has_been_open,
            checks,
            closed: fails.then_some(now),
            recovered: None,
            latest: None,
            failed_open: false,
        };
        self.gates.insert(self.latest_gate, gate);
        GateId(self.latest_gate)
    }

    pub(crate) fn remove_gate(&mut self, gate: GateId) {
        self.gates.remove(&gate.0);
    }

    /// The checks of a gate that are there.
    pub(crate) fn checks_of_gate(&self, gate: GateId) -> Vec<CheckId> {
        let checks = self.gates.get(&gate.0).map_or(&[][..], |gate| &gate.checks);
        checks.iter().filter_map(|name| self.find(name)).collect()
    }

    /// The names of a gate's checks.
    pub(crate) fn names_of_gate(&self, gate: GateId) -> Vec<String> {
        let gate = self.gates.get(&gate.0);
        gate.map(|gate| gate.checks.clone()).unwrap_or_default()
    }

    /// How often a gate has begun to let everybody through, since it was closed for too long.
    pub(crate) const fn gates_failed_open(&self) -> u64 {
        self.gates_failed_open
    }

    fn present<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Check> {
        names.iter().filter_map(|name| Some(self.check(self.find(name)?)))
    }

    /// Opens and closes the gates, as their checks are shown now.
    pub(super) fn judge_gates(&mut self, now: Instant) {
        if self.gates.is_empty() {
            return;
        }
        let mut gates = std::mem::take(&mut self.gates);
        for gate in gates.values_mut() {
            let fails = self.present(&gate.checks).any(|check| check.shown.fails());
            let known = self
                .present(&gate.checks)
                .all(|check| check.shown.status.is_some());
            if fails {
                gate.close(now);
            } else if known {
                gate.open(now);
            }
        }
        self.gates = gates;
    }

    /// Whether somebody who came at `since` may pass a gate now. With `fail_open_after` he may in any case, once it has been
    /// closed for that long.
    pub(crate) fn admit(
        &mut self,
        gate: GateId,
        since: Instant,
        fail_open_after: Option<Duration>,
        now: Now,
    ) -> Admission {
        let is_missing = |&id: &CheckId| self.is_missing(id, since, None, now);
        let missing = self.checks_of_gate(gate).iter().any(is_missing);
        let Some(gate) = self.gates.get_mut(&gate.0) else {
            return Admission::Pass;
        };
        if missing {
            // Without a recent result it isn't closed, and nobody passes: that counts from when he came.
            let closed = gate.closed.unwrap_or(since);
            let opens = fail_open_after.and_then(|after| closed.checked_add(after));
            return match opens {
                Some(opens) if now.mono >= opens => {
                    let first = !std::mem::replace(&mut gate.failed_open, true);
                    self.gates_failed_open += u64::from(first);
                    Admission::FailedOpen { first }
                }
                opens => Admission::Wait(opens),
            };
        }
        let paced_until = gate.recovered.and_then(|at| at.checked_add(PACED));
        let Some(paced_until) = paced_until.filter(|&until| now.mono < until) else {
            return Admission::Pass;
        };
        let next = gate.latest.and_then(|latest| latest.checked_add(PACE));
        match next {
            Some(next) if now.mono < next => Admission::Wait(Some(next.min(paced_until))),
            _ => {
                gate.latest = Some(now.mono);
                Admission::Pass
            }
        }
    }

    /// Whether somebody who came at `since` has to wait for a check: it fails, or what it last gave is neither fresh nor
    /// of since then.
    fn is_missing(&self, id: CheckId, since: Instant, max_age: Option<MaxAge>, now: Now) -> bool {
        let check = self.check(id);
        match check.shown.status {
            Some(Status::Fail) | None => true,
            Some(Status::Pass | Status::Warn) => {
                let is_recent = check.last.as_ref().is_some_and(|last| last.at.mono >= since);
                let is_set = check.override_at(now.mono).is_some();
                !is_recent && !is_set && check.fresh_until(now, max_age).is_none()
            }
        }
    }

    /// The checks that have to pass for a selection, each for itself: its own, and for readiness the startup checks,
    /// without which it is never ready.
    pub(crate) fn needed(&self, selection: &Selection, shown: &[CheckId], now: Instant) -> Vec<CheckId> {
        let mut needed: Vec<CheckId> = match selection.scope {
            Scope::Startup => {
                let missing = shown.iter().filter(|&&id| self.check(id).latched.is_none());
                missing.copied().collect()
            }
            _ => shown.to_vec(),
        };
        if selection.scope == Scope::Readiness && !selection.alone {
            let startup = self.probes[Scope::Startup as usize].shown.iter().copied();
            let starting =
                startup.filter(|&id| self.keeps_starting(self.check(id), now) && !shown.contains(&id));
            needed.extend(starting.collect::<Vec<_>>());
        }
        needed
    }

    /// Why readiness is taken out, where that is asked about: it shuts down, or is in maintenance.
    pub(crate) fn taken_out(&self, selection: &Selection, now: Now) -> Option<String> {
        let reason = self.reason(selection, now);
        reason
            .filter(|reason| !matches!(reason, Reason::Starting))
            .map(|reason| reason.to_string())
    }

    /// What is seen of the process from outside and fails, in this selection: names and outputs.
    pub(crate) fn failing_observations(&self, selection: &Selection) -> Vec<(String, String)> {
        let failing = self.observed_in(selection).filter(|seen| !seen.passed);
        failing
            .map(|seen| (seen.checker.clone(), text(&seen.output)))
            .collect()
    }

    /// Those of these checks that somebody who came at `since` has to wait for.
    pub(crate) fn missing(
        &self,
        checks: &[CheckId],
        since: Instant,
        max_age: Option<MaxAge>,
        now: Now,
    ) -> Vec<CheckId> {
        let missing = checks.iter().copied();
        missing
            .filter(|&id| self.is_missing(id, since, max_age, now))
            .collect()
    }

    /// A check's name, and why somebody waits for it.
    pub(crate) fn what_is_missing(&self, id: CheckId, now: Now) -> (String, String) {
        let check = self.check(id);
        let run = check.run.as_ref().filter(|_| check.is_pending());
        let said = match (check.shown.status, run) {
            (Some(Status::Fail), _) => text(&self.shown_output(id, now)),
            (None, None) => "not run yet".to_owned(),
            (None, Some(run)) => {
                let lasts = time::human(now.since(run.since.mono));
                format!("not run yet, running for {lasts}")
            }
            (Some(_), _) => "no recent result".to_owned(),
        };
        (check.name().to_owned(), said)
    }

    /// When one of these, or of what they depend on, is to be run again; `None`: a run or a loop says more before that.
    pub(crate) fn next_due(
        &self,
        required: &[CheckId],
        max_age: Option<MaxAge>,
        now: Now,
    ) -> Option<Instant> {
        let mut next = None;
        for &id in required {
            let check = self.check(id);
            let at = match check.fresh_until(now, max_age) {
                Some(until) => until.mono(),
                None if check.is_pending() || check.waits_for_loop() || self.blocker(check).is_some() => None,
                None => Some(now.mono),
            };
            next = earlier(next, at);
        }
        next
    }

    /// Has a waker called when the status of one of these checks changes, or a run of it ends.
    pub(crate) fn watch(&mut self, number: u64, checks: &[CheckId], waker: &Waker) {
        for &id in checks {
            self.waiters.entry(id).or_default().push((number, waker.clone()));
        }
    }

    /// Ends that.
    pub(crate) fn unwatch(&mut self, number: u64, checks: &[CheckId]) {
        for id in checks {
            if let Some(waiting) = self.waiters.get_mut(id) {
                waiting.retain(|(other, _)| *other != number);
                if waiting.is_empty() {
                    self.waiters.remove(id);
                }
            }
        }
    }
}

impl Gate {
    fn close(&mut self, now: Instant) {
        self.closed.get_or_insert(now);
        self.recovered = None;
        self.latest = None;
    }

    fn open(&mut self, now: Instant) {
        let was_closed = self.closed.take().is_some();
        if was_closed && self.has_been_open {
            self.recovered = Some(now);
        }
        self.has_been_open = true;
        self.failed_open = false;
    }
}

fn text(output: &Value) -> String {
    match output {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Check {
    fn has_passed(&self) -> bool {
        self.verdict.has_passed() || self.latched.is_some()
    }
}
