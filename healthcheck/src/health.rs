use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::check::Check;
use crate::clock::Now;
use crate::drain::Drain;
use crate::environment::EnvironmentDumpBuilder;
use crate::error::{BuildError, SelectionError};
use crate::model::CheckInfo;
use crate::provide::Provided;
use crate::redact::RedactionBuilder;
use crate::register::{self, Defaults, Present};
use crate::report::Report;
use crate::reports::Reports;
use crate::runner::{Reading, Runner, Snapshot, Target, is_inside_a_check};
use crate::selection::{Scope, Selection};
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::transition::Transition;
use crate::world::{Event, NotRun, World};

/// The set of all checks of a service: finds them, runs them, and caches and reports their results. A single check is a
/// [`Check`].
///
/// Cloning is cheap, and all clones share everything. Building a `HealthCheck` needs no runtime. A report needs a tokio
/// runtime with time enabled, as `#[tokio::main]` and `enable_all()` build it; without time tokio panics. A run uses the
/// runtime of its first caller, or the runtime that [`on_runtime`](Self::on_runtime) sets.
///
/// If a check fails, panics, hangs or blocks its thread, you still get a complete report, and the other checks' results
/// are untouched. The report is on time as long as the caller's runtime isn't blocked. A single async check that blocks
/// its thread also blocks a current-thread runtime, and delays the report. Under `panic = "abort"` a panic can't be caught, so a check that
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
///
// `tests/src/lib.rs` compiles the snippets of `testing.md`, because they need axum, which isn't a dependency here.
#[cfg_attr(not(doctest), doc = include_str!("testing.md"))]
#[derive(Clone)]
pub struct HealthCheck {
    core: Arc<Core>,
    runtime: Option<Handle>,
}

/// The state that all clones share.
pub(crate) struct Core {
    pub(crate) runner: Arc<Runner>,
    pub(crate) reports: Reports,
    /// The sections of the health report whose values never change.
    pub(crate) fixed: Map<String, Value>,
    pub(crate) provided: Provided,
    /// The redaction rules, which the environment page uses too.
    pub(crate) redaction: RedactionBuilder,
    /// The settings. They also apply to checks that are added later.
    pub(crate) settings: Settings,
    pub(crate) defaults: Defaults,
    pub(crate) drain: Drain,
    pub(crate) hostname: String,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.runner.close();
    }
}

impl Core {
    /// Returns the report if nothing is due.
    fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        if self.runner.lacks_driver() {
            return None;
        }
        let kept = self
            .reports
            .find(selection, self.runner.generation(), Now::read());
        kept.or_else(|| {
            let snapshot = self.runner.fresh(&self.hostname, selection)?;
            Some(self.finish(selection, snapshot))
        })
    }

    /// Runs the due checks. Returns the report once the runs have ended or the budget is over.
    async fn settled(
        &self,
        selection: &Selection,
        budget: Option<Duration>,
        runtime: Option<&Handle>,
    ) -> Result<Arc<Report>, SelectionError> {
        if is_inside_a_check(&self.runner) {
            return self.as_it_is(selection, Reading::default());
        }
        let Some(target) = Target::of(runtime) else {
            let not_run = Some(NotRun::NoRuntime);
            return self.as_it_is(
                selection,
                Reading {
                    not_run,
                    ..Reading::default()
                },
            );
        };
        // If another thread adds or removes checks while this request waits, the request starts over. After eight rounds
        // it returns a report with the results so far.
        let came = Now::read();
        for _ in 0..8 {
            // All rounds together share the budget.
            let left = budget.map(|budget| budget.saturating_sub(Now::read().since(came.mono)));
            let answer = self.runner.ask(selection, &target, left).await?;
            // Another waiting request may have made the report already.
            let kept = self
                .reports
                .find(selection, self.runner.generation(), Now::read());
            if let Some(report) = kept.filter(|_| answer.lost.is_empty()) {
                return Ok(report);
            }
            if let Some(snapshot) = self.runner.answered(&self.hostname, selection, &answer) {
                return Ok(self.finish(selection, snapshot));
            }
        }
        self.as_it_is(selection, Reading::default())
    }

    fn as_it_is(&self, selection: &Selection, reading: Reading) -> Result<Arc<Report>, SelectionError> {
        let snapshot = self.runner.as_it_is(&self.hostname, selection, reading)?;
        Ok(self.finish(selection, snapshot))
    }

    fn finish(&self, selection: &Selection, mut snapshot: Snapshot) -> Arc<Report> {
        if selection.scope == Scope::All && !selection.alone {
            let fixed = self
                .fixed
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            snapshot.report.sections.extend(fixed);
        }
        self.reports.keep(selection, snapshot)
    }
}

