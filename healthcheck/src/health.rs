use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::builder::HealthCheckBuilder;
use crate::check::CheckInfo;
use crate::engine::Engine;
use crate::engine::changes::Transition;
use crate::environment::EnvironmentDumpBuilder;
use crate::error::{BuildError, SelectionError};
use crate::lifecycle::Lifecycle;
use crate::observation::Observations;
use crate::provide::Provided;
use crate::redact::RedactionBuilder;
use crate::registry;
use crate::report::Report;
use crate::reports::Reports;
use crate::selection::Selection;
use crate::statistics::Statistics;
use crate::warnings::Warnings;

/// The checks of a service: finds them, runs them, caches and tells their results.
///
/// Cheap to clone; all clones share everything. Building it needs no runtime. A report needs tokio with its time
/// enabled, as `#[tokio::main]` and `enable_all()` have it: without, tokio panics. Whoever asks first gives the runtime
/// that a run lives on, unless [`on_runtime`](Self::on_runtime) says where.
///
/// What a check does stays its own affair: it may fail, panic, hang or block its thread, and the report is still
/// given, with the others' results untouched. Under `panic = "abort"` nobody can catch a panic: there one check that
/// panics ends the process.
///
/// ```standalone_crate
/// use healthcheck::{HealthCheck, Overall, health_check};
///
/// #[health_check]
/// fn addition_works() -> (bool, &'static str) {
///     (1 + 1 == 2, "addition works")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::discover()?;
/// assert_eq!(health.report().await.status, Overall::Success);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HealthCheck {
    core: Arc<Core>,
    home: Option<Handle>,
}

/// What all clones share.
pub(crate) struct Core {
    pub(crate) engine: Arc<Engine>,
    pub(crate) reports: Reports,
    pub(crate) fixed: Map<String, Value>,
    /// What stands in every report, from the build or added since.
    pub(crate) warnings: Warnings,
    pub(crate) provided: Provided,
    /// What hides the names, for the environment page to start from.
    pub(crate) redaction: RedactionBuilder,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) observations: Observations,
    pub(crate) hostname: String,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.engine.background.end();
    }
}

