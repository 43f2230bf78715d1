//! Which checks are to be looked at, and when: the earliest first.

use std::collections::BTreeMap;

use super::id::CheckId;
use crate::model::time::Instant;

/// Checks by moment. One whose moment has changed stays at the old one until [`prune`](Self::prune) drops it.
///
/// Runs that begin together share a moment, so a run's limit costs a push and a pop.
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

    /// The earliest, in the order in which they were put in, where their moment has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Instant, Vec<CheckId>)> {
        let first = self.by_moment.first_entry().filter(|first| *first.key() <= now)?;
        let (at, due) = first.remove_entry();
        self.length -= due.len();
        Some((at, due))
    }

    /// Drops what isn't current any more: all before the next one that is, and the rest where there are more than `most`.
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
