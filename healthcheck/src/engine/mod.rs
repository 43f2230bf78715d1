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
use crate::clock::Now;
use crate::redact::Redaction;
use crate::run::Run;
use crate::selection::MaxAge;

pub(crate) mod attempt;
pub(crate) mod background;
pub(crate) mod blocking;
pub(crate) mod changes;
pub(crate) mod listeners;
mod overdue;
mod shown;
pub(crate) mod slot;
pub(crate) mod verdict;
pub(crate) mod view;

use attempt::Attempt;
use changes::Changes;
use overdue::{Overdue, Waiter};
use slot::{Mask, Next, PATIENCE, Policy, RunId, State};

/// The slots of one registry, and what runs them.
pub(crate) struct Engine {
    pub(crate) slots: Box<[Slot]>,
    pub(crate) redaction: Redaction,
    /// An output of more bytes than this is cut.
    pub(crate) longest_output: usize,
    pub(crate) changes: Changes,
    pub(crate) background: background::Background,
    overdue: Overdue,
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

/// Whether an attempt still runs where what it depends on has been looked at and nothing is due any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Only where it is due, for those who ask for results of this age.
    Due(Option<MaxAge>),
    /// In any case: its interval is over, or a dependant has failed.
    Anyway,
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
            overdue: Overdue::default(),
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
        let mut waits = Vec::new();
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
                    if let Some((wait, limit)) = self.pursue(index, Now::read(), max_age, home) {
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

    /// Waits for the first result of a background check, whose loop runs it.
    pub(crate) async fn await_first(
        self: &Arc<Self>,
        index: u32,
        home: &Handle,
        deadline: Option<Instant>,
    ) -> Waited {
        let slot = self.slot(index);
        // A loop whose runtime is blocked begins nothing, ever.
        let begins = Instant::now().checked_add(slot.policy.begins_within());
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

    /// The attempt to wait for before this slot can be told, and when its limit is over; `None` where what is known is
    /// fresh.
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
        if (fresh || state.waits_for_loop(&slot.policy)) && !(blocked && moving) {
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
        Attempt::launch(self, index, id, Wanted::Due(max_age), home);
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
        Attempt::launch(self, index, id, wanted, home);
        Some(id)
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

    /// What a waiter has to do next. An attempt that others hold up has no limit of its own; where none of them is
    /// going on, its runtime is blocked, and it is given up like one that can't start.
    fn look(&self, index: u32, id: RunId, now: Now) -> Next {
        let slot = self.slot(index);
        let next = slot.lock().next(id, &slot.policy, now);
        let Next::Hold(since) = next else {
            return next;
        };
        let mut idle_since = since;
        for &on in &slot.depends_on {
            let other = self.slot(on);
            match other.lock().idle_since(&other.policy, since) {
                Some(idle) => idle_since = idle_since.max(idle),
                None => return Next::Wait(now.mono.checked_add(PATIENCE)),
            }
        }
        match idle_since.checked_add(PATIENCE) {
            Some(until) if now.mono >= until => Next::Expire,
            until => Next::Wait(until),
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

    /// Looks at every run that is going on, for one that nobody waits for. Gives when the next limit is over.
    fn expire_overdue(&self) -> Option<Instant> {
        let now = Now::read();
        let mut next = None;
        for (index, slot) in (0..).zip(&self.slots) {
            let running = slot.lock().running();
            let Some(id) = running else { continue };
            match self.look(index, id, now) {
                Next::Expire => self.expire(index, id),
                Next::Wait(limit) => next = earlier(next, limit),
                _ => {}
            }
        }
        next
    }

    /// Shows a status set by hand.
    pub(crate) fn mask(&self, index: u32, mask: Mask) {
        self.masked.store(true, Ordering::Release);
        self.slot(index).lock().masked = Some(Box::new(mask));
        self.touch();
    }

    /// Whether what is shown can change by time alone.
    fn changes_by_time(&self) -> bool {
        self.background.is_wanted() || self.masked.load(Ordering::Acquire)
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

    /// The output as it may leave the process.
    pub(crate) fn publishable(&self, slot: &Slot, output: Value) -> Value {
        attempt::publishable(self, slot, output)
    }
}

/// `None` is never.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.slots.iter().map(Slot::name)).finish()
    }
}
