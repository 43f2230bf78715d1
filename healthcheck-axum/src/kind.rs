//! The health path and the three probes.

use healthcheck::CheckOptions;

/// Which of these four a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    /// The health path, with all checks.
    Health,
    Liveness,
    Readiness,
    Startup,
}

impl ProbeKind {
    /// Whether a check with these options belongs to this path.
    pub(crate) const fn has(self, options: &CheckOptions) -> bool {
        match self {
            Self::Health => true,
            Self::Liveness => options.liveness,
            Self::Readiness => options.readiness,
            Self::Startup => options.startup,
        }
    }
}
