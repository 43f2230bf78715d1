use std::cell::OnceCell;
use std::sync::Arc;

use healthcheck::{CheckInfo, CheckResult, HealthCheck, Report, Statistics, Transition};

use super::negotiation::Style;

/// What there is to render: a report, what it was asked for, and what is known beside it.
pub struct Page<'a> {
    report: &'a Report,
    health: &'a HealthCheck,
    place: Place<'a>,
    /// What this caller may not see.
    withheld: bool,
    style: Style,
    checks: OnceCell<Vec<Arc<CheckInfo>>>,
    history: OnceCell<Vec<Transition>>,
}

/// What the request was for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'a> {
    /// The last segment of the path that tells the whole: "healthcheck", "readyz".
    pub(crate) name: &'a str,
    pub(crate) probe: Option<Probe>,
    /// The one check that the path names.
    pub(crate) check: Option<&'a str>,
    /// `?check=`, `?tag=` and `?exclude=`.
    pub(crate) checks: &'a [String],
    pub(crate) tags: &'a [String],
    pub(crate) excluded: &'a [String],
    /// The version of the binary.
    pub(crate) release: Option<&'a str>,
    /// The other pages, as seen from this one.
    pub(crate) links: Links<'a>,
    /// The whole and the three probes, for metrics alone.
    pub(crate) wholes: Option<&'a Wholes>,
}
