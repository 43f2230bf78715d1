//! The whole and the three probes: what each of them asks for, and its last answers, ready to be sent.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use healthcheck::{Report, Selection};

use crate::answer::{Answers, Details, Rendered};

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The health path: all checks.
    Health,
    Liveness,
    Readiness,
    Startup,
}

pub(crate) struct Probe {
    pub(crate) kind: Kind,
    pub(crate) selection: Selection,
    /// For how long an answer may wait for what is due.
    pub(crate) budget: Option<Duration>,
    with_details: RwLock<Option<Arc<Rendered>>>,
    without_details: RwLock<Option<Arc<Rendered>>>,
}

impl Probe {
    pub(crate) const fn new(kind: Kind, selection: Selection, budget: Option<Duration>) -> Self {
        Self {
            kind,
            selection,
            budget,
            with_details: RwLock::new(None),
            without_details: RwLock::new(None),
        }
    }

    /// The rendering of the whole probe: the kept one while the report is the same.
    pub(crate) fn rendered(&self, answers: &Answers, report: Arc<Report>, details: bool) -> Arc<Rendered> {
        let place = if details {
            &self.with_details
        } else {
            &self.without_details
        };
        let kept = place.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.report, &report)) {
            return Arc::clone(kept);
        }
        drop(kept);
        // Rendered without the lock: two who come at once render the same, and nobody waits.
        let details = if details {
            Details::Shown
        } else {
            Details::Withheld(&[])
        };
        let rendered = Arc::new(answers.render(self.kind, report, details));
        *place.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&rendered));
        rendered
    }
}
