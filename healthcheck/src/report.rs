use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::outcome::Status;

/// The results of checks, in the wire form.
///
/// It serialises to the JSON of the health endpoint and back, so a client in Rust can read another service's report.
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
    /// The host name of the instance.
    pub hostname: String,
    /// The verdict on the whole.
    pub status: Overall,
    /// When this report was made.
    pub timestamp: f64,
    /// The result of each check, in the order of their names.
    pub results: Vec<CheckResult>,
    /// Why readiness fails as a whole: "shutting down", "maintenance…" or "starting".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Problems that no check reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The sections of the health report, by name. In the JSON they are beside the fields above.
    #[serde(flatten)]
    pub sections: Map<String, Value>,
    /// What `reason` says, as a value.
    #[serde(skip)]
    pub(crate) why: Unsent<Option<Reason>>,
    /// Which of the warnings are about the request itself.
    #[serde(skip)]
    pub(crate) about_request: Unsent<std::ops::Range<usize>>,
}

/// What doesn't go over the wire: a report that was read back is the same without it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unsent<T>(pub(crate) T);

impl<T> PartialEq for Unsent<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Why readiness fails as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    ShuttingDown,
    /// With what its beginner said; empty where nothing was.
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
    /// The result of one check. `None` if the report has none of that name.
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

    /// Whether every check passes.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Overall::Success
    }

    /// Whether the whole fails. A degraded report is neither a success nor a failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.status == Overall::Failure
    }

    /// When this report was made.
    #[must_use]
    pub fn made_at(&self) -> Option<SystemTime> {
        moment(self.timestamp)
    }

    /// Returns the report for a reader who may not see details. `note` replaces each output and each reason of an override or
    /// of maintenance. Sections, owners, runbooks and the warnings that aren't about the request are left out. Verdicts,
    /// names and times stay.
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
        // A report that was read from the wire doesn't know what its reason is about.
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

    /// Returns the report with a note instead of each output, and without sections.
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

/// Seconds since the epoch as a time; `None` for what no clock can say.
fn moment(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// The verdict on a whole report.
///
/// `Failure` if a critical check fails, else `Degraded` if any check fails or warns, else `Success`.
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
    /// The output, redacted.
    pub output: Value,
    /// True for pass and warn.
    pub passed: bool,
    /// The status that is shown. Until a threshold is reached it is the status before.
    pub status: Status,
    /// When the run ended. `None` before the first result.
    pub timestamp: Option<f64>,
    /// Until when the result is cached. `None` if it isn't.
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
    /// The status was set by hand for a while, whatever the runs return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
    /// While the check doesn't pass: the team to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// While the check doesn't pass: the address of the page that says what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// While the check doesn't pass: what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_it_fails: Option<String>,
    #[serde(skip)]
    pub(crate) contributes: Unsent<Option<Overall>>,
}

impl CheckResult {
    /// What this result contributes to the verdict on the report it stands in: the worst contribution is the verdict.
    #[must_use]
    pub fn contribution(&self) -> Overall {
        self.contributes.0.unwrap_or(match self.status {
            Status::Pass => Overall::Success,
            Status::Warn => Overall::Degraded,
            Status::Fail => Overall::Failure,
        })
    }

    /// When the run ended. `None` before the first result.
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

    /// How long the run took. `None` before the first result.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.response_time?).ok()
    }

    /// On a failing result: when it began to fail.
    #[must_use]
    pub fn fails_since(&self) -> Option<SystemTime> {
        moment(self.failing_since?)
    }

    /// A failing result without anything about a run.
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

/// A change of status in progress: `count` of the `of` runs in a row that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Pending {
    /// The status of the latest runs.
    pub status: Status,
    /// How many in a row.
    pub count: u32,
    /// How many it needs.
    pub of: u32,
    /// While `fail_after` shows a failure as a warning: when it becomes a failure, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
}

/// Why and until when a status was set by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Overridden {
    /// The reason that was given.
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
