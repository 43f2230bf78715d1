use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use healthcheck::{CheckInfo, CheckOptions, HealthCheck, Report, Statistics, Transition};

use super::form::Style;
use crate::access::details::Details;
use crate::kind::ProbeKind;
use crate::paths::Paths;
use crate::service::Service;

/// The input of a [`Format`](crate::Format): a report, the request, and more about the service.
///
/// It has only what this caller may see. If details are withheld, the report says so in their place, and the other methods
/// withhold them too.
#[must_use]
pub struct Page<'a> {
    report: &'a Report,
    health: &'a HealthCheck,
    pub(super) context: PageContext<'a>,
    /// How much this caller may see. `None` if the caller has permission for details.
    withheld: Option<Details>,
    style: Style,
    checks: OnceCell<Vec<Arc<CheckInfo>>>,
    history: OnceCell<Vec<Transition>>,
}

/// What the request asked for, and the configuration that formats need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageContext<'a> {
    pub(crate) kind: ProbeKind,
    /// The check that the path names.
    pub(crate) check: Option<&'a str>,
    /// The names that the query excludes, and the tags that it selects.
    pub(crate) excluded: &'a [String],
    pub(crate) tags: &'a [String],
    /// Whether the report covers the whole probe.
    pub(crate) is_whole: bool,
    pub(crate) paths: &'a Paths,
    pub(crate) service: &'a Service,
    /// Whether there is an environment page that the HTML page can link to.
    pub(crate) with_environment: bool,
    /// The reports of all checks and of the three probes. Only metrics have them.
    pub(crate) wholes: Option<&'a Wholes>,
}

/// The reports of all checks and of the three probes.
#[derive(Clone, Debug)]
pub(crate) struct Wholes {
    pub(crate) all: Arc<Report>,
    pub(crate) liveness: Arc<Report>,
    pub(crate) readiness: Arc<Report>,
    pub(crate) startup: Arc<Report>,
}

/// Compares the reports by pointer.
impl PartialEq for Wholes {
    fn eq(&self, others: &Self) -> bool {
        Arc::ptr_eq(&self.all, &others.all)
            && Arc::ptr_eq(&self.liveness, &others.liveness)
            && Arc::ptr_eq(&self.readiness, &others.readiness)
            && Arc::ptr_eq(&self.startup, &others.startup)
    }
}

impl<'a> Page<'a> {
    pub(crate) const fn new(report: &'a Report, health: &'a HealthCheck, context: PageContext<'a>) -> Self {
        Self {
            report,
            health,
            context,
            withheld: None,
            style: Style::Brief,
            checks: OnceCell::new(),
            history: OnceCell::new(),
        }
    }

    pub(crate) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    pub(crate) fn withheld(self, withheld: Option<Details>) -> Self {
        Self { withheld, ..self }
    }

    /// This page with another history.
    pub(super) fn with_history(self, history: Vec<Transition>) -> Self {
        Self {
            history: OnceCell::from(history),
            ..self
        }
    }

