//! A scrape of the metrics: a request that never waits, and is rendered once a change like any other.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use healthcheck::{HealthCheck, Report, Selection, SelectionError, Statistics};

use crate::answer::{Answers, RenderContext, Rendered};
use crate::format::{Choice, Wholes};

/// The last scrape in each form.
#[derive(Default)]
pub(crate) struct Scrape {
    kept: RwLock<Vec<CachedScrape>>,
}

struct CachedScrape {
    /// Whether it is for those who may see what the checks say: a form of the user's may tell it.
    details: bool,
    wholes: Wholes,
    statistics: Statistics,
    rendered: Arc<Rendered>,
}

/// The latest results of all checks. Due checks are started, and their results are in the next scrape.
pub(crate) async fn read(
    health: &HealthCheck,
    selection: &Selection,
) -> Result<(Arc<Report>, Wholes), SelectionError> {
    let now = Duration::ZERO;
    // In this order: the due checks have been started when the probes' reports are read.
    let told = health.report_within(selection, now).await?;
    let wholes = Wholes {
        all: health.report_within(&Selection::all(), now).await?,
        liveness: health.report_within(&Selection::liveness(), now).await?,
        readiness: health.report_within(&Selection::readiness(), now).await?,
        startup: health.report_within(&Selection::startup(), now).await?,
    };
    Ok((told, wholes))
}

impl Scrape {
    /// The metrics of all checks: the kept ones while nothing they tell has changed.
    pub(crate) fn rendered(
        &self,
        answers: &Answers,
        choice: Choice,
        subject: RenderContext<'_>,
        wholes: &Wholes,
    ) -> Arc<Rendered> {
        let statistics = subject.health.statistics();
        let details = subject.details;
        let is_of_these = |kept: &CachedScrape| kept.rendered.choice == choice && kept.details == details;
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let holds = |kept: &&CachedScrape| {
            is_of_these(kept) && kept.wholes.are(wholes) && kept.statistics == statistics
        };
        if let Some(kept) = kept.iter().find(holds) {
            return Arc::clone(&kept.rendered);
        }
        drop(kept);
        let rendered = Arc::new(answers.render(Arc::clone(&wholes.all), choice, subject));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| !is_of_these(other) && other.wholes.are(wholes));
        kept.push(CachedScrape {
            details,
            wholes: wholes.clone(),
            statistics,
            rendered: Arc::clone(&rendered),
        });
        rendered
    }
}
