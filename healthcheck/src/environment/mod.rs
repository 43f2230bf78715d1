//! The environment page: built-in sections and own ones, collected at once, redacted in one place.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::clock::Now;
use crate::engine::view::{Asked, NotRun};
use crate::engine::{Engine, Slot};
use crate::error::BuildError;
use crate::selection::Scope;

mod builder;
pub(crate) mod cgroup;
mod distribution;
mod linked_packages;
mod os;
mod process;
mod rust;
pub(crate) mod system;

pub use builder::EnvironmentDumpBuilder;

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
        self.collected().await
    }

    /// Boxed here, since every crate that awaits a future by its type compiles the whole of it.
    fn collected(&self) -> Pin<Box<dyn Future<Output = Map<String, Value>> + Send + '_>> {
        Box::pin(self.all())
    }

    async fn all(&self) -> Map<String, Value> {
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
        self.collected_section(name).await
    }

    fn collected_section<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<Value>> + Send + 'a>> {
        Box::pin(self.one(name))
    }

    async fn one(&self, name: &str) -> Option<Value> {
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
        let mut alone = Map::new();
        alone.insert(name.to_owned(), value);
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

    /// The runtime that was chosen by [`on_runtime`](Self::on_runtime); `None`: that of whoever asks.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.home.as_ref()
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
