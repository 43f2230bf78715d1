//! Brings what is asked for up to date: starts what is due, and waits for what is going on, within a budget.

use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Engine;
use super::attempt::{Attempt, Wanted};
use super::due::Due;
use super::overdue::Waiter;
use super::state::{Next, RunId};
use crate::clock::Now;
use crate::selection::MaxAge;

/// How the wait for one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Done,
    /// Dropped with its runtime.
    Lost,
    OutOfTime,
}

/// An attempt that somebody waits for.
#[derive(Clone, Copy)]
struct Wait {
    index: u32,
    id: RunId,
    /// It is the second: the first was lost with its runtime.
    again: bool,
}

impl Engine {
    /// Starts what is due among `wanted` and waits, until the deadline, for what is going on.
    /// Gives those whose runtime went away twice.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        wanted: impl Iterator<Item = u32>,
        max_age: Option<MaxAge>,
        home: &Handle,
        deadline: Option<Instant>,
    ) -> Vec<u32> {
        let mut waits = Vec::new();
        let mut soonest = None;
        let mut now = Now::read();
        let mut due = Due::new(self, Wanted::Due(max_age), home);
        for (nth, index) in wanted.enumerate() {
            // Both clocks cost as much as a tenth of a spawn: one look for a few of them.
            if nth % 16 == 15 {
                now = Now::read();
            }
            if let Some((wait, limit)) = self.pursue(index, now, max_age, &mut due) {
                soonest = earlier(soonest, limit);
                waits.push(wait);
            }
        }
        due.launch();
        let mut lost = Vec::new();
        if waits.is_empty() {
            return lost;
        }
        let waiter = Waiter::new(self);
        let mut all_ended = true;
        // The one that began last most likely ends last: then this task wakes once, and finds the others done.
        while let Some(wait) = waits.pop() {
            let Wait { index, id, again } = wait;
            match self.wait(index, id, earlier(soonest, deadline)).await {
                Waited::Done => {}
                Waited::OutOfTime if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    all_ended = false;
                }
                Waited::OutOfTime => {
                    // Another one's limit: a stuck sync run keeps its place from those that wait for one.
                    waits.push(wait);
                    soonest = self.expire_overdue();
                }
                Waited::Lost if again => lost.push(index),
                Waited::Lost => {
                    let mut due = Due::new(self, Wanted::Due(max_age), home);
                    let pursued = self.pursue(index, Now::read(), max_age, &mut due);
                    due.launch();
                    if let Some((wait, limit)) = pursued {
                        soonest = earlier(soonest, limit);
                        waits.push(Wait { again: true, ..wait });
                    }
                }
            }
        }
        if all_ended {
            waiter.finish();
        }
        lost
    }

    /// `settle` for a task that `settle` itself started: boxed, since the types would contain each other.
    pub(super) fn settle_boxed<'a>(
        self: &'a Arc<Self>,
        wanted: Vec<u32>,
        max_age: Option<MaxAge>,
        home: &'a Handle,
    ) -> Pin<Box<dyn Future<Output = Vec<u32>> + Send + 'a>> {
        Box::pin(async move {
            let first: Vec<u32> = wanted
                .iter()
                .copied()
                .filter(|&i| self.waits_for_first(i))
                .collect();
            let since = Instant::now();
            for index in first {
                self.await_first(index, home, since, None).await;
            }
            self.settle(wanted.into_iter(), max_age, home, None).await
        })
    }

    /// Waits for the first result of a background check, whose loop runs it; `since` is when the asker began to wait for
    /// all that it waits for.
    pub(crate) async fn await_first(
        self: &Arc<Self>,
        index: u32,
        home: &Handle,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Waited {
        let slot = self.slot(index);
        // A loop whose runtime is blocked begins nothing, ever.
        let begins = since.checked_add(slot.policy.begins_within());
        loop {
            let ended = slot.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            self.background.ensure(self, home);
            if self.background.is_down() {
                return Waited::Lost;
            }
            if !self.waits_for_first(index) {
                return Waited::Done;
            }
            let running = slot.lock().running();
            let in_time = match (running, earlier(begins, deadline)) {
                (Some(id), _) => self.wait(index, id, deadline).await != Waited::OutOfTime,
                (None, Some(until)) => tokio::time::timeout_at(until, ended).await.is_ok(),
                (None, None) => {
                    ended.await;
                    true
                }
            };
            if !in_time {
                return Waited::OutOfTime;
            }
        }
    }

    /// Whether it is run in the background and its first result is still to come.
    pub(crate) fn waits_for_first(&self, index: u32) -> bool {
        let slot = self.slot(index);
        slot.policy.interval.is_some()
            && !slot.is_disabled()
            && slot.lock().last.is_none()
            && self.blocked_by(index, Now::read()).is_none()
    }

    /// The attempt to wait for before this slot can be told, and when its limit is over; `None` where what is known is
    /// fresh.
    fn pursue(
        self: &Arc<Self>,
        index: u32,
        now: Now,
        max_age: Option<MaxAge>,
        due: &mut Due<'_>,
    ) -> Option<(Wait, Option<Instant>)> {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return None;
        }
        let blocked = self.blocked_by(index, now).is_some();
        let moving = blocked && self.may_recover(&slot.depends_on, now, max_age);
        let mut state = slot.lock();
        let fresh = state.fresh_until(&slot.policy, now, max_age).is_some();
        if (fresh || state.waits_for_loop(&slot.policy)) && !moving {
            return None;
        }
        if state.is_stuck() {
            state.renew(now);
            drop(state);
            self.touch();
            self.note_quietly(index, now);
            return None;
        }
        let wait = |id, began: Instant| {
            let limit = slot.policy.limit.and_then(|limit| began.checked_add(limit));
            let again = false;
            Some((Wait { index, id, again }, limit))
        };
        if let Some((id, began)) = state.running_since() {
            return wait(id, began);
        }
        if blocked && !moving || state.is_over(&slot.policy) {
            return None;
        }
        let id = state.reserve(now, !slot.depends_on.is_empty())?;
        drop(state);
        due.push(Attempt::new(Arc::clone(self), index, id));
        wait(id, now.mono)
    }

    /// Starts an attempt, unless one is going on.
    pub(crate) fn begin(self: &Arc<Self>, index: u32, wanted: Wanted, home: &Handle) -> Option<RunId> {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return None;
        }
        let id = {
            let mut state = slot.lock();
            if state.is_over(&slot.policy) {
                return None;
            }
            match state.reserve(Now::read(), !slot.depends_on.is_empty()) {
                Some(id) => id,
                None => return state.running(),
            }
        };
        Attempt::new(Arc::clone(self), index, id).launch(self, wanted, home);
        Some(id)
    }

    /// Runs again what has no result since `began`.
    pub(super) async fn look_again(self: &Arc<Self>, among: &[u32], began: Instant, home: &Handle) {
        let mut waits = Vec::new();
        for &index in among {
            let seen = {
                let state = self.slot(index).lock();
                let known = state.last.as_ref().is_some_and(|last| last.at.mono >= began);
                known || state.is_stuck()
            };
            if !seen && let Some(id) = self.begin(index, Wanted::Anyway, home) {
                waits.push((index, id));
            }
        }
        for (index, id) in waits {
            self.wait(index, id, None).await;
        }
    }

    /// Waits until an attempt has ended, or its limit or the deadline is over.
    pub(crate) async fn wait(&self, index: u32, id: RunId, deadline: Option<Instant>) -> Waited {
        let slot = self.slot(index);
        if slot.lock().has_ended(id) {
            return Waited::Done;
        }
        loop {
            let ended = slot.ended.notified();
            tokio::pin!(ended);
            // Before the look at the state, so that an end between the two isn't missed.
            ended.as_mut().enable();
            let limit = match self.look(index, id, Now::read()) {
                Next::Done => return Waited::Done,
                Next::Lost => return Waited::Lost,
                Next::Expire => {
                    self.expire(index, id);
                    return Waited::Done;
                }
                Next::Wait(until) => until,
                Next::Hold(_) => None,
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Waited::OutOfTime;
            }
            let Some(until) = earlier(limit, deadline) else {
                ended.await;
                continue;
            };
            if tokio::time::timeout_at(until, ended).await.is_err() {
                // Whichever it was, the next look tells; what holds this one up may be overdue by itself.
                self.expire_overdue();
            }
        }
    }
}

/// `None` is never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