impl HealthCheck {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core: Arc::new(core),
            runtime: None,
        }
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Returns the results of all checks.
    ///
    /// The method runs the due checks concurrently, each after its dependencies, and waits for each check up to its
    /// timeout. It waits for a background check only until the check has its first result. If the initial delay of such a check is longer than
    /// its timeout, the report shows it as "not run yet". While nothing changes, each call returns the same `Arc`.
    ///
    /// If a check of this `HealthCheck` calls this method, the method runs no check and returns the last known results.
    /// Outside of a tokio runtime it returns the cached results, and due checks fail with "no tokio runtime".
    pub async fn report(&self) -> Arc<Report> {
        match self.report_for(&Selection::all()).await {
            Ok(report) => report,
            // `Selection::all()` has no names, so no name can be unknown.
            Err(_) => unreachable!("`Selection::all()` names no check"),
        }
    }

    /// Returns the results of the selected checks. Otherwise the same as [`report`](Self::report).
    ///
    /// # Errors
    /// The selection has the name of a check or tag that doesn't exist in its probe.
    pub async fn report_for(&self, selection: &Selection) -> Result<Arc<Report>, SelectionError> {
        self.report_within(selection, None).await
    }

    /// Returns the results of the selected checks after at most the time `budget`; `None` waits for all runs.
    ///
    /// If a check is still running when the budget is over, the run continues, and later requests get its result. This
    /// report shows the check's last result and marks it as stale, if both of these conditions are true:
    /// - the run is younger than the check's timeout (5 s if the check has no timeout or the run couldn't start);
    /// - the last result isn't older than TTL + timeout + 60 s.
    ///
    /// Otherwise the check fails with "no result for 12.3 s, still running". If it is the check's first run, the check
    /// fails with "not run yet, running for 0.8 s".
    ///
    /// # Errors
    /// The selection has the name of a check or tag that doesn't exist in its probe.
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
    /// let output = report.results[0].output.as_str().unwrap_or_default();
    /// assert!(output.starts_with("not run yet, running for 0."), "{output}");
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
        // Boxed, because every crate that awaits an unboxed future compiles all of its code again.
        let settled: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(self.core.settled(selection, budget.into(), self.runtime.as_ref()));
        settled.await
    }

    /// Returns the last result of each selected check, whatever its age, without running or awaiting anything.
    ///
    /// A result that is older than its TTL is marked as stale, but its age never makes it fail. A check without a result
    /// is "not run yet", which counts as a pass in liveness.
    ///
    /// # Errors
    /// The selection has the name of a check or tag that doesn't exist in its probe.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck, Selection};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
    /// assert_eq!(health.last_known(&Selection::all())?.results[0].output, "not run yet");
    /// # Ok(())
    /// # }
    /// ```
    pub fn last_known(&self, selection: &Selection) -> Result<Arc<Report>, SelectionError> {
        let reading = Reading {
            last_known: true,
            ..Reading::default()
        };
        self.core.as_it_is(selection, reading)
    }

    /// Expires the cached results of the selected checks and of the sections, so that the next report runs them again.
    ///
    /// The background loop runs a selected background check at once. A startup check that has passed stays passed. If a
    /// check is already running, no second run begins: the result of the current run counts as fresh.
    ///
    /// # Errors
    /// The selection has the name of a check or tag that doesn't exist in its probe.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck, Selection};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let health = HealthCheck::builder().discover(false).check(Check::new("redis", async || true)).build()?;
    /// health.report().await;
    /// health.expire(&Selection::checks(["redis"]))?;
    /// assert!(health.fresh(&Selection::all()).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn expire(&self, selection: &Selection) -> Result<(), SelectionError> {
        self.core.runner.expire(selection)
    }

    /// Adds a check at run time. It is validated as at build, and the settings passed at build apply to it.
    ///
    /// # Errors
    /// The same as for [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build): the name is taken or invalid, the
    /// options contradict each other, a dependency doesn't exist, or the dependencies form a cycle.
    ///
    /// ```
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), healthcheck::BuildError> {
    /// let health = HealthCheck::builder().discover(false).build()?;
    /// health.add(Check::new("tenant 7", async || true))?;
    /// assert!(health.report().await.get("tenant 7").is_some());
    /// assert!(health.remove("tenant 7") && !health.remove("tenant 7"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add(&self, check: Check) -> Result<(), BuildError> {
        let Core { runner, settings, .. } = &*self.core;
        let mut problems = Vec::new();
        let info = register::prepared(check.info, settings, &runner.redaction, &mut problems);
        // The closure runs under the lock and only clones `check.run`. So if the check is rejected, the user's function
        // is dropped here, after the lock is released.
        let run = &check.run;
        runner.add_checked(|world| {
            let present = Present {
                infos: world.infos().cloned().collect(),
                disabled: world.disabled().cloned().collect(),
                settings,
                defaults: self.core.defaults,
            };
            let added = register::added(info, run.clone(), present, &mut problems);
            BuildError::unless_empty(problems)?;
            Ok(added)
        })
    }

    /// Removes a check at run time. Returns true if there was a check of that name.
    ///
    /// If the check is still running, the result of that run is never shown; an async run is dropped. The check's history
    /// and metrics are removed too. Checks that depend on the removed check run without it, and every report has a
    /// warning about that.
    #[allow(clippy::must_use_candidate, reason = "the check is gone either way")]
    pub fn remove(&self, name: &str) -> bool {
        self.core.runner.remove(name, false)
    }

    /// Returns the report without waiting or running anything, or `None` if a check is due.
    ///
    /// While nothing changes, each call returns the same `Arc`. It also returns `None` if the selection has an unknown
    /// check or tag, and before the loop of the background checks has started.
    #[must_use]
    pub fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        self.core.fresh(selection)
    }

    /// Returns a clone that runs the checks on this runtime, whatever runtime the caller is on.
    ///
    /// Use it in a server with a separate runtime, so that the checks run on the application's runtime. The runtime needs
    /// time enabled. If it is blocked, you still get reports. If it has shut down, due checks fail with "its runtime was
    /// shut down".
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            core: Arc::clone(&self.core),
            runtime: Some(handle),
        }
    }

    /// Returns the runtime set by [`on_runtime`](Self::on_runtime), or `None` if runs use the caller's runtime.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }

    /// Returns a builder for the environment page of the same service. It discovers the sections, and uses the provided
    /// values and the redaction rules of this `HealthCheck`.
    pub fn environment(&self) -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::of(
            self.core.provided.clone(),
            self.core.redaction.clone(),
            self.runtime.clone(),
            Some(self.core.defaults.timeout),
        )
    }

    /// Returns the name, description, source location and options of each check, sorted by name. Runs no check.
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
        let checks: Vec<_> = self.core.runner.read(|world| world.infos().cloned().collect());
        checks.into_iter()
    }

    /// Starts the loop of the background checks now instead of with the first report. The loop runs on the current
    /// runtime, or on the runtime that [`on_runtime`](Self::on_runtime) has set. Without a runtime, `start` does nothing.
    pub fn start(&self) {
        if let Some(handle) = self.runtime.clone().or_else(|| Handle::try_current().ok()) {
            self.core.runner.start_loops(&Target {
                handle,
                chosen: self.runtime.is_some(),
            });
        }
    }

    /// Returns the last 32 transitions of each check and of the overall status, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Transition> {
        self.core.runner.read(World::history)
    }

    /// Adds a text to the `warnings` of every report from now on. The text is redacted. Adding the same text again does
    /// nothing. Only the last 64 texts are kept.
    pub fn add_warning(&self, text: impl Into<String>) {
        let runner = &self.core.runner;
        let text = runner.redaction.text(&text.into()).into_owned();
        runner.step(Event::Warned(text));
    }

    /// Returns the version of the binary's package, or `None` if the package has no annotated function.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        register::own_package().map(|(_, version)| version)
    }

    /// Returns the counters behind the metrics: runs and transitions of each check since the start, and the runs that are
    /// stuck now. Runs no check.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let runner = &self.core.runner;
        let dropped = runner.dropped();
        runner.read_now(|world, now| Statistics {
            stuck_runs: world.stuck_runs(),
            dropped_lines: dropped.lines,
            dropped_events: dropped.events,
            gates_failed_open: world.gates_failed_open(),
            checks: world.statistics(now),
        })
    }
}

