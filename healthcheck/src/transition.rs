use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::Status;

/// A change of the status that reports show for one check, a change of the overall status of all checks, or the start
/// or end of maintenance.
///
/// If a check's first result passes, there is no transition. If a check's first result doesn't pass, there is a
/// transition whose `from` is null. The first transition of the overall status comes only after every check has a
/// result or a critical check fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Transition {
    /// The name of the check. This field is absent (`None`) for the overall status and for maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
    /// The status before the transition. This field is null (`None`) if there was no status before.
    pub from: Option<Status>,
    /// The status after the transition. For the overall status, degraded is shown as warn. The start of maintenance is
    /// shown as fail, and its end as pass.
    pub to: Status,
    /// The redacted output of the check. For the overall status, the output has the names of the checks that cause the
    /// transition. At the start of an override or of maintenance, the output is its reason. At the end of maintenance,
    /// the output is null.
    pub output: Value,
    /// The time at which the status changed, in seconds since the Unix epoch.
    pub at: f64,
    /// The duration of the previous status, in seconds. This field is absent (`None`) if the duration isn't known, for
    /// example because `from` is null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<f64>,
    /// The cause of the transition.
    pub by: Cause,
    /// The sequence number of the transition, beginning with 1. The numbers order all transitions of a `HealthCheck`,
    /// even if the clock is set back. The number is 0 if the transition comes from an older version of this library,
    /// which has no sequence numbers.
    #[serde(default)]
    pub sequence: u64,
}

/// The cause of a transition. In JSON the values are `"run"`, `"dependency"`, `"stale"`, `"override"` and
/// `"maintenance"`. The value `"stale"` means that the check's last result is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// A run of the check gave a result. The removal of a check and the results of `observe_liveness` also have this
    /// cause.
    Run,
    /// A dependency began to fail, or passes again.
    Dependency,
    /// The last result of the check became too old, because the background loop gives no results or a run takes too
    /// long.
    Stale,
    /// An override began or ended.
    Override,
    /// Maintenance started or ended. At the end of maintenance, the transition's `to` is `Pass` even if checks fail.
    Maintenance,
}
