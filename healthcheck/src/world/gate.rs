//! The state of the gates. Also decides how long a waiter, that is, a caller of a gate or of `until`, has to wait for
//! checks.

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

/// The time after a recovery during which a gate admits waiters one at a time. Without this limit, all waiters would
/// send requests to the recovered dependency at the same moment.
const PACED: Duration = Duration::from_secs(1);
/// The time between two waiters while a gate admits waiters one at a time.
const PACE: Duration = Duration::from_millis(100);

/// Identifies a gate within one `World`. No two gates of a `World` ever have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GateId(u64);

/// The state of a gate, which makes waiters wait while a check fails.
///
/// A waiter may poll long after a check has changed. So every step that changes the `World` also updates the gates. The
/// times in this state are the times at which the checks changed.
#[derive(Debug)]
pub(super) struct Gate {
    /// The names of the gate's checks. The gate ignores a name while no check has it, for example because the check was
    /// removed.
    checks: Vec<String>,
    /// The time at which the gate was closed, because one of its checks began to fail. It is `None` while the gate is
    /// open.
    closed: Option<Instant>,
    /// True once the gate has opened. Also true from the start if each of its checks had passed at least once before
    /// the gate was added. While it is false, the opening of the gate isn't a recovery.
    has_been_open: bool,
    recovered: Option<Instant>,
    /// The time at which the gate last admitted a waiter after the recovery.
    latest: Option<Instant>,
    /// Whether the gate has begun to admit all waiters because it was closed for too long.
    failed_open: bool,
}

/// A gate's answer to a waiter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Pass,
    /// The waiter has to wait. It has to ask the gate again when its waker is called, or at this time.
    Wait(Option<Instant>),
    /// The gate was closed for too long. It now admits all waiters, even while its checks fail. `first` is true for the
    /// first waiter that the gate admits for this reason.
    FailedOpen {
        first: bool,
    },
}

impl World {
    /// Adds a gate for the checks with these names. The gate admits waiters while all these checks pass or warn.
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

    /// Returns the ids of a gate's checks. Skips names that no check has.
    pub(crate) fn checks_of_gate(&self, gate: GateId) -> Vec<CheckId> {
        let checks = self.gates.get(&gate.0).map_or(&[][..], |gate| &gate.checks);
        checks.iter().filter_map(|name| self.find(name)).collect()
    }

    /// Returns the names of a gate's checks, including names that no check has.
    pub(crate) fn names_of_gate(&self, gate: GateId) -> Vec<String> {
        let gate = self.gates.get(&gate.0);
        gate.map(|gate| gate.checks.clone()).unwrap_or_default()
    }

    /// Returns how often a gate of this `World` has failed open. A gate fails open when it was closed for too long and
    /// begins to admit all waiters.
    pub(crate) const fn gates_failed_open(&self) -> u64 {
        self.gates_failed_open
    }

    fn present<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Check> {
        names.iter().filter_map(|name| Some(self.check(self.find(name)?)))
    }

    /// Opens or closes each gate according to the current statuses of the gate's checks.
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

    /// Decides whether the gate admits a waiter now. The waiter has arrived at the time `since`. Once the gate has been
    /// closed for the duration `fail_open_after`, it admits every waiter.
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
            // If no check fails and only a recent result is missing, the gate isn't closed. In this case,
            // `fail_open_after` begins when the waiter arrives.
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

    /// Returns whether a waiter that arrived at the time `since` has to wait for the check. The waiter has to wait in
    /// two cases:
    ///
    /// - The check fails or has no status.
    /// - The check has no override, its last result is older than `since`, and this result is no longer fresh.
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

    /// Returns the checks that have to pass before the selection passes:
    ///
    /// - For startup, the shown checks except those that have already passed.
    /// - For readiness as a whole, the shown checks and the critical startup checks that haven't passed yet.
    /// - For other selections, the shown checks.
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

    /// Returns the reason if readiness fails because the service shuts down or is in maintenance. Returns `None` if the
    /// selection isn't readiness.
    pub(crate) fn taken_out(&self, selection: &Selection, now: Now) -> Option<String> {
        let reason = self.reason(selection, now);
        reason
            .filter(|reason| !matches!(reason, Reason::Starting))
            .map(|reason| reason.to_string())
    }

    /// Returns the name and output of each failing observation that a report on the selection shows.
    pub(crate) fn failing_observations(&self, selection: &Selection) -> Vec<(String, String)> {
        let failing = self.observed_in(selection).filter(|seen| !seen.passed);
        failing
            .map(|seen| (seen.checker.clone(), text(&seen.output)))
            .collect()
    }

    /// Filters `checks`. Returns the checks for which a waiter that arrived at the time `since` still has to wait.
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

    /// Returns the name of a check, and the reason why a waiter has to wait for this check.
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

    /// Returns the earliest time at which one of these checks is due. Returns `None` if time alone makes none of them
    /// due, for example because each check is running or blocked.
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

    /// Registers a waker for these checks. The `World` calls the waker when one of the checks changes its status or
    /// ends a run. `number` identifies the waiter.
    pub(crate) fn watch(&mut self, number: u64, checks: &[CheckId], waker: &Waker) {
        for &id in checks {
            self.waiters.entry(id).or_default().push((number, waker.clone()));
        }
    }

    /// Removes the wakers that [`watch`](Self::watch) registered for these checks under this number.
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
