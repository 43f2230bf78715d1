//! The state of one check or section and its transitions: pure functions of `now`, no waiting, no runtime.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::{self, Now, Until};
use crate::engine::blocking::Place;
use crate::engine::verdict::{Thresholds, Verdict};
use crate::outcome::Status;
use crate::report::Overridden;
use crate::selection::MaxAge;

/// How a slot is run, fixed when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// How long a run may take; `None`: as long as it likes.
    pub(crate) limit: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
    /// Run in the background that often; requests read the last result.
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    pub(crate) thresholds: Thresholds,
    /// Belongs to the startup probe: latches once it has passed.
    pub(crate) latches: bool,
    /// Belongs to the startup probe alone: isn't run again once it has latched.
    pub(crate) only_startup: bool,
}

/// For how long a result is cached; `lasts: None`: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ttl {
    pub(crate) lasts: Option<Duration>,
    /// Whether somebody chose it; the default yields to a probe's `max_age`.
    pub(crate) chosen: bool,
}

/// What an endless run, or one that can't start, is taken to need before it counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How much longer than its TTL and limit a result may still be shown while the next run is going.
const STALE_GRACE: Duration = Duration::from_secs(60);

impl Policy {
    pub(crate) fn patience(&self) -> Duration {
        self.limit.unwrap_or(PATIENCE)
    }

    fn ttl(&self, status: Status) -> Ttl {
        if status.passed() {
            self.success_ttl
        } else {
            self.failed_ttl
        }
    }

    /// How long after the start of its loop the first background run has begun, jitter included.
    pub(crate) fn begins_within(&self) -> Duration {
        let delay = self.initial_delay.unwrap_or_default();
        delay.saturating_add(delay / 10).saturating_add(PATIENCE)
    }

    /// How old a background result may be: a dead loop must not stay green.
    pub(crate) fn oldest_in_background(&self) -> Option<Duration> {
        Some(self.interval?.saturating_mul(2).saturating_add(self.patience()))
    }
}

/// One attempt to run, counted up from 1 in each slot.
pub(crate) type RunId = u64;

#[derive(Debug, Default)]
pub(crate) struct State {
    running: Option<Running>,
    pub(crate) last: Option<Finished>,
    pub(crate) verdict: Verdict,
    /// The result with which a startup check latched.
    pub(crate) latched: Option<Box<Finished>>,
    pub(crate) masked: Option<Box<Mask>>,
    pub(crate) runs: Runs,
    latest_id: RunId,
    ended_id: RunId,
    /// When the last attempt ended, or its limit did.
    ended_at: Option<Instant>,
    /// The attempt that ended last was dropped unfinished, with its runtime.
    lost: bool,
    /// Due whatever the TTL or the loop says: the dependency that failed has recovered since, or the run that was stuck
    /// has ended.
    recheck: bool,
}

#[derive(Debug)]
struct Running {
    id: RunId,
    since: Instant,
    since_wall: SystemTime,
    phase: Phase,
    /// How long the function took, once it has returned.
    took: Option<Duration>,
    /// Its limit is over and its failure told; what it still gives is discarded.
    expired: bool,
    /// It was still going on when its failure wasn't fresh any more.
    lasts: bool,
    task: Option<JoinHandle<()>>,
    place: Option<Arc<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits until what it depends on has been looked at; its own limit hasn't begun.
    Waiting,
    /// Ready, not begun: no thread is free, or the runtime hasn't come round to it.
    Queued,
    Started,
    /// Has failed; what it depends on is looked at once more before that is told, at the cost of no limit of its own.
    Returned,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: Status,
    pub(crate) output: Value,
    pub(crate) at: Now,
    pub(crate) took: Duration,
}

/// A status set by hand.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) until: Until,
}

impl Mask {
    pub(crate) fn told(&self) -> Overridden {
        let until = self.until.wall().map_or(f64::MAX, clock::epoch_seconds);
        Overridden {
            reason: self.reason.clone(),
            until,
        }
    }
}

