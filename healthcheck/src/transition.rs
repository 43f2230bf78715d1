use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::Status;

/// A change of the shown status of one check, or of the whole.
///
/// A first result that passes is no transition; a first one that doesn't has no `from`. The whole is told once every
/// check has a result, or as soon as a critical one fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Transition {
    /// The check's name; `None`: the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
    /// What was shown before; `None`: nothing.
    pub from: Option<Status>,
    /// What is shown now. Of the whole, degraded is `Warn`.
    pub to: Status,
    /// What the check had to say, redacted; of the whole, the names of the checks that changed; of an override and of
    /// maintenance, the reason.
    pub output: Value,
    /// When, in seconds since the epoch.
    pub at: f64,
    /// How long the status before had lasted, in seconds; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<f64>,
    /// What brought it about.
    pub by: Cause,
    /// Its place among all transitions of this `HealthCheck`, from 1 on: the order in which they happened, whatever the
    /// clocks do. 0 where a report of an older version is read.
    #[serde(default)]
    pub sequence: u64,
}

/// What brought a transition about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// A run's result.
    Run,
    /// A dependency's failure, or its end.
    Dependency,
    /// A background result that grew too old.
    Stale,
    /// A status set by hand, or its end.
    Override,
    /// Maintenance, which began or ended. That it ended doesn't say that the checks pass: what they amount to is told by
    /// the other causes alone.
    Maintenance,
}
