//! The rendered answers, each kept as long as what it shows is the same.

use std::sync::{Arc, PoisonError, RwLock};

use healthcheck::{Report, Statistics};

use super::answer::Rendered;
use crate::kind::Kind;
use crate::render::{Choice, Wholes};

/// What an answer shows. The same reports are the same pointers.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) report: Arc<Report>,
    /// What metrics show besides.
    pub(crate) metrics: Option<(Wholes, Statistics)>,
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        let same_metrics = match (&self.metrics, &other.metrics) {
            (None, None) => true,
            (Some((wholes, counts)), Some((other, others))) => wholes.are(other) && counts == others,
            _ => false,
        };
        same_metrics && Arc::ptr_eq(&self.report, &other.report)
    }
}

/// Which answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) choice: Choice,
    /// Whether it is for a caller who may see what the checks say.
    pub(crate) details: bool,
}

impl Key {
    /// Whether both show the same report as long as nothing changes.
    fn is_of(self, other: Self) -> bool {
        self.kind == other.kind && self.choice.form.is_metrics() == other.choice.form.is_metrics()
    }
}

/// The last answer of each whole probe in each form.
#[derive(Default)]
pub(crate) struct Cache(RwLock<Vec<(Key, Shown, Arc<Rendered>)>>);

impl Cache {
    /// The kept answer, or the one that `render` makes.
    pub(crate) fn get_or(
        &self,
        key: Key,
        shown: Shown,
        render: impl FnOnce(&Shown) -> Rendered,
    ) -> Arc<Rendered> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, rendered)) = kept.iter().find(|(of, what, _)| *of == key && *what == shown) {
            return Arc::clone(rendered);
        }
        drop(kept);
        // Rendered without the lock: two requests that come at once may render the same, and neither waits.
        let rendered = Arc::new(render(&shown));
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, what, _)| *of != key && (!of.is_of(key) || *what == shown));
        kept.push((key, shown, Arc::clone(&rendered)));
        rendered
    }
}
