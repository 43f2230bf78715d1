use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::check::Check;
use crate::drain::Drain;
use crate::environment::EnvironmentDumpBuilder;
use crate::error::BuildError;
use crate::health::{Core, HealthCheck};
use crate::model::policy::{Policy, Ttl};
use crate::provide::Provided;
use crate::redact::{Redaction, RedactionBuilder, Redactor};
use crate::register::{self, Defaults, SectionSources, Sources};
use crate::report::CheckResult;
use crate::reports::Reports;
use crate::runner::notices::{self, Listeners, NoticeQueues};
use crate::runner::{DEFAULT_OUTPUT_LIMIT, Runner};
use crate::sections::{self, Sections};
use crate::settings::Settings;
use crate::transition::Transition;
use crate::world::{NO_CHECKS, World};

/// Configures and builds a [`HealthCheck`]: the checks and sections, the default options of checks, the redaction rules
/// and the listeners.
///
/// ```
/// use std::time::Duration;
/// use healthcheck::{Check, HealthCheck};
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder()
///     .discover(false)
///     .check(Check::new("queue", async || true))
///     .section("version", env!("CARGO_PKG_VERSION"))
///     .timeout(Duration::from_secs(2))
///     .failed_ttl(None)
///     .build()?;
/// assert_eq!(health.checks().count(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is checked before `build()`"]
pub struct HealthCheckBuilder {
    discover: bool,
    provided: Provided,
    checks: Vec<Check>,
    sections: Sections,
    defaults: Defaults,
    settings: Settings,
    expected: Vec<String>,
    redaction: RedactionBuilder,
    listeners: Listeners,
    replacements: Vec<Check>,
    only: Option<Vec<String>>,
}

impl HealthCheckBuilder {
    pub(crate) fn new() -> Self {
        Self {
            discover: true,
            provided: Provided::default(),
            checks: Vec::new(),
            sections: Sections::new(),
            defaults: Defaults::default(),
            settings: Settings::default(),
            expected: Vec::new(),
            redaction: Redaction::builder(),
            listeners: Listeners::default(),
            replacements: Vec::new(),
            only: None,
        }
    }

    /// Sets whether the annotated functions of the binary become checks and sections of this `HealthCheck`. Default:
    /// true.
    pub const fn discover(mut self, yes: bool) -> Self {
        self.discover = yes;
        self
    }