/// Shutdown and maintenance.
impl HealthCheck {
    /// Begins the shutdown: readiness fails with "shutting down" until the process ends. The other probes don't change.
    pub fn begin_shutdown(&self) {
        // Readiness must fail before `drain.begin` wakes the tasks that wait for the drain.
        self.core().runner.step(Event::Drain);
        self.core().drain.begin();
    }

    /// Returns true once [`begin_shutdown`](Self::begin_shutdown) has been called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core().drain.has_begun()
    }

    /// Returns a future that completes once [`begin_shutdown`](Self::begin_shutdown) has been called on any clone.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.is_under_way().await }
    }

    /// Returns a future that completes once a shutdown has begun and the [`shutdown_delay`](Self::shutdown_delay)
    /// (default: 5 s) is over. Your own server should then stop accepting connections.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use healthcheck::HealthCheck;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// # health.set_shutdown_delay(Duration::from_millis(1));
    /// // An axum server awaits the same future: `axum::serve(…).with_graceful_shutdown(health.drained())`.
    /// let server = tokio::spawn(health.drained());
    /// health.begin_shutdown();
    /// assert!(health.is_draining());
    /// # let _ =
    /// server.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drained(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.is_over().await }
    }

    /// Sets how long the service still answers after [`begin_shutdown`](Self::begin_shutdown). Default: 5 s.
    pub fn set_shutdown_delay(&self, delay: Duration) {
        self.core().drain.set_delay(delay);
    }

    /// Returns how long the service still answers after [`begin_shutdown`](Self::begin_shutdown).
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        self.core().drain.delay()
    }

    /// Ends the drain before its delay is over, so that [`drained`](Self::drained) completes.
    pub fn end_drain(&self) {
        self.core().drain.end();
    }

    /// Begins maintenance: readiness fails with "maintenance: …" until [`end_maintenance`](Self::end_maintenance). The
    /// reason is redacted. A second call changes the reason.
    pub fn begin_maintenance(&self, reason: impl Into<String>) {
        let runner = &self.core().runner;
        let reason = runner.redaction.text(&reason.into()).into_owned();
        runner.step(Event::Maintenance(Some(reason)));
    }

    /// Ends the maintenance.
    pub fn end_maintenance(&self) {
        self.core().runner.step(Event::Maintenance(None));
    }

    /// Returns the reason of the maintenance, or `None` if there is no maintenance.
    #[must_use]
    pub fn maintenance_reason(&self) -> Option<String> {
        self.core()
            .runner
            .read(|world| world.maintenance().map(str::to_owned))
    }
}

impl fmt::Debug for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthCheck")
            .field("checks", &self.core.runner)
            .finish_non_exhaustive()
    }
}
