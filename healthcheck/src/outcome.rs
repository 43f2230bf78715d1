use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output;

/// The status of one check.
///
/// In JSON, the values are `"pass"`, `"warn"` and `"fail"`, as in the health+json draft. A check that warns counts as
/// passed, but makes the report's overall status `degraded`.
///
/// In Rust, the statuses are ordered from good to bad, so the worst of several statuses is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The check passes.
    Pass,
    /// The check passes, but needs attention. A warning counts as a pass and degrades the overall status.
    Warn,
    /// The check fails.
    Fail,
}

impl Status {
    /// Returns the word that JSON uses: `"pass"`, `"warn"` or `"fail"`.
    ///
    /// ```
    /// use healthcheck::Status;
    ///
    /// assert_eq!([Status::Warn, Status::Pass].into_iter().max(), Some(Status::Warn));
    /// assert_eq!(Status::Fail.to_string(), Status::Fail.as_str());
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// Returns true if the status is `Pass` or `Warn`.
    #[must_use]
    pub const fn passed(self) -> bool {
        !matches!(self, Self::Fail)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of one run of a check: a status and an output.
///
/// The output is any value that serde can serialise. No method of `Outcome` panics.
///
/// The outcome becomes a failure if serde can't serialise the output, if the output is nested deeper than 100 levels,
/// or if it is larger than 4 MiB. The failure's output shows the reason.
///
/// ```
/// use healthcheck::{Outcome, Status};
///
/// fn queue(length: u64) -> Outcome {
///     match length {
///         0..1_000 => Outcome::pass("short"),
///         1_000..10_000 => Outcome::warn(serde_json::json!({ "length": length })),
///         _ => Outcome::fail(format!("{length} messages are waiting")),
///     }
/// }
/// assert_eq!(queue(20_000).status(), Status::Fail);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an outcome says something only when the check returns it"]
pub struct Outcome {
    status: Status,
    output: Value,
}

impl Outcome {
    /// Returns an outcome that passes. The report shows `output`.
    pub fn pass(output: impl Serialize) -> Self {
        Self::serialized(Status::Pass, &output)
    }

    /// Returns an outcome that passes, but degrades the overall status to `"degraded"`. The HTTP status is still 200.
    pub fn warn(output: impl Serialize) -> Self {
        Self::serialized(Status::Warn, &output)
    }

    /// Returns an outcome that fails. `output` is the reason for the failure.
    pub fn fail(output: impl Serialize) -> Self {
        Self::serialized(Status::Fail, &output)
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Returns the output as the check has returned it, before redaction.
    #[must_use]
    pub const fn output(&self) -> &Value {
        &self.output
    }

    /// Returns a failed outcome. Its output is the text of the error and of all its sources, joined by `": "`.
    pub(crate) fn error(error: &(dyn Error + 'static)) -> Self {
        Self::of(Status::Fail, Value::String(chain(error)))
    }

    pub(crate) const fn of(status: Status, output: Value) -> Self {
        Self { status, output }
    }

    pub(crate) fn into_parts(self) -> (Status, Value) {
        (self.status, self.output)
    }

    fn serialized(status: Status, output: &impl Serialize) -> Self {
        match output::to_value(output) {
            Ok(output) => Self { status, output },
            Err(problem) => Self::of(Status::Fail, Value::String(problem)),
        }
    }
}

/// The types that a check may return.
///
/// | returned | status | output |
/// |---|---|---|
/// | `()` | pass | `"ok"` |
/// | `bool` | pass or fail | `"ok"` or `"failed"` |
/// | `String`, `&str`, `Cow<str>`, [`serde_json::Value`] | pass | the value |
/// | `(bool, T: Serialize)` (py-healthcheck's form) | pass or fail | `T` |
/// | [`Outcome`] | the outcome's status | the outcome's output |
/// | `Result<T: IntoOutcome, E>`, `Ok` | the status of `T` | the output of `T` |
/// | `Result<T: IntoOutcome, E>`, `Err` | fail | the error and its sources, joined by `": "` |
///
/// The error type `E` of a `Result` is any type that converts into `Box<dyn Error + Send + Sync>`: every std error,
/// `anyhow::Error`, `String`, `&str`.
///
/// ```
/// use healthcheck::{IntoOutcome, Status};
///
/// assert_eq!((false, "disk full").into_outcome().status(), Status::Fail);
/// let missing: Result<&str, std::io::Error> = Err(std::io::ErrorKind::NotFound.into());
/// assert_eq!(missing.into_outcome().output(), "entity not found");
/// ```
#[diagnostic::on_unimplemented(
    message = "a health check cannot return `{Self}`",
    label = "not an outcome of a check",
    note = "return `()`, `bool`, `String`, `&str`, `serde_json::Value`, `(bool, impl Serialize)`, `healthcheck::Outcome`, or a `Result` of one of these"
)]
pub trait IntoOutcome {
    /// Converts a check's return value into an outcome, that is, a status and an output.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        true.into_outcome()
    }
}

impl IntoOutcome for bool {
    fn into_outcome(self) -> Outcome {
        if self {
            Outcome::of(Status::Pass, "ok".into())
        } else {
            Outcome::of(Status::Fail, "failed".into())
        }
    }
}

impl IntoOutcome for String {
    fn into_outcome(self) -> Outcome {
        if self.len() > output::LARGEST {
            // The text is too large for an output, so `Outcome::pass` returns a failure here.
            return Outcome::pass(self);
        }
        Outcome::of(Status::Pass, Value::String(self))
    }
}

impl IntoOutcome for &str {
    fn into_outcome(self) -> Outcome {
        self.to_owned().into_outcome()
    }
}

impl IntoOutcome for Cow<'_, str> {
    fn into_outcome(self) -> Outcome {
        self.into_owned().into_outcome()
    }
}

