//! Runs functions, each at most once at a time, whoever asks and however many, and keeps what they gave.
//!
//! An engine has one slot a check or section. Whoever needs a result calls [`Engine::settle`]: it starts what is due
//! and waits, within a budget, for what is going on. A run belongs to no request: it is a task (or a thread) of its
//! own, owned by an [`attempt::Attempt`], whose drop frees the slot whatever happens.
//!
//! No lock is held across an await, a spawn, a user's function or a log line. The order is changes, then slot.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::check::CheckInfo;
use crate::clock::{Now, Until};
use crate::outcome::Status;
use crate::redact::Redaction;
use crate::run::Run;
use crate::selection::MaxAge;

pub(crate) mod attempt;
pub(crate) mod background;
pub(crate) mod blocking;
pub(crate) mod changes;
pub(crate) mod listeners;
pub(crate) mod slot;
pub(crate) mod verdict;
pub(crate) mod view;

use attempt::Attempt;
use changes::Changes;
use slot::{Mask, Next, Policy, RunId, State};

/// The slots of one registry, and what runs them.
pub(crate) struct Engine {
    pub(crate) slots: Box<[Slot]>,
    pub(crate) redaction: Redaction,
    /// An output of more bytes than this is cut.
    pub(crate) longest_output: usize,
    pub(crate) changes: Changes,
    pub(crate) background: background::Background,
    threads: blocking::Threads,
    generation: AtomicU64,
    /// Whether a status was ever set by hand.
    masked: AtomicBool,
}

/// One check or section: what is fixed about it, and the state of its runs.
pub(crate) struct Slot {
    pub(crate) subject: Subject,
    pub(crate) run: Run,
    /// Shared, since most checks have the same.
    pub(crate) policy: Arc<Policy>,
    /// Indices of the slots that have to pass before this one is run.
    pub(crate) depends_on: Box<[u32]>,
    pub(crate) dependants: Box<[u32]>,
    /// Taken out after the build: as if it weren't there.
    pub(crate) disabled: AtomicBool,
    state: Mutex<State>,
    ended: Notify,
}

/// What a slot is about.
pub(crate) enum Subject {
    Check(Arc<CheckInfo>),
    Section(Cow<'static, str>),
}

/// What is told of a check, whoever asks.
#[derive(Default)]
struct Look<'e> {
    shown: Option<Status>,
    /// It is a status set by hand.
    masked: bool,
    /// The dependency that fails.
    blocker: Option<&'e str>,
    /// Its background loop gives no results.
    stale: bool,
}

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

