use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use healthcheck::{CheckInfo, CheckOptions, HealthCheck, Report, Statistics, Transition};

use super::form::Style;
use crate::access::details::Details;
use crate::kind::ProbeKind;
use crate::paths::Paths;
use crate::service::Service;

/// The input of a [`Format`](crate::Format): a report, data of the request, and data about the service.
///
/// A page contains only the data that this caller may see. If the caller may not see details, [`report`](Self::report)
/// has "reason withheld" in place of each output, and the other methods of the page leave details out.
#[must_use]
pub struct Page<'a> {
    report: &'a Report,
    health: &'a HealthCheck,
    pub(super) context: PageContext<'a>,
    /// How much of a report this caller sees without permission for details. `None` if this caller has that permission.
    withheld: Option<Details>,
    style: Style,
    checks: OnceCell<Vec<Arc<CheckInfo>>>,
    history: OnceCell<Vec<Transition>>,
}

/// The data of the request, and the part of the configuration that formats need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageContext<'a> {
    pub(crate) kind: ProbeKind,
    /// The name of the single check that the request's path names.
    pub(crate) check: Option<&'a str>,
    /// The names in the query's parameters `exclude`.
    pub(crate) excluded: &'a [String],
    /// The tags in the query's parameters `tag`.
    pub(crate) tags: &'a [String],
    /// True if the report has all checks of the path. False if the request selects some of the checks.
    pub(crate) is_whole: bool,
    pub(crate) paths: &'a Paths,
    pub(crate) service: &'a Service,
    /// Whether there is an environment page. If there is one, the HTML page links to it.
    pub(crate) with_environment: bool,
    /// The complete reports of the health path and of the three probes. `None` if the answer contains no metrics.
    pub(crate) wholes: Option<&'a Wholes>,
}

/// The complete reports of the health path (`all`) and of the three probes. Metrics show the status of each of these
/// reports.
#[derive(Clone, Debug)]
pub(crate) struct Wholes {
    pub(crate) all: Arc<Report>,
    pub(crate) liveness: Arc<Report>,
    pub(crate) readiness: Arc<Report>,
    pub(crate) startup: Arc<Report>,
}

/// Compares the four reports by their pointers.
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

    /// Returns this page with `history` in place of its own history.
    pub(super) fn with_history(self, history: Vec<Transition>) -> Self {
        Self {
            history: OnceCell::from(history),
            ..self
        }
    }

    /// Returns this page with `report` in place of its own report.
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

    /// Returns the report. If this caller may not see details, each output in the report is "reason withheld", and the
    /// report has no sections.
    #[must_use]
    pub const fn report(&self) -> &'a Report {
        self.report
    }

    /// Returns whether this caller may see the details of the report: outputs, sections and descriptions.
    #[must_use]
    pub const fn shows_details(&self) -> bool {
        self.withheld.is_none()
    }

    /// Returns the name of the endpoint, which is the last segment of its path, such as "healthcheck" or "readyz".
    #[must_use]
    pub fn name(&self) -> &'a str {
        let path = self.path();
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.is_empty() { "health" } else { name }
    }

    /// Returns true if the path of the request is the path of a probe, such as `/readyz`, or of a single check of a
    /// probe, such as `/readyz/database`. Returns false for the health path and the paths below it.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.context.kind != ProbeKind::Health
    }

    /// Returns the name of the single check in the path of the request, as in `GET /readyz/database`. Returns `None` if
    /// the path names no check.
    #[must_use]
    pub const fn check(&self) -> Option<&'a str> {
        self.context.check
    }

    /// Returns the names in the query's parameters `exclude`, including names that belong to no check.
    #[must_use]
    pub fn excluded(&self) -> &'a [String] {
        self.context.excluded
    }

    /// Returns whether the format should show every check. True if the query has `?verbose`, and also if a client such
    /// as Consul gets `text` and keeps only the end of the body.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.style != Style::Brief
    }

    /// Returns the name, the options and the source location of each check of the service, sorted by name.
    ///
    /// If this caller may not see details, the checks have no descriptions. With
    /// [`Details::Overall`](crate::Details::Overall), the list for this caller is empty.
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

    /// Returns the options of a check, even if [`info`](Self::info) withholds the check from this caller. Metrics need
    /// the options to compute the verdicts.
    pub(super) fn options(&self, name: &str) -> Option<&CheckOptions> {
        let known = self.known();
        let found = known.binary_search_by(|info| info.name().cmp(name)).ok()?;
        known.get(found).map(|info| info.options())
    }

    /// Returns whether this caller may see only the overall status.
    pub(super) fn shows_the_whole_alone(&self) -> bool {
        self.withheld == Some(Details::Overall)
    }

    /// Returns the name, the options and the source location of one check. Returns `None` if the check isn't in the
    /// list of [`checks`](Self::checks).
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&CheckInfo> {
        let checks = self.checks();
        let found = checks.binary_search_by(|info| info.name().cmp(name)).ok()?;
        checks.get(found).map(|info| &**info)
    }

    /// Returns the last 32 transitions of each check and of the overall status, oldest first. Returns an empty list if
    /// this caller may not see details.
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

    /// Returns the transitions of one check, oldest first.
    pub(super) fn transitions_of(&self, check: &str) -> impl DoubleEndedIterator<Item = &Transition> {
        let history = self.history().iter();
        history.filter(move |transition| transition.checker.as_deref() == Some(check))
    }

    /// Returns the counters of the service, such as how often each check has passed since the start of the process.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.health.statistics()
    }

    /// Returns whether the service is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.health.is_draining()
    }

    /// Returns whether the service is in maintenance.
    #[must_use]
    pub fn is_in_maintenance(&self) -> bool {
        self.health.maintenance_reason().is_some()
    }

    /// Returns the version of the service, or `None` if it has no version.
    /// [`Endpoints::version`](crate::Endpoints::version) sets the version and describes its default.
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

    /// Returns a relative link from the path of this endpoint to `segment` below that path.
    pub(super) fn link_below(&self, segment: &str) -> String {
        match self.path().rsplit_once('/') {
            Some((_, last)) if !last.is_empty() => format!("{last}/{segment}"),
            _ => segment.to_owned(),
        }
    }

    /// Returns a link from the path of this request to the path `to` of an endpoint. The link is relative, because in a
    /// nested router we don't know the prefix of the paths.
    pub(super) fn link(&self, to: &str) -> String {
        let segments = self.path().split('/').filter(|segment| !segment.is_empty());
        let here = segments.count() + usize::from(self.context.check.is_some());
        // In a browser, a relative link replaces the last segment of the current path, so the link needs no `../` for
        // that segment.
        let up = here.saturating_sub(1);
        let down = to.trim_start_matches('/');
        if up == 0 && down.is_empty() {
            return "./".to_owned();
        }
        format!("{}{down}", "../".repeat(up))
    }
}

/// Returns a copy of `info` without the description, for callers that may not see details.
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
