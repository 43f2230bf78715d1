use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::outcome::Status;

/// The results of the checks and their overall status. The JSON form of a report is the response of the health
/// endpoint.
///
/// A report can also be deserialised from its JSON. A client in Rust can therefore read the report of another service.
///
/// Times are seconds since the Unix epoch, with at most six decimal places.
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
    schema(
        description = "The results of the checks and their overall status. Times are seconds since the Unix epoch."
    )
)]
#[non_exhaustive]
pub struct Report {
    /// The name of the host that made the report. The name is empty if the client may see only the overall status.
    pub hostname: String,
    /// The overall status, which follows from the results and, for readiness, also from `reason`.
    pub status: Overall,
    /// The time at which the report was made, in seconds since the Unix epoch.
    pub timestamp: f64,
    /// The results of the checks that the request selects, one for each check, sorted by the check's name. The list is
    /// empty if the client may see only the overall status.
    pub results: Vec<CheckResult>,
    /// The reason why readiness as a whole fails, whatever the results are: "shutting down", "starting", "maintenance",
    /// or "maintenance: " and the operator's text. This field is absent (`None`) if readiness has no such reason, and
    /// in reports that aren't about readiness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Warnings about the configuration, the request and overrides. For example, a warning says that no check takes a
    /// provided value, or that a check fails and is overridden to pass. In JSON, this field is absent if there are no
    /// warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The sections of the health report, by name. In JSON, each section is a field of the report itself, next to
    /// `hostname` and `status`.
    #[serde(flatten)]
    pub sections: Map<String, Value>,
    /// The reason whose text is in the field `reason`, as an enum.
    #[serde(skip)]
    pub(crate) why: Unsent<Option<Reason>>,
    /// The range of those `warnings` that are about the request itself, for example about an unknown name that the
    /// request excludes.
    #[serde(skip)]
    pub(crate) about_request: Unsent<std::ops::Range<usize>>,
}

/// A field that isn't serialised. Two such fields always compare as equal.
///
/// A report that was serialised and deserialised loses the value of this field. It still compares as equal to the
/// original report.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unsent<T>(pub(crate) T);

impl<T> PartialEq for Unsent<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The reason why readiness fails even if all its checks pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    ShuttingDown,
    /// The text is the redacted reason that was passed to `begin_maintenance`. It may be empty.
    Maintenance(String),
    Starting,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ShuttingDown => f.write_str("shutting down"),
            Self::Maintenance(reason) if reason.is_empty() => f.write_str("maintenance"),
            Self::Maintenance(reason) => write!(f, "maintenance: {reason}"),
            Self::Starting => f.write_str("starting"),
        }
    }
}

impl Report {
    /// Returns the result of one check, or `None` if the report has no check of that name.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), healthcheck::BuildError> {
    /// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
    /// let report = health.report().await;
    /// assert!(report.get("redis").is_some_and(|result| result.passed));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get(&self, checker: &str) -> Option<&CheckResult> {
        self.results.iter().find(|result| result.checker == checker)
    }

    /// Returns true if the overall status is a success, that is, every check passes.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Overall::Success
    }

    /// Returns true if the overall status is a failure. A degraded report is neither a success nor a failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.status == Overall::Failure
    }

    /// Returns the time at which this report was made, or `None` if `timestamp` isn't a valid time.
    #[must_use]
    pub fn made_at(&self) -> Option<SystemTime> {
        moment(self.timestamp)
    }

    /// Returns a copy of the report for clients that aren't allowed to see details.
    ///
    /// The copy keeps statuses, names, times, and the warnings about the request itself. It has no other warnings, and
    /// no sections, owners, runbooks or instructions.
    ///
    /// `note` replaces each output and the reason of each override.
    ///
    /// If a maintenance makes readiness fail, the copy's `reason` is only "maintenance". If the report was
    /// deserialised, `note` replaces its `reason`.
    #[must_use]
    pub fn without_details(&self, note: &str) -> Self {
        let mut reduced = self.without_outputs(note);
        for result in &mut reduced.results {
            if let Some(overridden) = &mut result.overridden {
                note.clone_into(&mut overridden.reason);
            }
            result.owner = None;
            result.runbook = None;
            result.when_it_fails = None;
        }
        // If the report was deserialised, its reason is only a text. This text may contain details, so `note` replaces
        // it.
        reduced.reason = match &self.why.0 {
            Some(Reason::Maintenance(_)) => Some(Reason::Maintenance(String::new()).to_string()),
            Some(why) => Some(why.to_string()),
            None => self.reason.as_ref().map(|_| note.to_owned()),
        };
        let kept = self
            .warnings
            .get(self.about_request.0.clone())
            .unwrap_or_default();
        reduced.warnings = kept.to_vec();
        reduced.about_request = Unsent(0..kept.len());
        reduced
    }

    /// Returns a copy of the report without sections, and with `note` in place of each output.
    #[must_use]
    pub fn without_outputs(&self, note: &str) -> Self {
        let mut reduced = self.clone();
        for result in &mut reduced.results {
            result.output = note.into();
        }
        reduced.sections.clear();
        reduced
    }
}

