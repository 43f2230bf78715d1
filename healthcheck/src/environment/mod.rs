//! The environment page: built-in sections and own ones, collected at once, redacted in one place.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::error::BuildError;
use crate::runner::{Runner, Target};
use crate::selection::Selection;
use crate::world::{NotRun, World};

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
    runner: Arc<Closing>,
    fixed: Arc<Map<String, Value>>,
    runtime: Option<Handle>,
    show: Show,
}

/// Ends the threads of a runner with the last page that uses it.
struct Closing(Arc<Runner>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
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
        let mut sections = Map::clone(&self.fixed);
        sections.extend(self.run(&Selection::all()).await);
        self.reduce(sections)
    }

    /// The values of these sections, after they have run.
    async fn run(&self, selection: &Selection) -> Vec<(String, Value)> {
        let runner = &self.runner.0;
        let Some(target) = Target::of(self.runtime.as_ref()) else {
            return runner.sections_as_they_are(NotRun::NoRuntime);
        };
        match runner.ask(selection, &target, None).await {
            Ok(answer) => runner.sections(&answer),
            // A page has no checks that a selection could miss.
            Err(_) => Vec::new(),
        }
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
        let value = if self
            .runner
            .0
            .read(|world| world.sections().any(|(other, _)| other == name))
        {
            let values = self.run(&Selection::section(name)).await;
            values.into_iter().find(|(other, _)| other == name)?.1
        } else {
            self.fixed.get(name)?.clone()
        };
        let mut alone = Map::new();
        alone.insert(name.to_owned(), value);
        self.reduce(alone).remove(name)
    }

    /// The names of the sections, in the order they are told.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let mut names: Vec<String> = self.fixed.keys().cloned().collect();
        let run = |world: &World| {
            world
                .sections()
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        };
        names.extend(self.runner.0.read(run));
        names.sort_unstable();
        names.into_iter()
    }

    /// The same sections, collected on this runtime, whoever asks.
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            runtime: Some(handle),
            ..self.clone()
        }
    }

    /// The runtime that was chosen by [`on_runtime`](Self::on_runtime); `None`: that of whoever asks.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
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
        let redaction = &self.runner.0.redaction;
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
