use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::outcome::Status;

/// What the checks found, in the form that goes over the wire.
///
/// Serialises to the JSON of the health endpoint and back, so that a client in Rust reads another service with it.
/// Times are seconds since the Unix epoch, at most six places.
///
/// ```
/// use healthcheck::{Overall, Report};
///
/// let body = r#"{"hostname":"d122bb054e3d","status":"success","timestamp":1598022539.178331,"results":[]}"#;
/// let report: Report = serde_json::from_str(body)?;
/// assert_eq!(report.status, Overall::Success);
/// assert_eq!(serde_json::to_string(&report)?, body);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(description = "What the checks found. Times are seconds since the Unix epoch.")
)]
#[non_exhaustive]
pub struct Report {
    /// The name of the host that answers.
    pub hostname: String,
    /// The verdict on the whole.
    pub status: Overall,
    /// When this report was put together.
    pub timestamp: f64,
    /// One result a check, by name.
    pub results: Vec<CheckResult>,
    /// Why readiness fails as a whole: "shutting down", "maintenance…" or "starting".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What somebody should know and no check says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The sections asked into the health body, by name, beside the fields above.
    #[serde(flatten)]
    pub sections: Map<String, Value>,
}

/// The verdict on a whole report.
///
/// `Failure` where a critical check fails, else `Degraded` where any check fails or warns, else `Success`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Every check passes, or there is none.
    Success,
    /// Something warns, or something that isn't critical fails.
    Degraded,
    /// A critical check fails.
    Failure,
}

impl Overall {
    /// The word on the wire: "success", "degraded" or "failure".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Degraded => "degraded",
            Self::Failure => "failure",
        }
    }

    /// The same as a check's status: degraded is a warning.
    #[must_use]
    pub const fn as_status(self) -> Status {
        match self {
            Self::Success => Status::Pass,
            Self::Degraded => Status::Warn,
            Self::Failure => Status::Fail,
        }
    }
}

impl std::fmt::Display for Overall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct CheckResult {
    /// The check's name.
    pub checker: String,
    /// What the check had to say, redacted.
    pub output: Value,
    /// True for pass and warn.
    pub passed: bool,
    /// The verdict that is shown; below a threshold the one that is held.
    pub status: Status,
    /// When the run ended; `None` before the first result.
    pub timestamp: Option<f64>,
    /// Until when the result is cached; `None` where it isn't.
    pub expires: Option<f64>,
    /// How long the run took, in seconds.
    pub response_time: Option<f64>,
    /// On a failing result: when it began to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<f64>,
    /// On a failing result: how many runs in a row have failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub consecutive_failures: u64,
    /// The result is older than it should be, since the next run hasn't ended yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// On a stale result: how old it is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
    /// A change that hasn't reached its threshold yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The dependency whose failure keeps this check from running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// Set by hand for a while, in the place of what the runs give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
}

/// A change of status that is under way: `count` of the `of` runs in a row that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Pending {
    /// What the latest runs gave.
    pub status: Status,
    /// How many in a row.
    pub count: u32,
    /// How many it takes.
    pub of: u32,
}

/// Why and until when a status was set by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Overridden {
    /// What the one who set it said.
    pub reason: String,
    /// When it ends, in seconds since the epoch.
    pub until: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> CheckResult {
        CheckResult {
            checker: "redis".into(),
            output: "redis ok".into(),
            passed: true,
            status: Status::Pass,
            timestamp: Some(1_598_022_539.178_302),
            expires: None,
            response_time: Some(0.000_123),
            failing_since: None,
            consecutive_failures: 0,
            stale: false,
            age: None,
            pending: None,
            blocked_by: None,
            overridden: None,
        }
    }

    #[test]
    fn a_plain_result_has_the_seven_fields_of_the_wire_form() {
        assert_eq!(
            serde_json::to_string(&plain()).unwrap(),
            r#"{"checker":"redis","output":"redis ok","passed":true,"status":"pass","timestamp":1598022539.178302,"expires":null,"response_time":0.000123}"#
        );
    }

    #[test]
    fn a_report_reads_its_own_json() {
        let report = Report {
            hostname: "host".into(),
            status: Overall::Failure,
            timestamp: 1.5,
            results: vec![CheckResult {
                status: Status::Fail,
                passed: false,
                failing_since: Some(1.0),
                consecutive_failures: 3,
                stale: true,
                age: Some(12.3),
                pending: Some(Pending {
                    status: Status::Pass,
                    count: 1,
                    of: 2,
                }),
                blocked_by: Some("dns".into()),
                overridden: Some(Overridden {
                    reason: "game day".into(),
                    until: 2.0,
                }),
                ..plain()
            }],
            reason: Some("starting".into()),
            warnings: vec!["w".into()],
            sections: Map::from_iter([("version".to_owned(), Value::from("1.2"))]),
        };
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}
