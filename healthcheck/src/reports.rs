//! The cache of reports. It caches only reports on all checks and reports on one probe. A report stays in the cache
//! until one of its results changes or expires.

use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::Now;
use crate::report::Report;
use crate::runner::Snapshot;
use crate::selection::{MaxAge, Scope, Selection};
use crate::world::Expiration;

/// The latest reports for each scope. A scope is all checks, or one probe.
///
/// Requests with different `max_age` have separate reports. Otherwise, a scrape of the metrics would evict the report
/// that a probe serves.
#[derive(Default)]
pub(crate) struct Reports {
    kept: [RwLock<Vec<CachedReport>>; Scope::EVERY.len()],
}

#[derive(Clone)]
struct CachedReport {
    report: Arc<Report>,
    generation: u64,
    until: Expiration,
    max_age: Option<MaxAge>,
}

/// The maximum number of cached reports for one scope. Each of them is for a different `max_age`.
const MOST_AGES: usize = 4;

impl Reports {
    /// Returns the cached report on this selection if the report is still valid.
    pub(crate) fn find(&self, selection: &Selection, generation: u64, now: Now) -> Option<Arc<Report>> {
        if !selection.is_whole() {
            return None;
        }
        let place = self.kept[selection.scope as usize].read();
        let place = place.unwrap_or_else(PoisonError::into_inner);
        let kept = place.iter().find(|kept| kept.max_age == selection.max_age)?;
        kept.holds(generation, now).then(|| Arc::clone(&kept.report))
    }

    /// Returns the report of the snapshot. If the report stays valid for some time, also caches it.
    ///
    /// If the cache already has a valid report on this selection of checks, returns the cached report instead.
    pub(crate) fn keep(&self, selection: &Selection, snapshot: Snapshot) -> Arc<Report> {
        let Snapshot {
            report,
            now,
            generation,
            until,
        } = snapshot;
        let report = Arc::new(report);
        let Some(until) = until.filter(|_| selection.is_whole()) else {
            return report;
        };
        let max_age = selection.max_age;
        let place = self.kept[selection.scope as usize].write();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        let before = place.iter().position(|kept| kept.max_age == max_age);
        if let Some(kept) = before.map(|before| &place[before])
            && kept.holds(generation, now)
        {
            return Arc::clone(&kept.report);
        }
        let kept = CachedReport {
            report: Arc::clone(&report),
            generation,
            until,
            max_age,
        };
        match before {
            Some(before) => place[before] = kept,
            None => {
                if place.len() == MOST_AGES {
                    place.remove(0);
                }
                place.push(kept);
            }
        }
        report
    }
}

impl CachedReport {
    fn holds(&self, generation: u64, now: Now) -> bool {
        self.generation == generation && !self.until.is_over(now)
    }
}
