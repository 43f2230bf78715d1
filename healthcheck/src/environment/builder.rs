//! The builder of the environment page.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::{Closing, EnvironmentDump, Show, os, process, rust};
use crate::error::BuildError;
use crate::model::policy::{Policy, Ttl};
use crate::provide::Provided;
use crate::redact::{Redaction, RedactionBuilder, Redactor};
use crate::register::{self, SectionSources};
use crate::runner::notices::{Listeners, NoticeQueues};
use crate::runner::{DEFAULT_OUTPUT_LIMIT, Runner};
use crate::sections::{self, Sections};
use crate::world::World;

/// Configures and builds an [`EnvironmentDump`].
///
/// ```
/// use healthcheck::EnvironmentDump;
///
/// let dump = EnvironmentDump::builder()
///     .include_process(false)
///     .section("git", "2c5d1f")
///     .redact_names(["iban"])
///     .build()?;
/// # let _ = dump;
/// # Ok::<(), healthcheck::BuildError>(())
/// ```
#[must_use = "nothing is collected before `build()`"]
pub struct EnvironmentDumpBuilder {
    discover: bool,
    os: bool,
    rust: bool,
    process: bool,
    show: Show,
    provided: Provided,
    sections: Sections,
    redaction: RedactionBuilder,
    runtime: Option<Handle>,
    limit: Option<Duration>,
}

impl EnvironmentDumpBuilder {
    pub(super) fn new() -> Self {
        Self::of(Provided::default(), Redaction::builder(), None, None)
    }

    /// Returns a builder with these settings. `limit` is the timeout of each section: `None` means the default of 5 s,
    /// and `Some(None)` means no timeout.
    pub(crate) fn of(
        provided: Provided,
        redaction: RedactionBuilder,
        runtime: Option<Handle>,
        limit: Option<Option<Duration>>,
    ) -> Self {
        Self {
            discover: true,
            os: true,
            rust: true,
            process: true,
            show: Show::All,
            provided,
            sections: Sections::new(),
            redaction,
            runtime,
            limit: limit.unwrap_or(Some(LIMIT)),
        }
    }

    /// Sets whether the page contains the sections of all functions with `#[env_section]`. Default: true.
    pub const fn discover(mut self, yes: bool) -> Self {
        self.discover = yes;
        self
    }

    /// Sets whether the page has the section `os`: platform, host name, distribution, CPUs, memory, load, and the
    /// container's limits. Default: true.
    ///
    /// The section shows the available memory of the machine and of the container. In both, page cache and reclaimable
    /// slab count as available, as in the check `memory`.
    pub const fn include_os(mut self, yes: bool) -> Self {
        self.os = yes;
        self
    }

    /// Sets whether the page has the section `rust`: compiler, target, profile, executable and linked packages. This
    /// section replaces the section `python` of the Python library py-healthcheck. Default: true.
    pub const fn include_rust(mut self, yes: bool) -> Self {
        self.rust = yes;
        self
    }

    /// Sets whether the page has the section `process`: arguments, environment variables, user, memory, threads and
    /// open files. Default: true.
    pub const fn include_process(mut self, yes: bool) -> Self {
        self.process = yes;
        self
    }

    /// Sets whether the page shows values. With `false`, the page shows only names. Default: true.
    ///
    /// Use `false` if a value may be secret although its name doesn't look secret.
    pub const fn show_values(mut self, yes: bool) -> Self {
        self.show = if yes { Show::All } else { Show::Names };
        self
    }

    /// Provides a value: every section with a parameter of exactly the type `T` gets it. If you provide two values of
    /// the same type, `build` returns a [`BuildError`].
    pub fn provide<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.insert(value);
        self
    }

    /// Adds a section with a fixed value. If the value can't be serialised, the page shows `{"error": …}`.
    pub fn section(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.sections.insert(name.into(), &value);
        self
    }

    /// Adds a section whose value comes from a function. A request runs the function on a separate thread, so the
    /// function may block.
    pub fn section_fn<T: Serialize>(
        mut self,
        name: impl Into<String>,
        f: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.sections.insert_fn(name.into(), f);
        self
    }

    /// Masks the value of every name that contains one of these fragments, ignoring case. The built-in rules still
    /// apply.
    pub fn redact_names(mut self, fragments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self
            .redaction
            .hide_fragments(fragments.into_iter().map(Into::into));
        self
    }

    /// Shows the value of each of these names, even if the name looks secret. A name must match exactly.
    ///
    /// The rules about values, such as the rule about passwords in URLs, apply even to these names.
    pub fn allow_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self.redaction.allow_names(names.into_iter().map(Into::into));
        self
    }

    /// Adds your own redaction rules to the built-in ones.
    pub fn redactor(mut self, rules: impl Redactor) -> Self {
        self.redaction = self.redaction.rule(Arc::new(rules));
        self
    }

    /// Builds the [`EnvironmentDump`].
    ///
    /// # Errors
    /// The error lists all problems at once, such as two sections of the same name or a parameter without a provided
    /// value.
    pub fn build(self) -> Result<EnvironmentDump, BuildError> {
        let mut problems = self.provided.problems();
        let redaction = self.redaction.build();
        let mut built_in = Sections::new();
        let mut include = |yes: bool, name: &str, collect: fn() -> Value| {
            if yes {
                built_in.insert_fn(name.to_owned(), collect);
            }
        };
        include(self.os, "os", os::collect);
        include(self.rust, "rust", rust_section);
        include(self.process, "process", process::collect);
        let Sections { fixed, functions } = self.sections;
        let fixed_names: Vec<&str> = fixed.iter().map(|(name, _)| &**name).collect();
        let by_hand = functions.iter().map(|(name, _)| &**name);
        register::section_names(fixed_names.iter().copied().chain(by_hand), false, &mut problems);
        let sources = SectionSources {
            built_in: built_in.functions,
            discovered: register::discovered_sections()
                .filter(|_| self.discover)
                .collect(),
            by_hand: functions,
            fixed: &fixed_names,
            provided: &self.provided,
        };
        let policy = Arc::new(Policy::of_section(self.limit, Ttl::NONE, Ttl::NONE));
        let sections = register::sections(sources, &policy, &mut problems);
        BuildError::unless_empty(problems)?;

        let fixed = Arc::new(sections::redacted(fixed, &redaction));
        let world = World::new(Vec::new(), 0);
        let notices = NoticeQueues::new(Listeners::default());
        let runner = Runner::new(world, redaction, DEFAULT_OUTPUT_LIMIT, notices);
        runner.add(sections, Vec::new());
        Ok(EnvironmentDump {
            fixed,
            runner: Arc::new(Closing(runner)),
            runtime: self.runtime,
            show: self.show,
        })
    }
}

/// The default timeout of each section.
const LIMIT: Duration = Duration::from_secs(5);

fn rust_section() -> Value {
    rust::collect(register::own_package())
}

impl std::fmt::Debug for EnvironmentDumpBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentDumpBuilder")
            .field("discover", &self.discover)
            .field("provided", &self.provided)
            .field("show", &self.show)
            .finish_non_exhaustive()
    }
}
