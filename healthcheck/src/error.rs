use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::model::CheckInfo;

/// The error of building a [`HealthCheck`](crate::HealthCheck). It lists all problems at once. A problem with a check
/// shows where the check is in the source.
///
/// The error's text is meant for people and may change, so don't parse it.
///
/// ```
/// use healthcheck::{Check, HealthCheck};
///
/// let twice = HealthCheck::builder()
///     .discover(false)
///     .check(Check::new("redis", async || true))
///     .check(Check::new("redis", async || true))
///     .build();
/// assert!(twice.unwrap_err().to_string().contains("two checks are named `redis`"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<String>,
}

impl BuildError {
    /// Returns an error with these problems, or `Ok` if there are none.
    pub(crate) fn unless_empty(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }

    /// Returns an error with problems that your own code has found, such as two endpoints with the same path.
    #[must_use]
    pub fn new(problems: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            problems: problems.into_iter().map(Into::into).collect(),
        }
    }

    /// Returns the problems. Each problem is one text.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.problems {
            [only] => f.write_str(only),
            several => {
                write!(f, "{} problems:", several.len())?;
                several
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

/// Prints the text of [`Display`](fmt::Display), because `fn main() -> Result<(), BuildError>` prints the `Debug` form.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for BuildError {}

/// The error for a selection with an unknown name or tag: no check of the selected probe has it.
///
/// ```
/// use healthcheck::{Check, HealthCheck, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
/// let error = health.report_for(&Selection::checks(["rediss"])).await.unwrap_err();
/// assert_eq!(error.to_string(), "unknown check `rediss`; the checks are: redis");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionError {
    pub(crate) unknown_checks: Vec<String>,
    pub(crate) unknown_tags: Vec<String>,
    pub(crate) known_checks: Vec<String>,
    pub(crate) known_tags: Vec<String>,
}

impl SelectionError {
    /// Returns the names in the selection that no check of the selected probe has.
    #[must_use]
    pub fn unknown_checks(&self) -> &[String] {
        &self.unknown_checks
    }

    /// Returns the tags in the selection that no check of the selected probe has.
    #[must_use]
    pub fn unknown_tags(&self) -> &[String] {
        &self.unknown_tags
    }

    /// Returns the names of all checks of the selected probe.
    #[must_use]
    pub fn known_checks(&self) -> &[String] {
        &self.known_checks
    }

    /// Returns the tags of all checks of the selected probe.
    #[must_use]
    pub fn known_tags(&self) -> &[String] {
        &self.known_tags
    }
}

impl fmt::Display for SelectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("check", &self.unknown_checks, &self.known_checks),
            ("tag", &self.unknown_tags, &self.known_tags),
        ];
        let mut first = true;
        for (kind, unknown, known) in kinds {
            if unknown.is_empty() {
                continue;
            }
            if !std::mem::take(&mut first) {
                f.write_str("; ")?;
            }
            write!(f, "unknown {kind} `{}`; ", unknown.join("`, `"))?;
            if known.is_empty() {
                write!(f, "there is no {kind}")?;
            } else {
                write!(f, "the {kind}s are: {}", known.join(", "))?;
            }
        }
        Ok(())
    }
}

impl Error for SelectionError {}

/// The error of a method that sets or clears an override, such as
/// [`HealthCheck::set_override`](crate::HealthCheck::set_override).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError {
    problem: String,
}

impl OverrideError {
    pub(crate) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a Arc<CheckInfo>>) -> Self {
        let known: Vec<String> = known.map(|info| info.name().to_owned()).collect();
        Self {
            problem: format!("there is no check `{name}`; the checks are: {}", known.join(", ")),
        }
    }

    pub(crate) fn liveness(name: &str) -> Self {
        Self {
            problem: format!(
                "`{name}` is a liveness check, where a failure restarts the process; \
                 where that is meant, call `force_override`"
            ),
        }
    }

    pub(crate) fn endless(name: &str) -> Self {
        Self {
            problem: format!("the override of `{name}` needs an end, a while from now"),
        }
    }
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Error for OverrideError {}
