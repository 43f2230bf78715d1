//! Keeps each rendered answer until the report that it shows changes.

use std::sync::{Arc, PoisonError, RwLock};

use healthcheck::{Report, Statistics};

use super::answer::Rendered;
use crate::kind::ProbeKind;
use crate::render::{Choice, Wholes};

/// The content of an answer. `HealthCheck` returns the same `Arc` as long as a report is unchanged, so comparing
/// pointers is enough.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) report: Arc<Report>,
    /// The report of each probe and the counters, if the answer shows metrics. Otherwise `None`.
    pub(crate) metrics: Option<Box<(Wholes, Statistics)>>,
}

impl PartialEq for Shown {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.report, &other.report) && self.metrics == other.metrics
    }
}

/// Identifies an answer: its probe, its format, and whether it shows details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: ProbeKind,
    pub(crate) choice: Choice,
    /// Whether the caller may see the outputs of the checks.
    pub(crate) details: bool,
}

impl Key {
    /// Returns whether answers with these two keys have the same content. Two answers have the same content if they
    /// belong to the same probe, and if either both or none of them contain metrics.
    fn is_of(self, other: Self) -> bool {
        self.kind == other.kind && self.choice.form.is_metrics() == other.choice.form.is_metrics()
    }
}

/// The last answer of each probe in each format. An answer that shows only some checks of a probe isn't cached.
#[derive(Default)]
pub(crate) struct Cache(RwLock<Vec<(Key, Shown, Arc<Rendered>)>>);

impl Cache {
    /// Returns the cached answer with this key if it shows this content.
    #[inline]
    pub(crate) fn find(&self, key: Key, shown: &Shown) -> Option<Arc<Rendered>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (.., rendered) = kept
            .iter()
            .find(|(of, content, _)| *of == key && content == shown)?;
        Some(Arc::clone(rendered))
    }

    /// Caches an answer. Removes the earlier answer with this key, and each answer that shows an older report of the
    /// same probe.
    pub(crate) fn keep(&self, key: Key, shown: Shown, rendered: Arc<Rendered>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, content, _)| *of != key && (!of.is_of(key) || *content == shown));
        kept.push((key, shown, rendered));
    }
}

#[cfg(test)]
mod tests {
    use healthcheck::{Check, HealthCheck, Selection};

    use super::*;

    #[tokio::test]
    async fn metrics_are_the_same_while_their_reports_and_counters_are() {
        let check = Check::new("a", async || true);
        let health = HealthCheck::builder().discover(false).check(check);
        let health = health.build().unwrap();
        let none_has_run = health.statistics();
        let report = health.report_within(&Selection::all(), None).await.unwrap();
        let one_has_run = health.statistics();
        let shown = |startup: &Arc<Report>, statistics: &Statistics| {
            let wholes = Wholes {
                all: Arc::clone(&report),
                liveness: Arc::clone(&report),
                readiness: Arc::clone(&report),
                startup: Arc::clone(startup),
            };
            Shown {
                report: Arc::clone(&report),
                metrics: Some(Box::new((wholes, statistics.clone()))),
            }
        };
        let subject = shown(&report, &one_has_run);
        assert_eq!(subject, shown(&report, &one_has_run));
        assert_ne!(subject, shown(&report, &none_has_run));
        let other_report = Arc::new(Report::clone(&report));
        assert_ne!(subject, shown(&other_report, &one_has_run));
    }
}
