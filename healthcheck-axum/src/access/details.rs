//! Reduces a report for a client that may not see the details.

use healthcheck::{Report, Transition};

/// How much of a report a client sees if the rule of [`Endpoints::details_access`](crate::Endpoints::details_access)
/// refuses the details to this client. Pass this to [`Endpoints::details`](crate::Endpoints::details).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// The client sees the name and the status of each check, but not the check's output. This is the default.
    #[default]
    Verdicts,
    /// The client sees only the overall status. It sees no name of a check, a tag or a section, and no host name. The
    /// body of a 404 doesn't list the known names.
    Overall,
}

/// The text in place of each output that the client may not see.
pub(crate) const WITHHELD: &str = "reason withheld";
/// The text in place of each output if a body with the outputs would be too large.
pub(crate) const LEFT_OUT: &str = "left out: the body would be larger than 4 MiB";

/// Returns a copy of the report that has only the overall status and, if the service isn't ready, the reason for that.
pub(crate) fn overall(report: &Report) -> Report {
    let mut reduced = report.without_details(WITHHELD);
    reduced.results.clear();
    reduced.warnings.clear();
    reduced.hostname.clear();
    reduced
}

/// Returns the transitions of a history, each with [`LEFT_OUT`] as its output.
pub(crate) fn history_without_outputs(mut history: Vec<Transition>) -> Vec<Transition> {
    for transition in &mut history {
        transition.output = LEFT_OUT.into();
    }
    history
}