impl IntoOutcome for Value {
    fn into_outcome(self) -> Outcome {
        Outcome::pass(self)
    }
}

impl<T: Serialize> IntoOutcome for (bool, T) {
    fn into_outcome(self) -> Outcome {
        let (passed, output) = self;
        if passed {
            Outcome::pass(output)
        } else {
            Outcome::fail(output)
        }
    }
}

impl<T: IntoOutcome, E: CheckError> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => error.into_failure(),
        }
    }
}

/// The errors that a check or a section may return: any type that is `Into<Box<dyn Error + Send + Sync>>`.
///
/// A bound on `Into` would accept the same types. With this trait, the compiler's error also suggests types that work.
#[diagnostic::on_unimplemented(
    message = "a health check or section cannot return the error `{Self}`",
    label = "doesn't convert into `Box<dyn Error + Send + Sync>`",
    note = "return an error that implements `std::error::Error + Send + Sync + 'static`, `anyhow::Error`, `String`, `&str`, or `Box<dyn std::error::Error + Send + Sync>` in the place of `Box<dyn std::error::Error>`"
)]
pub trait CheckError {
    /// Converts the error into a failed outcome. Its output is the text of the error and of all its sources.
    fn into_failure(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> CheckError for E {
    fn into_failure(self) -> Outcome {
        let error: Box<dyn Error + Send + Sync> = self.into();
        Outcome::error(&*error)
    }
}

/// The maximum number of errors that we read from an error and its sources. A longer chain is probably a cycle.
const LONGEST_CHAIN: usize = 64;

pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    let messages: Vec<String> = sources.take(LONGEST_CHAIN).map(ToString::to_string).collect();
    messages.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layered(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layered {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|inner| inner as _)
        }
    }

    #[test]
    fn an_error_is_told_with_all_its_sources() {
        let error = Layered(
            "query",
            Some(Box::new(Layered(
                "connect",
                Some(Box::new(Layered("refused", None))),
            ))),
        );
        let outcome = Err::<(), _>(error).into_outcome();
        assert_eq!(outcome, Outcome::fail("query: connect: refused"));
    }

    #[test]
    fn text_may_be_borrowed_for_any_time() {
        fn of<'a>(text: &'a str) -> impl IntoOutcome + 'a {
            Ok::<&'a str, String>(text)
        }
        let text = String::from("short lived");
        assert_eq!(of(&text).into_outcome().output(), "short lived");
    }

    #[test]
    fn a_nested_result_keeps_the_inner_verdict() {
        let inner: Result<(bool, u8), String> = Ok((false, 7));
        assert_eq!(inner.into_outcome(), Outcome::fail(7));
    }

    #[test]
    fn an_output_that_cannot_be_serialised_is_a_failure_that_says_so() {
        let outcome = Outcome::pass(std::collections::HashMap::from([((1, 2), 3)]));
        assert_eq!(outcome.status(), Status::Fail);
        assert_eq!(
            outcome.output(),
            "the output can't be shown: key must be a string"
        );
    }
}
