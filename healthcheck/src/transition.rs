use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::Status;

/// A change of the shown status of one check, or of the overall status.
///
/// If a check's first result passes, there is no transition. If it doesn't pass, there is a transition without `from`.
/// Transitions of the overall status begin once every check has a result, or as soon as a critical check fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Transition {
    /// The check's name; `None` for the overall status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
    /// The status that was shown before; `None` for the first one.
    pub from: Option<Status>,
    /// The status that is shown now. For the overall status, degraded is `Warn`.
    pub to: Status,
    /// The redacted output of the check. For the overall status, the names of the checks that cause it. For an override
    /// or maintenance, the reason.
    pub output: Value,
    /// When the status changed, in seconds since the epoch.
    pub at: f64,
    /// How long the previous status lasted, in seconds; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<f64>,
    /// The cause of the transition.
    pub by: Cause,
    /// The sequence number of the transition; the first is 1. It orders all transitions of this `HealthCheck`, even if
    /// the clock is set back. 0 if the transition comes from an older version, which has no sequence numbers.
    #[serde(default)]
    pub sequence: u64,
}

/// The cause of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// The result of a run.
    Run,
    /// A dependency began to fail, or passes again.
    Dependency,
    /// The result of a background check became too old.
    Stale,
    /// An override began or ended.
    Override,
    /// Maintenance began or ended. The end of maintenance doesn't mean that the checks pass.
    Maintenance,
}
