//! What a caller without permission for details is told.

use std::collections::HashSet;

use healthcheck::{Report, Transition};

/// How much a caller sees whom [`Endpoints::details_access`](crate::Endpoints::details_access) refuses: given to
/// [`Endpoints::details`](crate::Endpoints::details).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// The name and the verdict of each check, without what it says. The default.
    #[default]
    Verdicts,
    /// The verdict on the whole alone: no names of checks, tags or sections, no host name. A 404 lists nothing.
    Overall,
}

/// Stands where an output would.
pub(crate) const WITHHELD: &str = "reason withheld";
/// Stands where an output would, in a body that would be too large with it.
pub(crate) const LEFT_OUT: &str = "left out: the body would be larger than 4 MiB";

/// The report with the verdicts, names and times, and without anything that somebody wrote: outputs, sections, the
/// reasons of overrides and of maintenance, warnings (except about what the caller excluded).
pub(crate) fn withheld(report: &Report, excluded: &[String]) -> Report {
    let mut reduced = without_outputs(report, WITHHELD);
    for result in &mut reduced.results {
        if let Some(overridden) = &mut result.overridden {
            WITHHELD.clone_into(&mut overridden.reason);
        }
    }
    if let Some(reason) = &mut reduced.reason
        && reason.starts_with(MAINTENANCE)
    {
        reason.truncate(MAINTENANCE.len());
    }
    let about_excluded: HashSet<String> = excluded
        .iter()
        .map(|name| format!("there is no check `{name}` to exclude"))
        .collect();
    reduced
        .warnings
        .retain(|warning| about_excluded.contains(warning));
    reduced
}

/// The report with nothing but the verdict on the whole, and why it isn't ready.
pub(crate) fn overall(report: &Report) -> Report {
    let mut reduced = withheld(report, &[]);
    reduced.results.clear();
    reduced.warnings.clear();
    reduced.hostname.clear();
    reduced
}

/// The report with a note in the place of each output, and without sections.
pub(crate) fn without_outputs(report: &Report, note: &str) -> Report {
    let mut reduced = report.clone();
    for result in &mut reduced.results {
        result.output = note.into();
    }
    reduced.sections.clear();
    reduced
}

/// The transitions with a note in the place of each output.
pub(crate) fn history_without_outputs(mut history: Vec<Transition>) -> Vec<Transition> {
    for transition in &mut history {
        transition.output = LEFT_OUT.into();
    }
    history
}

const MAINTENANCE: &str = "maintenance";
