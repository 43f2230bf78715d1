//! The whole and the three probes.

use healthcheck::CheckOptions;

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The health path: all checks.
    Health,
    Liveness,
    Readiness,
    Startup,
}

impl Kind {
    /// Whether a check of these options belongs to it.
    pub(crate) const fn has(self, options: &CheckOptions) -> bool {
        match self {
            Self::Health => true,
            Self::Liveness => options.liveness,
            Self::Readiness => options.readiness,
            Self::Startup => options.startup,
        }
    }
}
