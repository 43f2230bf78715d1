//! A queue of checks, ordered by the time at which the world has to handle them.

use std::collections::BTreeMap;

use super::id::CheckId;
use crate::model::time::Instant;

/// The queue. If the time of a check changes, its old entry remains until [`prune`](Self::prune) drops it.
///
/// Checks with the same time share one entry of the map. So runs that start together cost only one push and one pop of
/// a `Vec` each.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_moment: BTreeMap<Instant, Vec<CheckId>>,
    length: usize,
}

impl Agenda {
    pub(super) fn put(&mut self, at: Instant, id: CheckId) {
        self.by_moment.entry(at).or_default().push(id);
        self.length += 1;
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_moment.first_key_value().map(|(&at, _)| at)
    }

    /// Removes and returns the earliest time with its checks, in insertion order. Returns `None` if that time is after
    /// `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Instant, Vec<CheckId>)> {
        let first = self.by_moment.first_entry().filter(|first| *first.key() <= now)?;
        let (at, due) = first.remove_entry();
        self.length -= due.len();
        Some((at, due))
    }

    /// Drops outdated entries from the front until it finds a current one. If more than `most` entries remain, drops
    /// all outdated entries.
    pub(super) fn prune(&mut self, most: usize, is_current: impl Fn(Instant, CheckId) -> bool) {
        while let Some(mut first) = self.by_moment.first_entry() {
            let at = *first.key();
            while first.get_mut().pop_if(|id| !is_current(at, *id)).is_some() {
                self.length -= 1;
            }
            if !first.get().is_empty() {
                break;
            }
            first.remove();
        }
        if self.length > most {
            self.by_moment.retain(|&at, ids| {
                ids.retain(|&id| is_current(at, id));
                !ids.is_empty()
            });
            self.length = self.by_moment.values().map(Vec::len).sum();
        }
    }

    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.length
    }
}
