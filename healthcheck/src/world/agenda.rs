//! A queue of checks, ordered by time. When the time of a check has come, the `World` handles this check.

use std::collections::BTreeMap;

use super::id::CheckId;
use crate::model::time::Instant;

/// A queue of checks, ordered by time. If the time of a check changes, the check's old entry stays in the queue until
/// [`prune`](Self::prune) drops it.
///
/// All checks with the same time share one entry of the map, a `Vec`. Adding or removing one of these checks is only
/// one `push` or `pop` of this `Vec`.
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

    /// Removes and returns the earliest time of the queue, with the checks of that time in insertion order. Returns
    /// `None` if the queue is empty or the earliest time is after `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Instant, Vec<CheckId>)> {
        let first = self.by_moment.first_entry().filter(|first| *first.key() <= now)?;
        let (at, due) = first.remove_entry();
        self.length -= due.len();
        Some((at, due))
    }

    /// Drops outdated entries from the front of the queue until a current entry is at the front. If more than `most`
    /// entries are left, drops the outdated entries behind the front too.
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