impl HealthCheck {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core: Arc::new(core),
            home: None,
        }
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Every annotated check of the binary, with the defaults: the same as `builder().build()`.
    ///
    /// # Errors
    /// As [`HealthCheckBuilder::build`].
    pub fn discover() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Puts one together.
    pub fn builder() -> HealthCheckBuilder {
        HealthCheckBuilder::new()
    }

    /// The results of all checks. Runs what is due, all at once and each after what it depends on, and waits for it, each
    /// check up to its time limit; of a background check for the first result only, and where its initial delay is longer
    /// than that limit it is told as "not run yet". The same `Arc` while nothing changes.
    ///
    /// Inside one of its own checks it starts and awaits nothing and gives the last known results. Outside of a tokio runtime it
    /// gives what is fresh; a check that is due then fails, "no tokio runtime".
    pub async fn report(&self) -> Arc<Report> {
        match self.report_for(&Selection::all()).await {
            Ok(report) => report,
            // All checks are never unknown.
            Err(_) => unreachable!("`Selection::all()` names no check"),
        }
    }

    /// The results of some checks.
    ///
    /// # Errors
    /// The selection names a check or tag that doesn't exist (in its probe).
    pub async fn report_for(&self, selection: &Selection) -> Result<Arc<Report>, SelectionError> {
        self.report_within(selection, None).await
    }

    /// The results of some checks as far as they are known when the budget is over; `None` waits for all.
    ///
    /// A check whose run is still going shows its last result, marked as stale, while that run is younger than its
    /// time limit (5 s where it has none or couldn't start) and the last result not older than TTL + limit + 60 s;
    /// then it fails, "no result for 12.3 s, still running". The run goes on, and serves the next one who asks.
    ///
    /// # Errors
    /// The selection names a check or tag that doesn't exist (in its probe).
    ///
    /// ```
    /// use std::time::Duration;
    /// use healthcheck::{Check, HealthCheck, Overall, Selection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hangs = Check::new("hangs", std::future::pending::<()>);
    /// let health = HealthCheck::builder().discover(false).check(hangs).build()?;
    /// let report = health.report_within(&Selection::readiness(), Duration::from_millis(50)).await?;
    /// assert_eq!(report.status, Overall::Failure);
    /// assert_eq!(report.results[0].output, "not run yet");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn report_within(
        &self,
        selection: &Selection,
        budget: impl Into<Option<Duration>>,
    ) -> Result<Arc<Report>, SelectionError> {
        if let Some(report) = self.core.fresh(selection) {
            return Ok(report);
        }
        let budget = budget.into();
        self.core
            .report_within(selection, budget, self.home.as_ref())
            .await
    }

    /// The report without any waiting and without running anything: `Some` while nothing is due, and the same `Arc`
    /// while nothing changes. `None` also where the selection names an unknown check or tag, and before the loop of the
    /// background checks has started.
    #[must_use]
    pub fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        self.core.fresh(selection)
    }

    /// The same checks, run on this runtime, whoever asks: so that a server with a runtime of its own doesn't run the
    /// application's checks on it. That runtime needs its time enabled, too. Where it is blocked the answer still comes;
    /// where it is gone, what is due fails, "its runtime was shut down".
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            core: Arc::clone(&self.core),
            home: Some(handle),
        }
    }

    /// The runtime that was chosen by [`on_runtime`](Self::on_runtime); `None`: that of whoever asks.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.home.as_ref()
    }

    /// The environment page of the same service: discovers its sections, provided with what this one was, and hiding
    /// the same names.
    pub fn environment(&self) -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::of(
            self.core.provided.clone(),
            self.core.redaction.clone(),
            self.home.clone(),
        )
    }

    /// What is known of each check without running it, by name.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// let redis = Check::new("redis", async || true).description("The cache answers.").critical(false);
    /// let health = HealthCheck::builder().discover(false).check(redis).build()?;
    /// for check in health.checks() {
    ///     println!("{} ({}:{}): {:?}", check.name(), check.file(), check.line(), check.description());
    ///     assert!(!check.options().critical);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn checks(&self) -> impl Iterator<Item = Arc<CheckInfo>> {
        self.core
            .engine
            .slots
            .iter()
            .filter_map(|slot| slot.check().filter(|_| !slot.is_disabled()).cloned())
    }

    /// Starts the loop of the background checks on the current runtime, or on the one of
    /// [`on_runtime`](Self::on_runtime), instead of with the first report. Without a runtime it does nothing.
    pub fn start(&self) {
        if let Some(home) = self.home.clone().or_else(|| Handle::try_current().ok()) {
            self.core.engine.background.ensure(&self.core.engine, &home);
        }
    }

    /// The last 32 transitions of each check and of the whole, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Transition> {
        self.core.engine.changes.history()
    }

    /// Adds a sentence to the `warnings` of every report from now on: something that somebody should know and no check
    /// says. Redacted; the same one again changes nothing. The last 64 are kept.
    pub fn add_warning(&self, text: impl Into<String>) {
        let engine = &self.core.engine;
        let text = engine.redaction.text(&text.into()).into_owned();
        if self.core.warnings.add(text) {
            engine.touch();
        }
    }

    /// The version of the package that the running binary was built from, as far as an annotated function in it tells.
    #[must_use]
    pub fn release(&self) -> Option<&'static str> {
        registry::own_package().map(|(_, version)| version)
    }

    /// What the metrics count: runs and transitions of each check since the start, and runs that are stuck now. Runs
    /// nothing.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.core.engine.statistics()
    }
}

impl fmt::Debug for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthCheck")
            .field("checks", &self.core.engine)
            .finish_non_exhaustive()
    }
}
