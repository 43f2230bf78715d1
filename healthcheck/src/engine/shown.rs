//! The status that is shown of a check, with what it depends on, and for how long nothing of it changes by itself.

use std::collections::HashSet;

use super::Engine;
use crate::clock::{Now, Until};
use crate::outcome::Status;
use crate::selection::MaxAge;

/// What is told of a check, and why.
pub(super) struct Seen<'a> {
    /// `None` before its first result.
    pub(super) status: Option<Status>,
    /// The dependency that keeps it from being run.
    pub(super) blocker: Option<&'a str>,
    /// Set by hand.
    pub(super) masked: bool,
    /// Its background loop gives no results any more.
    pub(super) stale: bool,
}

/// A check's status apart from what it depends on.
enum Own {
    /// For good or by hand: whatever it depends on.
    Set(Option<Status>),
    /// By its runs.
    Given(Option<Status>),
}

impl Engine {
    /// The status that is told of a check, whoever asks; `None` before its first result.
    pub(crate) fn shown(&self, index: u32, now: Now) -> Option<Status> {
        self.seen(index, now).status
    }

    /// What is told of a check, whoever asks, with one look at it.
    pub(super) fn seen(&self, index: u32, now: Now) -> Seen<'_> {
        let blocker = self.blocked_by(index, now);
        let slot = self.slot(index);
        let state = slot.lock();
        let mask = state.mask(now);
        let masked = mask.is_some();
        let status = match mask {
            _ if slot.is_disabled() => None,
            Some(mask) => Some(mask.status),
            None if blocker.is_some() => Some(Status::Fail),
            None => state.given(&slot.policy, now),
        };
        let stale = !masked && blocker.is_none() && state.is_stale(&slot.policy, now);
        Seen {
            status,
            blocker,
            masked,
            stale,
        }
    }

    /// The dependency that keeps a check from being run.
    pub(crate) fn blocked_by(&self, index: u32, now: Now) -> Option<&str> {
        let slot = self.slot(index);
        if slot.depends_on.is_empty() || slot.lock().is_over(&slot.policy) {
            return None;
        }
        let mut passing = HashSet::new();
        let failing = |&&on: &&u32| self.fails(on, now, &mut passing);
        let on = slot.depends_on.iter().find(failing)?;
        Some(self.slot(*on).name())
    }

    /// Whether a check is shown as failing, by itself or by what it depends on. No recursion, which a long chain would
    /// take out of the stack, and one look at each: through a net of dependencies there are very many ways.
    fn fails(&self, index: u32, now: Now, passing: &mut HashSet<u32>) -> bool {
        let mut to_see = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            match self.own(index, now) {
                Own::Set(Some(Status::Fail)) | Own::Given(Some(Status::Fail)) => return true,
                Own::Set(_) => {}
                Own::Given(_) => {
                    let on = self.slot(index).depends_on.iter().copied();
                    // One with a single dependant is come to only once.
                    let is_new = |on: &u32| self.slot(*on).dependants.len() < 2 || passing.insert(*on);
                    to_see.extend(on.filter(is_new));
                }
            }
            next = to_see.pop();
        }
        false
    }

    /// The status of a check apart from what it depends on.
    fn own(&self, index: u32, now: Now) -> Own {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return Own::Set(None);
        }
        let state = slot.lock();
        match state.mask(now) {
            Some(mask) => Own::Set(Some(mask.status)),
            // What isn't run any more waits for nothing.
            None if state.is_over(&slot.policy) => Own::Set(state.given(&slot.policy, now)),
            None => Own::Given(state.given(&slot.policy, now)),
        }
    }

    /// Whether a check would be told as failing if no status were set by hand.
    pub(crate) fn fails_below(&self, index: u32, now: Now) -> bool {
        let slot = self.slot(index);
        let given = slot.lock().given(&slot.policy, now);
        given == Some(Status::Fail) || self.blocked_by(index, now).is_some()
    }

    /// Until when nothing among these changes by itself; `None` where something is due.
    pub(crate) fn fresh_until(
        &self,
        among: impl Iterator<Item = u32>,
        now: Now,
        max_age: Option<MaxAge>,
    ) -> Option<Until> {
        let mut earliest = Until::NEVER;
        for index in among {
            let slot = self.slot(index);
            let until = {
                let state = slot.lock();
                let masked = state.mask(now).map_or(Until::NEVER, |mask| mask.until);
                match state.fresh_until(&slot.policy, now, max_age) {
                    Some(until) => until.min(masked),
                    // A blocked check is as fresh as what blocks it, which is looked at by itself.
                    None if !slot.depends_on.is_empty() && state.running().is_none() => {
                        drop(state);
                        self.blocked_by(index, now)?;
                        masked
                    }
                    None => return None,
                }
            };
            earliest = earliest.min(until);
        }
        Some(earliest)
    }

    /// Whether something that fails among these, or among all that they depend on, is being run or about to be: then
    /// what it holds up may be told otherwise in the same answer. Each is looked at once, however long the way to it.
    pub(super) fn may_recover(&self, among: &[u32], now: Now, max_age: Option<MaxAge>) -> bool {
        let mut seen: HashSet<u32> = among.iter().copied().collect();
        let mut to_see = among.to_vec();
        while let Some(index) = to_see.pop() {
            let slot = self.slot(index);
            if slot.is_disabled() {
                continue;
            }
            let (fails, due, runs) = {
                let state = slot.lock();
                (
                    state.given(&slot.policy, now) == Some(Status::Fail) && state.mask(now).is_none(),
                    state.fresh_until(&slot.policy, now, max_age).is_none(),
                    state.running().is_some() && !state.is_stuck(),
                )
            };
            if fails && due && (runs || self.blocked_by(index, now).is_none()) {
                return true;
            }
            to_see.extend(slot.depends_on.iter().copied().filter(|on| seen.insert(*on)));
        }
        false
    }
}