/// Converts seconds since the Unix epoch to a time. Returns `None` if the number is negative or too large.
fn moment(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// The overall status of a report. In JSON the values are `"success"`, `"degraded"` and `"failure"`.
///
/// If a critical check fails, the report is a failure. If no critical check fails, but any check fails or warns, the
/// report is degraded. If every check passes, or if there are no checks, the report is a success.
///
/// A check is critical unless it sets `critical = false`. On readiness, an `external` check is critical only if it sets
/// `critical = true` explicitly. So the failure of an `external` check degrades readiness by default. The same applies
/// to a check that is blocked only by `external` checks.
///
/// Readiness as a whole also fails during shutdown, during maintenance, and until all startup checks have passed,
/// except those with `critical = false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Nothing fails or warns: every check passes, or there are no checks.
    Success,
    /// No critical check fails, but a check warns or a non-critical check fails.
    Degraded,
    /// A critical check fails, or readiness as a whole fails, for example during shutdown.
    Failure,
}

impl Overall {
    /// Returns the word that JSON uses: "success", "degraded" or "failure".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Degraded => "degraded",
            Self::Failure => "failure",
        }
    }

    /// Converts the overall status to the status of a check: success to pass, degraded to warn, failure to fail.
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
///
/// If the client may not see details, `output` is only a note, and the fields `owner`, `runbook` and `when_it_fails`
/// are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct CheckResult {
    /// The name of the check.
    pub checker: String,
    /// The redacted output of the check. If the report has no result to show, the output is a sentence that says why,
    /// such as "not run yet" or "blocked by dns".
    pub output: Value,
    /// True if `status` is pass or warn, false if `status` is fail.
    pub passed: bool,
    /// The status that the report shows for the check. If a run gives a new status, the report shows the previous
    /// status until the change has reached its threshold.
    pub status: Status,
    /// The time at which the run that produced the result ended, in seconds since the Unix epoch. This field is null
    /// (`None`) before the check's first result.
    pub timestamp: Option<f64>,
    /// The time at which the cached result expires, in seconds since the Unix epoch. This field is null (`None`) if the
    /// result isn't cached.
    pub expires: Option<f64>,
    /// The duration of the run that produced the result, in seconds. This field is null (`None`) before the check's
    /// first result.
    pub response_time: Option<f64>,
    /// The time at which the check began to fail, in seconds since the Unix epoch. This field is absent (`None`) if the
    /// report shows no failure of the check's runs. A failure that `fail_after` turns into a warning counts as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<f64>,
    /// The number of latest runs that failed in a row. The number is 0, and the field is absent in JSON, if the latest
    /// run passed or the report shows no failure of the check's runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub consecutive_failures: u64,
    /// True if the result is older than its TTL, for example because the next run hasn't ended yet. In JSON, this field
    /// is absent if it is false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// The age of the stale result, in seconds. This field is absent (`None`) if the result isn't stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
    /// The change of status that the report doesn't fully show yet, because of a threshold or `fail_after`. This field
    /// is absent (`None`) if no change is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The name of the failing dependency that blocks this check. A blocked check isn't run. This field is absent
    /// (`None`) if no dependency blocks the check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// The override whose status replaces the status of the check's runs. This field is absent (`None`) if the check
    /// isn't overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
    /// The owner to contact about the check. This field is absent (`None`) if `status` is pass, or if the check has no
    /// owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The address of the page with instructions for a failure of the check. This field is absent (`None`) if `status`
    /// is pass, or if the check has no runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The instructions for a failure of the check. This field is absent (`None`) if `status` is pass, or if the check
    /// has no instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_it_fails: Option<String>,
    #[serde(skip)]
    pub(crate) contributes: Unsent<Option<Overall>>,
}

