//! Runs functions, each at most once at a time, whoever asks and however many, and keeps what they gave.
//!
//! An engine has one slot a check or section. Whoever needs a result calls [`Engine::settle`]: it starts what is due
//! and waits, within a budget, for what is going on. A run belongs to no request: it is a task (or a thread) of its
//! own, owned by an [`attempt::Attempt`], whose drop frees the slot whatever happens.
//!
//! No lock is held across an await, a spawn, a user's function or a log line. The order is changes, then slot.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock::{Now, Until};
use crate::redact::Redaction;

mod attempt;
pub(crate) mod background;
pub(crate) mod blocking;
mod cache_padded;
mod call;
pub(crate) mod changes;
mod due;
pub(crate) mod listeners;
mod overdue;
mod paused_time;
pub(crate) mod policy;
mod publishable;
mod settle;
mod shown;
mod slot;
pub(crate) mod state;
mod task;
pub(crate) mod verdict;
pub(crate) mod view;

pub(crate) use call::is_inside_a_check;
pub(crate) use settle::Waited;
pub(crate) use slot::{Slot, Subject};

use cache_padded::CachePadded;
use changes::Changes;
use overdue::Overdue;
use state::Mask;

/// The slots of one registry, and what runs them.
pub(crate) struct Engine {
    pub(crate) slots: Box<[Slot]>,
    pub(crate) redaction: Redaction,
    /// An output of more bytes than this is cut.
    pub(crate) longest_output: usize,
    pub(crate) changes: CachePadded<Changes>,
    pub(crate) background: background::Background,
    overdue: Overdue,
    threads: blocking::Threads,
    generation: CachePadded<AtomicU64>,
    /// Whether a status was ever set by hand.
    masked: AtomicBool,
}

impl Engine {
    pub(crate) fn new(slots: Vec<Slot>, redaction: Redaction, changes: Changes) -> Self {
        let background = background::Background::new(&slots);
        Self {
            slots: slots.into_boxed_slice(),
            redaction,
            longest_output: publishable::LONGEST_OUTPUT,
            changes: CachePadded(changes),
            background,
            overdue: Overdue::default(),
            threads: blocking::Threads::default(),
            generation: CachePadded(AtomicU64::new(0)),
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

    /// Shows a status set by hand.
    pub(crate) fn mask(&self, index: u32, mask: Mask) {
        self.masked.store(true, Ordering::Release);
        self.slot(index).lock().masked = Some(Box::new(mask));
        self.touch();
    }

    /// When the first of the overrides on these ends.
    pub(crate) fn masked_until(&self, indices: &[u32], now: Now) -> Until {
        if !self.masked.load(Ordering::Acquire) {
            return Until::NEVER;
        }
        let masks = indices.iter().map(|&index| {
            self.slot(index)
                .lock()
                .mask(now)
                .map_or(Until::NEVER, |mask| mask.until)
        });
        masks.fold(Until::NEVER, Until::min)
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
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.slots.iter().map(Slot::name)).finish()
    }
}