    /// This page with another report.
    pub(super) const fn with_report<'b>(&self, report: &'b Report) -> Page<'b>
    where
        'a: 'b,
    {
        Page::new(report, self.health, self.context).style_and_reach(self.style, self.withheld)
    }

    const fn style_and_reach(mut self, style: Style, withheld: Option<Details>) -> Self {
        self.style = style;
        self.withheld = withheld;
        self
    }

    /// The report. If details are withheld, each output is "reason withheld", and there are no sections.
    #[must_use]
    pub const fn report(&self) -> &'a Report {
        self.report
    }

    /// Whether this caller may see details: outputs, sections, descriptions.
    #[must_use]
    pub const fn shows_details(&self) -> bool {
        self.withheld.is_none()
    }

    /// The name of the endpoint, which is the last segment of its path: "healthcheck", "readyz".
    #[must_use]
    pub fn name(&self) -> &'a str {
        let path = self.path();
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.is_empty() { "health" } else { name }
    }

    /// Whether the request was for one of the three probes, or a part of one, and not for the health path.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.context.kind != ProbeKind::Health
    }

    /// The check in the path of the request, as in `GET /readyz/database`.
    #[must_use]
    pub const fn check(&self) -> Option<&'a str> {
        self.context.check
    }

    /// The names in the query's `exclude`, whether there are such checks or not.
    #[must_use]
    pub fn excluded(&self) -> &'a [String] {
        self.context.excluded
    }

    /// Whether to show everything: the query has `?verbose`, or the client would see only one word.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.style != Style::Brief
    }

    /// The name, the options and the place of each check of the service, in the order of their names. If details are
    /// withheld, they have no descriptions. With [`Details::Overall`](crate::Details::Overall) the list is empty.
    #[must_use]
    pub fn checks(&self) -> &[Arc<CheckInfo>] {
        match self.withheld {
            None | Some(Details::Verdicts) => self.known(),
            Some(Details::Overall) => &[],
        }
    }

    fn known(&self) -> &[Arc<CheckInfo>] {
        self.checks.get_or_init(|| {
            let checks = self.health.checks();
            if self.withheld.is_some() {
                checks.map(without_description).collect()
            } else {
                checks.collect()
            }
        })
    }

    /// The options of a check. Unlike [`info`](Self::info) they don't depend on the caller's permission, since verdicts
    /// follow from them.
    pub(super) fn options(&self, name: &str) -> Option<&CheckOptions> {
        let known = self.known();
        let found = known.binary_search_by(|info| info.name().cmp(name)).ok()?;
        known.get(found).map(|info| info.options())
    }

    /// Whether this caller may see only the verdict on the whole.
    pub(super) fn shows_the_whole_alone(&self) -> bool {
        self.withheld == Some(Details::Overall)
    }

    /// The same of one check.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&CheckInfo> {
        let checks = self.checks();
        let found = checks.binary_search_by(|info| info.name().cmp(name)).ok()?;
        checks.get(found).map(|info| &**info)
    }

    /// The last 32 transitions of each check and of the whole, the oldest first. Empty if details are withheld.
    #[must_use]
    pub fn history(&self) -> &[Transition] {
        self.history.get_or_init(|| {
            if self.withheld.is_some() {
                Vec::new()
            } else {
                self.health.history()
            }
        })
    }

    /// The transitions of a check, oldest first.
    pub(super) fn transitions_of(&self, check: &str) -> impl DoubleEndedIterator<Item = &Transition> {
        let history = self.history().iter();
        history.filter(move |transition| transition.checker.as_deref() == Some(check))
    }

    /// The counters since the start.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.health.statistics()
    }

    /// Whether the service is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.health.is_draining()
    }

    /// Whether the service is in maintenance.
    #[must_use]
    pub fn is_in_maintenance(&self) -> bool {
        self.health.maintenance_reason().is_some()
    }

    /// The version of the service: that of [`Endpoints::version`](crate::Endpoints::version). `None` if it isn't known.
    #[must_use]
    pub fn version(&self) -> Option<&'a str> {
        self.context.service.version.as_deref()
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.context.is_whole
    }

    pub(super) fn is_worst_last(&self) -> bool {
        self.style == Style::WorstLast
    }

    pub(super) fn path(&self) -> &'a str {
        self.context.paths.of(self.context.kind)
    }

    /// A relative link to a segment below this path.
    pub(super) fn link_below(&self, segment: &str) -> String {
        match self.path().rsplit_once('/') {
            Some((_, last)) if !last.is_empty() => format!("{last}/{segment}"),
            _ => segment.to_owned(),
        }
    }

    /// A link from this path to another endpoint. It is relative, since under `nest` the prefix of the paths is
    /// unknown.
    pub(super) fn link(&self, to: &str) -> String {
        let segments = self.path().split('/').filter(|segment| !segment.is_empty());
        let here = segments.count() + usize::from(self.context.check.is_some());
        // A relative link already replaces the last segment of this path.
        let up = here.saturating_sub(1);
        let down = to.trim_start_matches('/');
        if up == 0 && down.is_empty() {
            return "./".to_owned();
        }
        format!("{}{down}", "../".repeat(up))
    }
}

/// Removes the description, since its author may have meant it only for callers who may see details.
fn without_description(info: Arc<CheckInfo>) -> Arc<CheckInfo> {
    if info.description().is_none() {
        return info;
    }
    Arc::new(CheckInfo::clone(&info).without_description())
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("report", &self.report)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
