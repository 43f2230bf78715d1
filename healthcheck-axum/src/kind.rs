//! The kinds of paths that serve reports: the health path and the paths of the three probes.

use healthcheck::CheckOptions;

/// The kind of a path that serves a report: the health path or the path of one of the three probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    /// The health path, whose report has all checks.
    Health,
    Liveness,
    Readiness,
    Startup,
}

impl ProbeKind {
    /// Returns whether the report of this kind of path includes a check with these options.
    pub(crate) const fn has(self, options: &CheckOptions) -> bool {
        match self {
            Self::Health => true,
            Self::Liveness => options.liveness,
            Self::Readiness => options.readiness,
            Self::Startup => options.startup,
        }
    }
}