impl Slot {
    pub(crate) fn new(subject: Subject, run: Run, policy: Arc<Policy>) -> Self {
        Self {
            subject,
            run,
            policy,
            depends_on: Box::default(),
            dependants: Box::default(),
            disabled: AtomicBool::new(false),
            state: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.subject {
            Subject::Check(info) => info.name(),
            Subject::Section(name) => name,
        }
    }

    pub(crate) const fn check(&self) -> Option<&Arc<CheckInfo>> {
        match &self.subject {
            Subject::Check(info) => Some(info),
            Subject::Section(_) => None,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Only transitions of the state run under the lock, and none of them panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(crate) fn new(slots: Vec<Slot>, redaction: Redaction, changes: Changes) -> Self {
        let background = background::Background::new(&slots);
        Self {
            slots: slots.into_boxed_slice(),
            redaction,
            longest_output: attempt::LONGEST_OUTPUT,
            changes,
            background,
            threads: blocking::Threads::default(),
            generation: AtomicU64::new(0),
            masked: AtomicBool::new(false),
        }
    }

    pub(crate) fn slot(&self, index: u32) -> &Slot {
        // Indices are made from `slots` when it is built, which never changes its length.
        &self.slots[index as usize]
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// Counts every change of anything that a report shows.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn touch(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Starts what is due among `wanted` and waits, until the deadline, for what is going on.
    /// Gives those whose runtime went away twice.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        wanted: impl Iterator<Item = u32>,
        max_age: Option<MaxAge>,
        home: &Handle,
        deadline: Option<Instant>,
    ) -> Vec<u32> {
        let mut waits = Vec::with_capacity(wanted.size_hint().0);
        let mut soonest = None;
        let mut now = Now::read();
        for (nth, index) in wanted.enumerate() {
            // Both clocks cost as much as a tenth of a spawn: one look for a few of them.
            if nth % 16 == 15 {
                now = Now::read();
            }
            if let Some((wait, limit)) = self.pursue(index, now, max_age, home) {
                soonest = earlier(soonest, limit);
                waits.push(wait);
            }
        }
        let mut lost = Vec::new();
        // The one that began last most likely ends last: then this task wakes once, and finds the others done.
        while let Some(wait) = waits.pop() {
            let Wait { index, id, again } = wait;
            match self.wait(index, id, earlier(soonest, deadline)).await {
                Waited::Done => {}
                Waited::OutOfTime if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {}
                Waited::OutOfTime => {
                    waits.push(wait);
                    soonest = self.expire_among(&waits);
                }
                Waited::Lost if again => lost.push(index),
                Waited::Lost => {
                    if let Some((wait, limit)) = self.pursue(index, Now::read(), max_age, home) {
                        soonest = earlier(soonest, limit);
                        waits.push(Wait { again: true, ..wait });
                    }
                }
            }
        }
        lost
    }

    /// Tells the failures of those that are past their limits, since a stuck sync run keeps a place from the others.
    /// Gives the moment to look again.
    fn expire_among(&self, waits: &[Wait]) -> Option<Instant> {
        let now = Now::read();
        let limits = waits.iter().filter_map(|wait| {
            let slot = self.slot(wait.index);
            let next = slot.lock().next(wait.id, &slot.policy, now);
            match next {
                Next::Done | Next::Lost => None,
                Next::Wait(Some(limit)) => Some(limit),
                // Its limit hasn't begun.
                Next::Wait(None) => now.mono.checked_add(slot.policy.limit?),
                Next::Expire => {
                    self.expire(wait.index, wait.id);
                    None
                }
            }
        });
        limits.min()
    }

    /// Waits for the first result of a background check, whose loop runs it.
    pub(crate) async fn await_first(self: &Arc<Self>, index: u32, home: &Handle, deadline: Option<Instant>) {
        let slot = self.slot(index);
        loop {
            let ended = slot.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            self.background.ensure(self, home);
            let running = {
                let state = slot.lock();
                if state.last.is_some() {
                    return;
                }
                state.running()
            };
            let waited = match (running, deadline) {
                (Some(id), _) => self.wait(index, id, deadline).await,
                (None, Some(deadline)) => match tokio::time::timeout_at(deadline, ended).await {
                    Ok(()) => Waited::Done,
                    Err(_) => Waited::OutOfTime,
                },
                (None, None) => {
                    ended.await;
                    Waited::Done
                }
            };
            if waited == Waited::OutOfTime {
                return;
            }
        }
    }

    /// The attempt to wait for before this slot can be told, and when to look whether it is past its limit; `None`
    /// where what is known is fresh.
    fn pursue(
        self: &Arc<Self>,
        index: u32,
        now: Now,
        max_age: Option<MaxAge>,
        home: &Handle,
    ) -> Option<(Wait, Option<Instant>)> {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return None;
        }
        let blocked = self.blocked_by(index, now).is_some();
        let moving = !slot.depends_on.is_empty() && self.any_due(&slot.depends_on, now, max_age);
        let mut state = slot.lock();
        let fresh = state.fresh_until(&slot.policy, now, max_age).is_some();
        if slot.policy.interval.is_some() || fresh && !(blocked && moving) {
            return None;
        }
        if state.is_stuck() {
            state.renew(now);
            drop(state);
            self.touch();
            return None;
        }
        let wait = |id, began: Instant| {
            let limit = slot.policy.limit.and_then(|limit| began.checked_add(limit));
            let again = false;
            Some((Wait { index, id, again }, limit))
        };
        if let Some(id) = state.running() {
            return wait(id, state.began(id).unwrap_or(now.mono));
        }
        if blocked && !moving {
            return None;
        }
        let id = state.reserve(now, !slot.depends_on.is_empty())?;
        drop(state);
        Attempt::launch(self, index, id, max_age, home);
        wait(id, now.mono)
    }

    /// Starts an attempt, unless one is going on.
    pub(crate) fn begin(
        self: &Arc<Self>,
        index: u32,
        max_age: Option<MaxAge>,
        home: &Handle,
    ) -> Option<RunId> {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return None;
        }
        let id = {
            let mut state = slot.lock();
            match state.reserve(Now::read(), !slot.depends_on.is_empty()) {
                Some(id) => id,
                None => return state.running(),
            }
        };
        Attempt::launch(self, index, id, max_age, home);
        Some(id)
    }

    /// Waits until an attempt has ended, or its limit or the deadline is over.
    pub(crate) async fn wait(&self, index: u32, id: RunId, deadline: Option<Instant>) -> Waited {
        let slot = self.slot(index);
        if slot.lock().is_done(id) {
            return Waited::Done;
        }
        loop {
            let ended = slot.ended.notified();
            tokio::pin!(ended);
            // Before the look at the state, so that an end between the two isn't missed.
            ended.as_mut().enable();
            let next = slot.lock().next(id, &slot.policy, Now::read());
            let limit = match next {
                Next::Done => return Waited::Done,
                Next::Lost => return Waited::Lost,
                Next::Expire => {
                    self.expire(index, id);
                    return Waited::Done;
                }
                Next::Wait(limit) => limit,
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Waited::OutOfTime;
            }
            match earlier(limit, deadline) {
                // Whichever it was, the next look tells.
                Some(until) => drop(tokio::time::timeout_at(until, ended).await),
                None => ended.await,
            }
        }
    }

    /// Tells the failure of a run that is past its limit.
    pub(crate) fn expire(&self, index: u32, id: RunId) {
        let slot = self.slot(index);
        let now = Now::read();
        let stuck = slot.lock().expire(id, &slot.policy, now);
        if let Some(stuck) = stuck {
            stuck.let_go();
            self.published(index, now);
        }
    }

    /// Shows a status set by hand.
    pub(crate) fn mask(&self, index: u32, mask: Mask) {
        self.masked.store(true, Ordering::Release);
        self.slot(index).lock().masked = Some(Box::new(mask));
        self.touch();
    }

    /// Whether what is shown can change by time alone.
    pub(crate) fn changes_by_time(&self) -> bool {
        self.background.is_wanted() || self.masked.load(Ordering::Acquire)
    }

    /// Looks at every run that is going on, for one that nobody waits for.
    pub(crate) fn expire_overdue(&self) {
        let now = Now::read();
        for (index, slot) in (0..).zip(&self.slots) {
            let overdue = {
                let state = slot.lock();
                state
                    .running()
                    .filter(|&id| state.next(id, &slot.policy, now) == Next::Expire)
            };
            if let Some(id) = overdue {
                self.expire(index, id);
            }
        }
    }

    /// A result is in place: tells whoever listens, and at last wakes those who wait.
    fn published(&self, index: u32, now: Now) {
        self.touch();
        let slot = self.slot(index);
        self.note(index, now);
        // The last act of a run: a task woken by one that then blocks would wait for it.
        slot.ended.notify_waiters();
    }

    /// How many runs are past their limit and haven't ended.
    pub(crate) fn stuck_runs(&self) -> usize {
        self.slots.iter().filter(|slot| slot.lock().is_stuck()).count()
    }

    /// The status that is told of a check, whoever asks; `None` before its first result.
    pub(crate) fn shown(&self, index: u32, now: Now) -> Option<Status> {
        self.look(index, now).shown
    }

    /// The status that is told of a check, and why it is this one.
    fn look(&self, index: u32, now: Now) -> Look<'_> {
        let slot = self.slot(index);
        if slot.is_disabled() {
            return Look::default();
        }
        let blocker = self.blocked_by(index, now);
        let state = slot.lock();
        let masked = state.mask(now).map(|mask| mask.status);
        let stale = slot.policy.oldest_in_background().is_some_and(|oldest| {
            let last = state.last.as_ref();
            last.is_some_and(|last| last.at.after(oldest).passed(now))
        });
        let failed = (blocker.is_some() || stale).then_some(Status::Fail);
        Look {
            shown: masked.or(failed).or_else(|| state.verdict.shown()),
            masked: masked.is_some(),
            blocker,
            stale,
        }
    }

    /// The dependency that keeps a check from being run.
    pub(crate) fn blocked_by(&self, index: u32, now: Now) -> Option<&str> {
        let failing = |&&on: &&u32| self.shown(on, now) == Some(Status::Fail);
        let on = self.slot(index).depends_on.iter().find(failing)?;
        Some(self.slot(*on).name())
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

    fn any_due(&self, among: &[u32], now: Now, max_age: Option<MaxAge>) -> bool {
        let there = among.iter().copied().filter(|&index| !self.is_disabled(index));
        self.fresh_until(there, now, max_age).is_none()
    }

    /// The output as it may leave the process.
    pub(crate) fn publishable(&self, slot: &Slot, output: Value) -> Value {
        attempt::publishable(self, slot, output)
    }
}

/// `None` is never.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.background.end();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.slots.iter().map(Slot::name)).finish()
    }
}
