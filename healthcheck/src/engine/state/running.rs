//! The attempt that is going on: reserved, ready, started, returned.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::State;
use super::ending::Stuck;
use crate::clock::Now;
use crate::engine::blocking::Place;
use crate::engine::policy::Policy;

/// One attempt to run, counted up from 1 in each slot.
pub(crate) type RunId = u64;

#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: RunId,
    pub(super) since: Instant,
    pub(super) since_wall: SystemTime,
    pub(super) phase: Phase,
    /// How long the function took, once it has returned.
    pub(super) took: Option<Duration>,
    /// Its limit is over and its failure told; what it still gives is discarded.
    pub(super) expired: bool,
    /// It was still going on when its failure wasn't fresh any more.
    pub(super) lasts: bool,
    pub(super) task: Option<JoinHandle<()>>,
    pub(super) place: Option<Arc<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits until what it depends on has been looked at; its own limit hasn't begun.
    Waiting,
    /// Ready, not begun: no thread is free, or the runtime hasn't come round to it.
    Queued,
    Started,
    /// Has failed; what it depends on is looked at once more before that is told, at the cost of no limit of its own.
    Returned,
}

/// What a waiter has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The attempt has ended.
    Done,
    /// The attempt was dropped with its runtime.
    Lost,
    /// It is going on; its limit ends then.
    Wait(Option<Instant>),
    /// It is held up since then by what it depends on.
    Hold(Instant),
    /// Its limit is over: `expire` it.
    Expire,
}

impl State {
    /// Takes the slot for a new attempt; `None` while one is going on, be it stuck.
    pub(crate) fn reserve(&mut self, now: Now, waits_for_others: bool) -> Option<RunId> {
        if self.running.is_some() {
            return None;
        }
        self.latest_id += 1;
        self.running = Some(Running {
            id: self.latest_id,
            since: now.mono,
            since_wall: now.wall,
            phase: if waits_for_others {
                Phase::Waiting
            } else {
                Phase::Queued
            },
            took: None,
            expired: false,
            lasts: false,
            task: None,
            place: None,
        });
        Some(self.latest_id)
    }

    /// The attempt that is going on.
    pub(crate) fn running(&self) -> Option<RunId> {
        self.running.as_ref().map(|running| running.id)
    }

    /// The attempt that is going on, and since when.
    pub(crate) fn running_since(&self) -> Option<(RunId, Instant)> {
        self.running.as_ref().map(|running| (running.id, running.since))
    }

    /// Whether the run that is going on is past its limit: nothing to wait for, and no second one may start.
    pub(crate) fn is_stuck(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.expired)
    }

    /// What the others had to say is known: the run's own time begins.
    pub(crate) fn ready(&mut self, id: RunId, now: Now) {
        if let Some(running) = self.current(id) {
            running.since = now.mono;
            running.since_wall = now.wall;
            running.phase = Phase::Queued;
        }
    }

    /// The function is about to be called; false where its time is over already.
    pub(crate) fn start(&mut self, id: RunId) -> bool {
        let Some(running) = self.current(id).filter(|running| !running.expired) else {
            return false;
        };
        running.phase = Phase::Started;
        true
    }

    /// How to end it from outside; given back where its limit is over already.
    #[must_use]
    pub(crate) fn attach(
        &mut self,
        id: RunId,
        task: Option<JoinHandle<()>>,
        place: Option<Arc<Place>>,
    ) -> Option<Stuck> {
        let running = self.current(id)?;
        if running.expired {
            return Some(Stuck { task, place });
        }
        running.task = task.or(running.task.take());
        running.place = place.or(running.place.take());
        None
    }

    /// Whether the attempt has ended, and not with its runtime.
    pub(crate) fn has_ended(&self, id: RunId) -> bool {
        self.running() != Some(id) && !(self.ended_id == id && self.lost)
    }

    pub(crate) fn next(&self, id: RunId, policy: &Policy, now: Now) -> Next {
        match &self.running {
            Some(running) if running.id == id && running.expired => Next::Done,
            Some(running)
                if running.id == id && matches!(running.phase, Phase::Waiting | Phase::Returned) =>
            {
                Next::Hold(running.since)
            }
            Some(running) if running.id == id => {
                let deadline = policy.limit.and_then(|limit| running.since.checked_add(limit));
                match deadline {
                    Some(deadline) if now.mono >= deadline => Next::Expire,
                    deadline => Next::Wait(deadline),
                }
            }
            _ if self.ended_id == id && self.lost => Next::Lost,
            _ => Next::Done,
        }
    }

    /// The function has returned, and others are looked at before that is told; gives when it had begun.
    /// `None` where its limit is over.
    pub(crate) fn returned(&mut self, id: RunId, policy: &Policy, now: Now) -> Option<Instant> {
        if self.is_late(id, policy, now) {
            return None;
        }
        let running = self.current(id).filter(|running| !running.expired)?;
        let began = std::mem::replace(&mut running.since, now.mono);
        running.took = Some(now.mono.saturating_duration_since(began));
        running.phase = Phase::Returned;
        Some(began)
    }

    /// Since when nothing is going on here that an attempt which depends on this one waits for; `None` while something
    /// is. `since` is when that one began to wait, where nothing has been going on yet.
    pub(crate) fn idle_since(&self, policy: &Policy, since: Instant) -> Option<Instant> {
        if self.running.as_ref().is_some_and(|running| !running.expired) {
            return None;
        }
        if self.waits_for_loop(policy) {
            return since.checked_add(policy.begins_within());
        }
        Some(self.ended_at.unwrap_or(since))
    }

    pub(super) fn current(&mut self, id: RunId) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.id == id)
    }
}
