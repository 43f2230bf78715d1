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
const PATIENCE: Duration = Duration::from_secs(5);
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
    /// The attempt that ended last was dropped unfinished, with its runtime.
    lost: bool,
    /// Due whatever the TTL says: the dependency that failed has recovered since.
    recheck: bool,
}

#[derive(Debug)]
struct Running {
    id: RunId,
    since: Instant,
    since_wall: SystemTime,
    phase: Phase,
    /// Its limit is over and its failure told; what it still gives is discarded.
    expired: bool,
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
    /// Its limit is over: `expire` it.
    Expire,
}

impl State {
    /// Until when no run is needed; `None`: one is due.
    pub(crate) fn fresh_until(&self, policy: &Policy, now: Now, max_age: Option<MaxAge>) -> Option<Until> {
        if policy.only_startup && self.latched.is_some() {
            return Some(Until::NEVER);
        }
        let last = self.last.as_ref()?;
        if let Some(oldest) = policy.oldest_in_background() {
            // Its loop runs it. What changes by itself is that it grows stale.
            let stale = last.at.after(oldest);
            return Some(if stale.passed(now) { Until::NEVER } else { stale });
        }
        if self.recheck {
            return None;
        }
        let until = last
            .at
            .after(effective_ttl(policy.ttl(last.status), last.status, max_age)?);
        (!until.passed(now)).then_some(until)
    }

    /// Until when the result is cached, as told in `expires`.
    pub(crate) fn expires(&self, policy: &Policy) -> Option<Until> {
        let last = self.last.as_ref()?;
        if policy.only_startup && self.latched.is_some() {
            return None;
        }
        Some(last.at.after(policy.interval.or(policy.ttl(last.status).lasts)?))
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
            expired: false,
            task: None,
            place: None,
        });
        Some(self.latest_id)
    }

    /// The attempt that is going on.
    pub(crate) fn running(&self) -> Option<RunId> {
        self.running.as_ref().map(|running| running.id)
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

    /// How to end it from outside.
    pub(crate) fn attach(&mut self, id: RunId, task: Option<JoinHandle<()>>, place: Option<Arc<Place>>) {
        if let Some(running) = self.current(id) {
            running.task = task.or(running.task.take());
            running.place = place.or(running.place.take());
        }
    }

    /// Whether nobody needs to wait for the attempt any more.
    pub(crate) fn is_done(&self, id: RunId) -> bool {
        self.running() != Some(id) && !(self.ended_id == id && self.lost)
    }

    pub(crate) fn next(&self, id: RunId, policy: &Policy, now: Now) -> Next {
        match &self.running {
            Some(running) if running.id == id && running.expired => Next::Done,
            Some(running) if running.id == id && running.phase == Phase::Waiting => Next::Wait(None),
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

    /// When the attempt began.
    pub(crate) fn began(&self, id: RunId) -> Option<Instant> {
        self.running
            .as_ref()
            .filter(|running| running.id == id)
            .map(|running| running.since)
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
        self.ended_id = id;
        self.lost = false;
        if running.expired {
            return false;
        }
        self.publish(policy, running.since, now, status, output);
        true
    }

    /// Tells the failure of a run that is past its limit. The run keeps the slot until it has really ended.
    pub(crate) fn expire(&mut self, id: RunId, policy: &Policy, now: Now) -> Option<Stuck> {
        let running = self.current(id).filter(|running| !running.expired)?;
        running.expired = true;
        let limit = clock::human(policy.limit.unwrap_or_default());
        let output = match running.phase {
            Phase::Started => format!("timed out after {limit}"),
            _ => format!("timed out after {limit}, before it could start"),
        };
        let stuck = Stuck {
            task: running.task.take(),
            place: running.place.take(),
        };
        let began = running.since;
        self.publish(policy, began, now, Status::Fail, output.into());
        Some(stuck)
    }

    /// Says again, once its failure isn't fresh any more, that a run is stuck: no run, so no threshold counts it.
    pub(crate) fn renew(&mut self, now: Now) {
        let Some(running) = self.running.as_ref().filter(|running| running.expired) else {
            return;
        };
        let since = clock::rfc3339(running.since_wall);
        let lasted = clock::human(now.mono.saturating_duration_since(running.since));
        if let Some(last) = &mut self.last {
            last.output =
                format!("still running since {since} ({lasted}); not started again until it ends").into();
            last.at = now;
        }
    }

    /// Ends an attempt that needed no run after all.
    pub(crate) fn release(&mut self, id: RunId) {
        if self.running.take_if(|running| running.id == id).is_some() {
            self.ended_id = id;
            self.lost = false;
        }
    }

    /// The attempt was dropped, unfinished where this is true.
    pub(crate) fn lose(&mut self, id: RunId) -> bool {
        let Some(running) = self.running.take_if(|running| running.id == id) else {
            return false;
        };
        self.ended_id = id;
        self.lost = !running.expired;
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
        let ttl = policy.ttl(last.status).lasts.unwrap_or_default();
        let oldest = ttl.saturating_add(policy.patience()).saturating_add(STALE_GRACE);
        now.mono.saturating_duration_since(running.since) < patience && !last.at.after(oldest).passed(now)
    }

    /// The status set by hand, until it ends.
    pub(crate) fn mask(&self, now: Now) -> Option<&Mask> {
        self.masked.as_deref().filter(|mask| !mask.until.passed(now))
    }

    fn publish(&mut self, policy: &Policy, began: Instant, now: Now, status: Status, output: Value) {
        self.recheck = false;
        self.verdict.record(status, now.wall, policy.thresholds);
        match status {
            Status::Pass => self.runs.pass += 1,
            Status::Warn => self.runs.warn += 1,
            Status::Fail => self.runs.fail += 1,
        }
        let took = now.mono.saturating_duration_since(began);
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
