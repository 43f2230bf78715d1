//! The environment page: built-in sections and own ones, collected at once, redacted in one place.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::builder::doubled;
use crate::clock::Now;
use crate::engine::changes::Changes;
use crate::engine::slot::{Policy, Ttl};
use crate::engine::verdict::Thresholds;
use crate::engine::view::{Asked, NotRun};
use crate::engine::{Engine, Slot};
use crate::error::BuildError;
use crate::outcome::Outcome;
use crate::output;
use crate::provide::Provided;
use crate::redact::{Redaction, RedactionBuilder, Redactor};
use crate::registry;
use crate::run::Run;
use crate::selection::Scope;

pub(crate) mod cgroup;
mod distribution;
mod linked_packages;
mod os;
mod process;
mod rust;
pub(crate) mod system;

/// What there is to know of the running process, without its secrets.
///
/// The built-in sections are `os`, `rust` and `process`; own ones are added by `#[env_section]` or by the builder.
/// A section that fails, panics or hangs past its time limit is `{"error": …}` in its place.
///
/// ```standalone_crate
/// use healthcheck::{EnvironmentDump, env_section};
///
/// #[env_section]
/// fn application() -> impl serde::Serialize {
///     serde_json::json!({ "maintainer": "the team", "db_password": "hunter2" })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let sections = EnvironmentDump::discover()?.collect().await;
/// assert_eq!(sections["application"]["maintainer"], "the team");
/// assert_eq!(sections["application"]["db_password"], "********");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EnvironmentDump {
    engine: Arc<Engine>,
    fixed: Arc<Map<String, Value>>,
    home: Option<Handle>,
    show: Show,
}

/// What is shown of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    All,
    /// No values of variables and arguments.
    NoVariables,
    /// Names alone, everywhere.
    Names,
}

impl EnvironmentDump {
    /// The built-in sections and every annotated one: the same as `builder().build()`.
    ///
    /// # Errors
    /// As [`EnvironmentDumpBuilder::build`].
    pub fn discover() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Puts one together.
    pub fn builder() -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::new()
    }

    /// Every section, redacted. Runs them all at once and waits for each up to its time limit, 5 s; a section that is
    /// being collected already is waited for, not started again.
    ///
    /// Outside of a tokio runtime only the fixed sections have a value.
    pub async fn collect(&self) -> Map<String, Value> {
        let began = Now::read();
        let here = Handle::try_current().ok();
        let mut not_run = Some(NotRun::NoRuntime);
        let mut gone = HashSet::new();
        if let Some(here) = here {
            let home = self.home.clone().unwrap_or(here);
            not_run = None;
            gone.extend(self.engine.settle(0..self.engine.len(), None, &home, None).await);
        }
        let mut sections = Map::clone(&self.fixed);
        for index in 0..self.engine.len() {
            let not_run = not_run.or(gone.contains(&index).then_some(NotRun::RuntimeGone));
            let asked = Asked {
                scope: Scope::All,
                max_age: None,
                since: began.mono,
                now: Now::read(),
                not_run,
            };
            sections.insert(
                self.engine.slot(index).name().to_owned(),
                self.engine.section(index, &asked),
            );
        }
        self.reduce(sections)
    }

    /// One section alone, redacted, without waiting for the others; `None` where there is none of that name.
    pub async fn collect_section(&self, name: &str) -> Option<Value> {
        let slot = self.engine.slots.iter().position(|slot| slot.name() == name);
        let value = if let Some(index) = slot.and_then(|index| u32::try_from(index).ok()) {
            let began = Now::read();
            let mut not_run = Some(NotRun::NoRuntime);
            if let Ok(here) = Handle::try_current() {
                let home = self.home.clone().unwrap_or(here);
                let gone = self
                    .engine
                    .settle(std::iter::once(index), None, &home, None)
                    .await;
                not_run = (!gone.is_empty()).then_some(NotRun::RuntimeGone);
            }
            let asked = Asked {
                scope: Scope::All,
                max_age: None,
                since: began.mono,
                now: Now::read(),
                not_run,
            };
            self.engine.section(index, &asked)
        } else {
            self.fixed.get(name)?.clone()
        };
        let alone = Map::from_iter([(name.to_owned(), value)]);
        self.reduce(alone).remove(name)
    }

    /// The names of the sections, in the order they are told.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.fixed.keys().map(String::as_str).collect();
        names.extend(self.engine.slots.iter().map(Slot::name));
        names.sort_unstable();
        names.into_iter()
    }

    /// The same sections, collected on this runtime, whoever asks.
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            home: Some(handle),
            ..self.clone()
        }
    }

    /// The same sections with the names, and without the values, of variables and arguments: for a page whose readers
    /// aren't known.
    #[must_use]
    pub fn without_variables(&self) -> Self {
        let show = if self.show == Show::Names {
            Show::Names
        } else {
            Show::NoVariables
        };
        Self { show, ..self.clone() }
    }

    fn reduce(&self, mut sections: Map<String, Value>) -> Map<String, Value> {
        let redaction = &self.engine.redaction;
        match self.show {
            Show::All => {}
            Show::NoVariables => {
                let process = sections.get_mut("process").and_then(Value::as_object_mut);
                for (key, value) in process.into_iter().flatten() {
                    if key == "environ" || key == "argv" {
                        *value = redaction.names_only(value.take());
                    }
                }
            }
            Show::Names => {
                for value in sections.values_mut() {
                    *value = redaction.names_only(value.take());
                }
            }
        }
        sections
    }
}

