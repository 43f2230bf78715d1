//! The whole and the three probes: what each of them asks for, and its last answers, ready to be sent.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use healthcheck::{Report, Selection};

use crate::answer::{Answers, RenderContext, Rendered};
use crate::format::Choice;
use crate::kind::Kind;

pub(crate) struct Probe {
    pub(crate) kind: Kind,
    pub(crate) selection: Selection,
    /// How long an answer may wait for due checks.
    pub(crate) budget: Option<Duration>,
    with_details: CachedAnswers,
    without_details: CachedAnswers,
}

/// The last report in each form that it was asked for in.
#[derive(Default)]
struct CachedAnswers(RwLock<Vec<Arc<Rendered>>>);

impl Probe {
    pub(crate) fn new(kind: Kind, selection: Selection, budget: Option<Duration>) -> Self {
        Self {
            kind,
            selection,
            budget,
            with_details: CachedAnswers::default(),
            without_details: CachedAnswers::default(),
        }
    }

    /// The rendering of the whole probe: the kept one while the report is the same.
    pub(crate) fn rendered(
        &self,
        answers: &Answers,
        report: Arc<Report>,
        choice: Choice,
        subject: RenderContext<'_>,
    ) -> Arc<Rendered> {
        let kept = if subject.details {
            &self.with_details
        } else {
            &self.without_details
        };
        kept.find(&report, choice).unwrap_or_else(|| {
            // Rendered without the lock: two who come at once render the same, and nobody waits.
            let rendered = Arc::new(answers.render(report, choice, subject));
            kept.insert(&rendered);
            rendered
        })
    }
}

impl CachedAnswers {
    fn find(&self, report: &Arc<Report>, choice: Choice) -> Option<Arc<Rendered>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |kept: &&Arc<Rendered>| kept.choice == choice && Arc::ptr_eq(&kept.report, report);
        kept.iter().find(is_it).map(Arc::clone)
    }

    /// Keeps it beside those of the same report, in the place of those of an older one.
    fn insert(&self, rendered: &Arc<Rendered>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.choice != rendered.choice && Arc::ptr_eq(&other.report, &rendered.report));
        kept.push(Arc::clone(rendered));
    }
}
