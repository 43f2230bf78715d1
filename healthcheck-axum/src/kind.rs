//! Distinguishes the health path and the three probes.

use healthcheck::CheckOptions;

/// What a request asks for: the health path or one of the three probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    /// The health path, with all checks.
    Health,
    Liveness,
    Readiness,
    Startup,
}

impl ProbeKind {
    /// Returns whether a check with these options belongs to the health path or to this probe.
    pub(crate) const fn has(self, options: &CheckOptions) -> bool {
        match self {
            Self::Health => true,
            Self::Liveness => options.liveness,
            Self::Readiness => options.readiness,
            Self::Startup => options.startup,
        }
    }
}