    /// Provides a value to every check and section that has a parameter of exactly this type, `&T` or `T`.
    ///
    /// If the type is a trait object, write the type explicitly: `.provide::<Arc<dyn Store>>(store)`.
    ///
    /// If a type is provided twice, or if the type of a parameter isn't provided, [`build`](Self::build) returns a
    /// [`BuildError`].
    ///
    /// If no check or section has a parameter of this type, the log and the report show a warning: Rust may not have
    /// linked the crate with the checks.
    pub fn provide<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.insert(value);
        self
    }

    /// Adds a check that you have built in code, in addition to the discovered checks.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds a section with a fixed value to the health report. If serde can't serialise the value, the report shows
    /// `{"error": …}` instead.
    pub fn section(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.sections.insert(name.into(), &value);
        self
    }

    /// Adds a section to the health report. The value of the section is the return value of the function `f`.
    ///
    /// Each call of `f` has its own thread. The builder's [`timeout`](Self::timeout) limits the duration of a call, and
    /// the builder's TTLs set how long the value is cached.
    pub fn section_fn<T: Serialize>(
        mut self,
        name: impl Into<String>,
        f: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.sections.insert_fn(name.into(), f);
        self
    }

    /// Sets how long a pass or warning is cached; with `None` it isn't cached. Default: 27 s, as in py-healthcheck.
    pub fn success_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.defaults.success_ttl = Ttl::chosen(ttl.into());
        self
    }

    /// Sets how long a failure is cached; with `None` it isn't cached. Default: 9 s, as in py-healthcheck.
    pub fn failed_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.defaults.failed_ttl = Ttl::chosen(ttl.into());
        self
    }

    /// Sets the time limit for each run of a check or section; `None` means no limit. Default: 5 s.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.defaults.timeout = limit.into();
        self
    }

    /// Applies settings from the deployment's configuration. Settings override the options in the code.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Redacts each value whose name contains one of these fragments, whether in upper or lower case. The built-in
    /// redaction rules still apply.
    pub fn redact_names(mut self, fragments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self
            .redaction
            .hide_fragments(fragments.into_iter().map(Into::into));
        self
    }

    /// Shows each value whose name is exactly one of these names, even if a redaction rule for names would hide the
    /// value.
    pub fn allow_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self.redaction.allow_names(names.into_iter().map(Into::into));
        self
    }

    /// Adds your own redaction rules. The built-in rules still apply.
    pub fn redactor(mut self, rules: impl Redactor) -> Self {
        self.redaction = self.redaction.rule(Arc::new(rules));
        self
    }

    /// Requires a check for each of these names. If one doesn't exist, [`build`](Self::build) returns a [`BuildError`].
    ///
    /// Use `expect` for checks in other crates. If nothing refers to a crate, Rust doesn't link the crate, and its
    /// checks are missing without an error.
    ///
    /// `expect` accepts a check that the settings disable.
    ///
    /// ```
    /// use healthcheck::HealthCheck;
    ///
    /// let missing = HealthCheck::builder().expect(["payments"]).build();
    /// assert!(missing.is_err());
    /// ```
    pub fn expect(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.expected.extend(names.into_iter().map(Into::into));
        self
    }

    /// Calls the listener once for each transition of a check or of the overall status.
    ///
    /// One separate thread calls all listeners. A listener may panic or block, and never delays a request. Transitions
    /// arrive in the order in which they happen.
    ///
    /// If more than 1,024 events are waiting for that thread, further events are dropped, and a warning is logged.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use healthcheck::{Check, HealthCheck, Status};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (told, transitions) = mpsc::channel();
    /// let health = HealthCheck::builder()
    ///     .discover(false)
    ///     .check(Check::new("redis", async || false))
    ///     .on_change(move |change| drop(told.send(change.clone())))
    ///     .build()?;
    /// health.report().await;
    /// let first = transitions.recv()?;
    /// assert_eq!((first.checker.as_deref(), first.to), (Some("redis"), Status::Fail));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_change(mut self, listener: impl Fn(&Transition) + Send + Sync + 'static) -> Self {
        self.listeners.of_changes.push(Box::new(listener));
        self
    }

    /// Calls the listener once for each run of a check, with the redacted result of that run. A run of a section
    /// doesn't call the listener.
    ///
    /// As described for [`on_change`](Self::on_change), a separate thread calls the listener, and events are dropped if
    /// more than 1,024 are waiting.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (told, results) = mpsc::channel();
    /// let health = HealthCheck::builder()
    ///     .discover(false)
    ///     .check(Check::new("redis", async || true))
    ///     .on_result(move |result| drop(told.send((result.checker.clone(), result.passed))))
    ///     .build()?;
    /// health.report().await;
    /// assert_eq!(results.recv()?, ("redis".to_owned(), true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_result(mut self, listener: impl Fn(&CheckResult) + Send + Sync + 'static) -> Self {
        self.listeners.of_results.push(Box::new(listener));
        self
    }

    /// Removes the discovered checks, except the checks with these names and their dependencies. Use it to test a few
    /// checks.
    ///
    /// The settings and [`expect`](Self::expect) may still contain the names of removed checks. If `names` contains an
    /// unknown name, [`build`](Self::build) returns a [`BuildError`].
    ///
    /// ```
    /// use healthcheck::HealthCheck;
    ///
    /// assert!(HealthCheck::builder().only(["no such check"]).build().is_err());
    /// ```
    pub fn only(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only
            .get_or_insert_default()
            .extend(names.into_iter().map(Into::into));
        self
    }

    /// Replaces the discovered check that has the same name. The new check inherits no options from the old one. If no
    /// discovered check has that name, [`build`](Self::build) returns a [`BuildError`].
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// assert!(HealthCheck::builder().replace(Check::new("no such check", async || true)).build().is_err());
    /// ```
    pub fn replace(mut self, check: Check) -> Self {
        self.replacements.push(check);
        self
    }

    /// Builds the [`HealthCheck`]. `build` needs no tokio runtime.
    ///
    /// # Errors
    /// The error lists all problems at once:
    /// - two checks, or two sections, of the same name;
    /// - a parameter without a provided value;
    /// - an unknown name in the settings, in `expect` or in `depends_on`;
    /// - options that contradict each other.
    ///
    /// If `build` finds a problem, the error also lists the problems of the environment page's discovered sections.
    pub fn build(self) -> Result<HealthCheck, BuildError> {
        let mut problems = self.provided.problems();
        let redaction = self.redaction.clone().build();
        let is_whole = self.discover && self.only.is_none() && self.replacements.is_empty();
        let sources = Sources {
            discover: self.discover,
            by_hand: self.checks,
            replacements: self.replacements,
            only: self.only.as_deref(),
            provided: &self.provided,
            settings: &self.settings,
            expected: &self.expected,
            defaults: self.defaults,
            redaction: &redaction,
        };
        let register::Checks {
            mut checks,
            disabled,
            mut warnings,
            defaults,
        } = register::checks(sources, &mut problems);
        if checks.is_empty() {
            warnings.push(NO_CHECKS.to_owned());
        }

        let Sections { fixed, functions } = self.sections;
        let fixed_names: Vec<&str> = fixed.iter().map(|(name, _)| &**name).collect();
        let registered: Vec<_> = register::discovered_sections()
            .filter(|section| self.discover && section.in_health)
            .collect();
        let names = fixed_names
            .iter()
            .copied()
            .chain(functions.iter().map(|(name, _)| &**name));
        register::section_names(
            names.chain(registered.iter().map(|it| it.name)),
            true,
            &mut problems,
        );
        let policy = Arc::new(Policy::of_section(
            defaults.timeout,
            defaults.success_ttl,
            defaults.failed_ttl,
        ));
        let sources = SectionSources {
            built_in: Vec::new(),
            discovered: registered,
            by_hand: functions,
            fixed: &fixed_names,
            provided: &self.provided,
        };
        let sections = register::sections(sources, &policy, &mut problems);
        checks.extend(sections);
        if !problems.is_empty() && self.discover {
            // Add the problems of the environment page to this error, so that the developer sees the problems of both
            // pages in one error.
            let page =
                EnvironmentDumpBuilder::of(self.provided.clone(), self.redaction.clone(), None, None).build();
            for problem in page.err().iter().flat_map(BuildError::problems) {
                if !problems.contains(problem) {
                    problems.push(problem.clone());
                }
            }
        }
        BuildError::unless_empty(problems)?;
        if is_whole {
            for warning in register::provided_in_vain(&self.provided) {
                warnings.push(warning.clone());
                notices::log(move || tracing::warn!(target: "healthcheck", "{warning}"));
            }
        }

        let fixed = sections::redacted(fixed, &redaction);
        let longest = self.settings.longest_output().unwrap_or(DEFAULT_OUTPUT_LIMIT);
        let world = World::new(warnings, RandomState::new().build_hasher().finish());
        let runner = Runner::new(world, redaction, longest, NoticeQueues::new(self.listeners));
        runner.add(checks, disabled);
        Ok(HealthCheck::new(Core {
            runner,
            reports: Reports::default(),
            fixed,
            provided: self.provided,
            redaction: self.redaction,
            settings: self.settings,
            defaults,
            drain: Drain::default(),
            hostname: crate::hostname::hostname(),
        }))
    }
}

impl HealthCheck {
    /// Builds a [`HealthCheck`] from all annotated checks and sections of the binary, with the default options. This is
    /// short for `HealthCheck::builder().build()`.
    ///
    /// # Errors
    /// Returns the errors of [`HealthCheckBuilder::build`].
    pub fn discover() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Returns a builder.
    pub fn builder() -> HealthCheckBuilder {
        HealthCheckBuilder::new()
    }
}

impl std::fmt::Debug for HealthCheckBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthCheckBuilder")
            .field("discover", &self.discover)
            .field("provided", &self.provided)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_was_added_by_hand_is_not_replaced() {
        let check = || Check::new("a", async || true);
        let error = HealthCheck::builder()
            .discover(false)
            .check(check())
            .replace(check())
            .build()
            .unwrap_err();
        assert!(
            error.to_string().contains("no discovered check `a` to replace"),
            "{error}"
        );
    }
}