impl CheckResult {
    /// Returns the contribution of this result to the overall status of a report.
    ///
    /// The overall status of a report is the worst contribution of its results. If readiness as a whole fails, the
    /// overall status is a failure.
    #[must_use]
    pub fn contribution(&self) -> Overall {
        self.contributes.0.unwrap_or(match self.status {
            Status::Pass => Overall::Success,
            Status::Warn => Overall::Degraded,
            Status::Fail => Overall::Failure,
        })
    }

    /// Returns the time at which the run ended, or `None` before the first result.
    ///
    /// ```
    /// let body = r#"{"checker":"redis","output":"ok","passed":true,"status":"pass",
    ///     "timestamp":1598022539.5,"expires":null,"response_time":0.25}"#;
    /// let result: healthcheck::CheckResult = serde_json::from_str(body)?;
    /// assert_eq!(result.took(), Some(std::time::Duration::from_millis(250)));
    /// assert!(result.ran_at() > Some(std::time::SystemTime::UNIX_EPOCH) && result.fails_since().is_none());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn ran_at(&self) -> Option<SystemTime> {
        moment(self.timestamp?)
    }

    /// Returns the duration of the run, or `None` before the first result.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.response_time?).ok()
    }

    /// Returns the time at which the check began to fail, or `None` if it doesn't fail.
    #[must_use]
    pub fn fails_since(&self) -> Option<SystemTime> {
        moment(self.failing_since?)
    }

    /// Returns a failed result for a check that hasn't run: all fields about a run are empty.
    pub(crate) const fn unknown(checker: String) -> Self {
        Self {
            checker,
            output: Value::Null,
            passed: false,
            status: Status::Fail,
            timestamp: None,
            expires: None,
            response_time: None,
            failing_since: None,
            consecutive_failures: 0,
            stale: false,
            age: None,
            pending: None,
            blocked_by: None,
            overridden: None,
            owner: None,
            runbook: None,
            when_it_fails: None,
            contributes: Unsent(None),
        }
    }
}

/// A change of a check's status that reports don't fully show yet. The change needs `of` runs in a row with the new
/// status. So far, `count` runs in a row have had this status.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Pending {
    /// The new status, that is, the status of the latest run.
    pub status: Status,
    /// The number of latest runs in a row that had this status. After a failure, a warning counts as a pass.
    pub count: u32,
    /// The number of runs in a row that the change needs.
    pub of: u32,
    /// The time at which the warning becomes a failure because of `fail_after`, in seconds since the Unix epoch. If the
    /// check passes before this time, the warning ends. This field is absent (`None`) if `fail_after` doesn't turn a
    /// failure into a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
}

/// The reason and the end of an override, by which an operator replaces the status of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Overridden {
    /// The redacted reason for the override, as passed to `set_override` or `force_override`. If the client may not see
    /// details, a note replaces the reason.
    pub reason: String,
    /// The time at which the override ends, in seconds since the Unix epoch.
    pub until: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
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
            ..CheckResult::unknown(String::new())
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
                    until: None,
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
            why: Unsent::default(),
            about_request: Unsent::default(),
        };
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}
