//! Reduces a report for a caller that may not see the details.

use healthcheck::{Report, Transition};

/// How much a caller sees if [`Endpoints::details_access`](crate::Endpoints::details_access) refuses it the details.
/// This is the argument of [`Endpoints::details`](crate::Endpoints::details).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// The name and the verdict of each check, without its output. The default.
    #[default]
    Verdicts,
    /// Only the overall status: no names of checks, tags or sections, and no host name. A 404 doesn't list the known
    /// names either.
    Overall,
}

/// Replaces the outputs that the caller may not see.
pub(crate) const WITHHELD: &str = "reason withheld";
/// Replaces the outputs if a body with them would be too large.
pub(crate) const LEFT_OUT: &str = "left out: the body would be larger than 4 MiB";

/// Returns a report with only the overall status, and the reason if the service isn't ready.
pub(crate) fn overall(report: &Report) -> Report {
    let mut reduced = report.without_details(WITHHELD);
    reduced.results.clear();
    reduced.warnings.clear();
    reduced.hostname.clear();
    reduced
}

/// Returns the transitions with [`LEFT_OUT`] in place of each output.
pub(crate) fn history_without_outputs(mut history: Vec<Transition>) -> Vec<Transition> {
    for transition in &mut history {
        transition.output = LEFT_OUT.into();
    }
    history
}
