//! The report for a caller without permission for details.

use healthcheck::{Report, Transition};

/// How much a caller sees that [`Endpoints::details_access`](crate::Endpoints::details_access) refuses. An argument of
/// [`Endpoints::details`](crate::Endpoints::details).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// The name and the verdict of each check, without its output. The default.
    #[default]
    Verdicts,
    /// Only the verdict on the whole: no names of checks, tags or sections, and no host name. A 404 lists no names.
    Overall,
}

/// Replaces the outputs that the caller may not see.
pub(crate) const WITHHELD: &str = "reason withheld";
/// Replaces the outputs if a body with them would be too large.
pub(crate) const LEFT_OUT: &str = "left out: the body would be larger than 4 MiB";

/// A report with only the verdict on the whole and the reason why the service isn't ready.
pub(crate) fn overall(report: &Report) -> Report {
    let mut reduced = report.without_details(WITHHELD);
    reduced.results.clear();
    reduced.warnings.clear();
    reduced.hostname.clear();
    reduced
}

/// The transitions with [`LEFT_OUT`] instead of each output.
pub(crate) fn history_without_outputs(mut history: Vec<Transition>) -> Vec<Transition> {
    for transition in &mut history {
        transition.output = LEFT_OUT.into();
    }
    history
}