/// How many runs ended with which status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Runs {
    pub(crate) pass: u64,
    pub(crate) warn: u64,
    pub(crate) fail: u64,
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
    /// Until when no run is needed; `None`: one is due.
    pub(crate) fn fresh_until(&self, policy: &Policy, now: Now, max_age: Option<MaxAge>) -> Option<Until> {
        if self.is_over(policy) {
            return Some(Until::NEVER);
        }
        let last = self.last.as_ref()?;
        if self.recheck {
            return None;
        }
        let lasts = match policy.oldest_in_background() {
            // Its loop runs it, and whoever asks does where the loop was held up: by a dependency, by a machine that
            // was suspended.
            Some(oldest) => oldest,
            None => effective_ttl(policy.ttl(last.status), last.status, max_age)?,
        };
        let until = last.at.after(lasts);
        (!until.passed(now)).then_some(until)
    }

    /// Until when the result is cached, as told in `expires`.
    pub(crate) fn expires(&self, policy: &Policy) -> Option<Until> {
        let last = self.last.as_ref()?;
        if self.is_over(policy) {
            return None;
        }
        Some(last.at.after(policy.interval.or(policy.ttl(last.status).lasts)?))
    }

    /// Whether it needs no run any more: a startup check that has passed.
    pub(crate) const fn is_over(&self, policy: &Policy) -> bool {
        policy.only_startup && self.latched.is_some()
    }

    /// Whether it is a background result that is too old to be told.
    pub(crate) fn is_stale(&self, policy: &Policy, now: Now) -> bool {
        let (Some(last), Some(oldest)) = (&self.last, policy.oldest_in_background()) else {
            return false;
        };
        !self.is_over(policy) && last.at.after(oldest).passed(now)
    }

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

    /// Whether the first result is still to come, and from the loop.
    pub(crate) fn waits_for_loop(&self, policy: &Policy) -> bool {
        policy.interval.is_some() && self.last.is_none() && !self.recheck
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

    /// Whether a run of this start, ended now, is past its limit.
    pub(crate) fn is_late(&self, id: RunId, policy: &Policy, now: Now) -> bool {
        self.next(id, policy, now) == Next::Expire
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

    /// Ends a run with its result; a late one's result is discarded.
    pub(crate) fn finish(
        &mut self,
        id: RunId,
        policy: &Policy,
        now: Now,
        status: Status,
        output: Value,
    ) -> bool {
        let Some(running) = self.running.take_if(|running| running.id == id) else {
            return false;
        };
        self.ended(id, now.mono);
        if running.expired {
            self.recheck |= running.lasts;
            return false;
        }
        let took = now.mono.saturating_duration_since(running.since);
        self.publish(policy, running.took.unwrap_or(took), now, status, output);
        true
    }

    /// Tells the failure of a run that is past its limit. The run keeps the slot until it has really ended.
    pub(crate) fn expire(&mut self, id: RunId, policy: &Policy, now: Now) -> Option<Stuck> {
        let running = self.current(id).filter(|running| !running.expired)?;
        running.expired = true;
        let limit = clock::human(policy.limit.unwrap_or_default());
        let patience = clock::human(PATIENCE);
        let output = match running.phase {
            Phase::Started => format!("timed out after {limit}"),
            Phase::Queued => format!("timed out after {limit}, before it could start"),
            Phase::Waiting => format!("timed out after {patience}, before it could start"),
            Phase::Returned => format!("failed, and its runtime hasn't told why for {patience}"),
        };
        let stuck = Stuck {
            task: running.task.take(),
            place: running.place.take(),
        };
        let took = now.mono.saturating_duration_since(running.since);
        self.ended_at = Some(now.mono);
        self.publish(policy, took, now, Status::Fail, output.into());
        Some(stuck)
    }

    /// Says again, once its failure isn't fresh any more, that a run is stuck: no run, so no threshold counts it, and
    /// none holds what was shown before.
    pub(crate) fn renew(&mut self, now: Now) {
        let Some(running) = self.running.as_mut().filter(|running| running.expired) else {
            return;
        };
        running.lasts = true;
        let since = clock::rfc3339(running.since_wall);
        let lasted = clock::human(now.mono.saturating_duration_since(running.since));
        if let Some(last) = &mut self.last {
            last.output =
                format!("still running since {since} ({lasted}); not started again until it ends").into();
            last.at = now;
        }
    }

    /// Ends an attempt that needed no run after all.
    pub(crate) fn release(&mut self, id: RunId, now: Instant) {
        if self.running.take_if(|running| running.id == id).is_some() {
            self.ended(id, now);
        }
    }

    /// The attempt is dropped; gives whether it was unfinished.
    pub(crate) fn lose(&mut self, id: RunId, now: Instant) -> bool {
        let Some(running) = self.running.take_if(|running| running.id == id) else {
            return false;
        };
        self.ended(id, now);
        self.lost = !running.expired;
        self.recheck |= running.lasts;
        true
    }

    /// Makes it due, whatever its TTL says.
    pub(crate) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// Whether the last result may still be told while the next run is going on.
    pub(crate) fn may_show_stale(&self, policy: &Policy, now: Now) -> bool {
        let (Some(running), Some(last)) = (&self.running, &self.last) else {
            return false;
        };
        let patience = if running.phase == Phase::Started {
            policy.patience()
        } else {
            PATIENCE
        };
        now.mono.saturating_duration_since(running.since) < patience && !last.is_outdated(policy, now)
    }

    /// Whether nothing recent is known: no result yet, or one that even a later answer no more shows as stale.
    pub(crate) fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        match (&self.last, policy.oldest_in_background()) {
            (None, _) => true,
            _ if self.is_stuck() || self.is_over(policy) => false,
            (Some(last), Some(oldest)) => last.at.after(oldest).passed(now),
            (Some(last), None) => last.is_outdated(policy, now),
        }
    }

    /// Whether a run is stuck for longer than one failure lasts.
    pub(crate) fn stays_stuck(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.lasts)
    }

    /// The status that the runs amount to; a background result that is too old is a failure, and so is a run that
    /// doesn't end.
    pub(crate) fn given(&self, policy: &Policy, now: Now) -> Option<Status> {
        if self.is_stale(policy, now) || self.stays_stuck() {
            Some(Status::Fail)
        } else {
            self.verdict.shown()
        }
    }

    /// The status set by hand, until it ends.
    pub(crate) fn mask(&self, now: Now) -> Option<&Mask> {
        self.masked.as_deref().filter(|mask| !mask.until.passed(now))
    }

    fn ended(&mut self, id: RunId, now: Instant) {
        self.ended_id = id;
        self.ended_at = Some(now);
        self.lost = false;
    }

    fn publish(&mut self, policy: &Policy, took: Duration, now: Now, status: Status, output: Value) {
        self.recheck = false;
        self.verdict.record(status, now.wall, policy.thresholds);
        match status {
            Status::Pass => self.runs.pass += 1,
            Status::Warn => self.runs.warn += 1,
            Status::Fail => self.runs.fail += 1,
        }
        let finished = Finished {
            status,
            output,
            at: now,
            took,
        };
        if policy.latches && status.passed() && self.latched.is_none() {
            self.latched = Some(Box::new(finished.clone()));
        }
        self.last = Some(finished);
    }

    fn current(&mut self, id: RunId) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.id == id)
    }
}

