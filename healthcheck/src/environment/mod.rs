//! The environment page: runs the built-in sections and the application's own sections concurrently, and redacts their
//! values.

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

/// The environment page: data about the machine, the binary and the process, without secrets.
///
/// The built-in sections are `os`, `rust` and `process`. Add your own sections with `#[env_section]` or the builder. If
/// a section fails, panics or exceeds its timeout, the page shows `{"error": …}` for it.
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

/// Stops the threads of the `Runner`, which runs the sections, when the last clone of the page is dropped.
struct Closing(Arc<Runner>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Which values the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    All,
    /// All values, except the values of environment variables and arguments.
    NoVariables,
    /// No values, only names.
    Names,
}

impl EnvironmentDump {
    /// Builds a page with the built-in sections and every annotated section, like `EnvironmentDump::builder().build()`.
    ///
    /// # Errors
    /// Returns an error in the same cases as [`EnvironmentDumpBuilder::build`].
    pub fn discover() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Returns a builder.
    pub fn builder() -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::new()
    }

    /// Runs every section and returns the redacted values. All sections run at the same time, and each section has a
    /// timeout (default: 5 s).
    ///
    /// If another request is already running a section, `collect` waits for that run and uses its value.
    ///
    /// Sections run on the runtime set by [`on_runtime`](Self::on_runtime). If no runtime is set, they run on the
    /// caller's tokio runtime. If the caller has no tokio runtime, no section can run: a section with a fixed value
    /// shows this value, and every other section shows an error.
    pub async fn collect(&self) -> Map<String, Value> {
        self.collected().await
    }

    /// Returns the future of `collect` in a box. Without the box, every crate that awaits `collect` would compile all
    /// of the future's code again.
    fn collected(&self) -> Pin<Box<dyn Future<Output = Map<String, Value>> + Send + '_>> {
        Box::pin(self.all())
    }

    async fn all(&self) -> Map<String, Value> {
        let mut sections = Map::clone(&self.fixed);
        sections.extend(self.run(&Selection::all()).await);
        self.reduce(sections)
    }

    /// Runs the selected sections and returns their values.
    async fn run(&self, selection: &Selection) -> Vec<(String, Value)> {
        let runner = &self.runner.0;
        let Some(target) = Target::of(self.runtime.as_ref()) else {
            return runner.sections_as_they_are(NotRun::NoRuntime);
        };
        match runner.ask(selection, &target, None).await {
            Ok(answer) => runner.sections(&answer),
            // Unreachable: `ask` returns an error only for an unknown check or tag, and a selection of sections
            // contains no check and no tag.
            Err(_) => Vec::new(),
        }
    }

    /// Runs one section and returns its redacted value, without waiting for other sections. Returns `None` if there is
    /// no section of that name.
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

    /// Returns the names of the sections, sorted.
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

    /// Returns a clone that runs the sections on the runtime `handle`, even if the caller is on another runtime.
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            runtime: Some(handle),
            ..self.clone()
        }
    }

    /// Returns the runtime set by [`on_runtime`](Self::on_runtime), or `None` if the sections run on the caller's
    /// runtime.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }

    /// Returns a clone that shows the names of environment variables and arguments, but not their values. Use this
    /// clone if strangers may read the page.
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