impl std::fmt::Debug for EnvironmentDump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentDump")
            .field("sections", &self.names().collect::<Vec<_>>())
            .field("show", &self.show)
            .finish_non_exhaustive()
    }
}

/// Puts an [`EnvironmentDump`] together.
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
    fixed: Vec<(String, Value)>,
    functions: Vec<(String, Run)>,
    redaction: RedactionBuilder,
    home: Option<Handle>,
}

impl EnvironmentDumpBuilder {
    fn new() -> Self {
        Self::of(Provided::default(), Redaction::builder(), None)
    }

    pub(crate) const fn of(provided: Provided, redaction: RedactionBuilder, home: Option<Handle>) -> Self {
        Self {
            discover: true,
            os: true,
            rust: true,
            process: true,
            show: Show::All,
            provided,
            fixed: Vec::new(),
            functions: Vec::new(),
            redaction,
            home,
        }
    }

    /// Whether the annotated sections of the binary are found. Default: true.
    pub const fn discover(mut self, yes: bool) -> Self {
        self.discover = yes;
        self
    }

    /// Whether the section `os` is told: platform, host name, distribution, CPUs, memory, load, the container's
    /// limits. Default: true.
    pub const fn include_os(mut self, yes: bool) -> Self {
        self.os = yes;
        self
    }

    /// Whether the section `rust` is told, in the place of the seed's `python`: compiler, target, profile, the
    /// executable and what is linked into it. Default: true.
    pub const fn include_rust(mut self, yes: bool) -> Self {
        self.rust = yes;
        self
    }

    /// Whether the section `process` is told: arguments, variables, user, memory, threads, open files. Default: true.
    pub const fn include_process(mut self, yes: bool) -> Self {
        self.process = yes;
        self
    }

    /// Whether values are shown at all. With `false` there are only names, for a place where a secret may stand under
    /// an innocent name. Default: true.
    pub const fn show_values(mut self, yes: bool) -> Self {
        self.show = if yes { Show::All } else { Show::Names };
        self
    }

    /// Gives a value to every section with a parameter of exactly this type. A type provided twice is a
    /// [`BuildError`].
    pub fn provide<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.insert(value);
        self
    }

    /// Adds a section, fixed from now on. What can't be serialised is `{"error": …}` there.
    pub fn section(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let value = output::to_value(&value).unwrap_or_else(|problem| json!({ "error": problem }));
        self.fixed.push((name.into(), value));
        self
    }

    /// Adds a section that is asked for its value at each request, on a thread of its own.
    pub fn section_fn<T: Serialize>(
        mut self,
        name: impl Into<String>,
        f: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.functions.push((
            name.into(),
            Run::BlockingWith(Arc::new(move || Outcome::pass(f()))),
        ));
        self
    }

    /// Hides the value of every name that contains one of these, in any case, beside the built-in rules.
    pub fn redact_names(mut self, fragments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self
            .redaction
            .hide_fragments(fragments.into_iter().map(Into::into));
        self
    }

    /// Shows the values of exactly these names although a rule on names would hide them.
    pub fn allow_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redaction = self.redaction.allow_names(names.into_iter().map(Into::into));
        self
    }

    /// Adds rules of one's own to what is hidden.
    pub fn redactor(mut self, rules: impl Redactor) -> Self {
        self.redaction = self.redaction.rule(Arc::new(rules));
        self
    }

    /// The page, ready to collect.
    ///
    /// # Errors
    /// Everything that is wrong, at once: two sections of one name, a dependency that nobody provided.
    pub fn build(self) -> Result<EnvironmentDump, BuildError> {
        let mut problems = doubled(&self.provided);
        let redaction = self.redaction.build();
        let mut sections: Vec<(String, Run)> = Vec::new();
        let mut built_in = |included: bool, name: &str, collect: fn() -> Value| {
            if included {
                let run = Run::BlockingWith(Arc::new(move || Outcome::pass(collect())));
                sections.push((name.to_owned(), run));
            }
        };
        built_in(self.os, "os", os::collect);
        built_in(self.rust, "rust", rust_section);
        built_in(self.process, "process", process::collect);
        sections.extend(self.functions);
        let fixed: Vec<&str> = self.fixed.iter().map(|(name, _)| &**name).collect();
        let mut seen = HashSet::new();
        for name in &fixed {
            if name.is_empty() {
                problems.push("a section needs a name".to_owned());
            }
            if !seen.insert(name) {
                problems.push(format!(
                    "two sections are named `{name}`: both given to the builder; rename one of them"
                ));
            }
        }
        let registered = registry::discovered_sections().filter(|_| self.discover);
        let slots = registry::sections(
            registered,
            sections,
            &fixed,
            &self.provided,
            &Arc::new(POLICY),
            &mut problems,
        );
        BuildError::unless_empty(problems)?;

        let fixed = self.fixed.into_iter().map(|(name, value)| {
            let value = redaction.named(&name, value);
            (name, value)
        });
        Ok(EnvironmentDump {
            fixed: Arc::new(fixed.collect()),
            engine: Arc::new(Engine::new(slots, redaction, Changes::new(0, None))),
            home: self.home,
            show: self.show,
        })
    }
}

/// Sections are collected anew for each request.
const POLICY: Policy = Policy {
    limit: Some(Duration::from_secs(5)),
    success_ttl: Ttl {
        lasts: None,
        chosen: true,
    },
    failed_ttl: Ttl {
        lasts: None,
        chosen: true,
    },
    interval: None,
    initial_delay: None,
    thresholds: Thresholds {
        failure: 1,
        success: 1,
    },
    latches: false,
    only_startup: false,
};

fn rust_section() -> Value {
    rust::collect(registry::own_package())
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