impl Finished {
    fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        let ttl = policy.ttl(self.status).lasts.unwrap_or_default();
        let oldest = ttl.saturating_add(policy.patience()).saturating_add(STALE_GRACE);
        self.at.after(oldest).passed(now)
    }
}

/// What is left to do for a run past its limit.
#[derive(Debug)]
pub(crate) struct Stuck {
    task: Option<JoinHandle<()>>,
    place: Option<Arc<Place>>,
}

impl Stuck {
    /// Drops an async run at its next await, and gives a sync run's place to the next one.
    pub(crate) fn let_go(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        if let Some(place) = self.place {
            place.give_back();
        }
    }
}

fn effective_ttl(ttl: Ttl, status: Status, max_age: Option<MaxAge>) -> Option<Duration> {
    let lasts = ttl.lasts?;
    Some(match max_age {
        Some(age) if !ttl.chosen => lasts.min(if status.passed() { age.pass } else { age.fail }),
        _ => lasts,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const POLICY: Policy = Policy {
        limit: Some(Duration::from_secs(1)),
        success_ttl: Ttl {
            lasts: None,
            chosen: true,
        },
        failed_ttl: Ttl {
            lasts: None,
            chosen: true,
        },
        interval: None,
        initial_delay: None,
        thresholds: Thresholds {
            failure: 1,
            success: 1,
        },
        latches: false,
        only_startup: false,
    };

    #[tokio::test]
    async fn a_run_whose_limit_is_over_before_its_handle_is_known_is_ended_all_the_same() {
        let mut state = State::default();
        let id = state.reserve(Now::read(), false).unwrap();
        assert!(state.start(id));
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _held = held;
            std::future::pending().await
        });
        state.expire(id, &POLICY, Now::read()).unwrap().let_go();
        let late = state.attach(id, Some(task), None);
        late.unwrap().let_go();
        assert!(dropped.await.is_err());
    }
}
