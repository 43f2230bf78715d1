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

/// The set of all checks of a service. It finds and runs the checks, caches their results and returns reports. A single
/// check is a [`Check`].
///
/// Cloning is cheap, and all clones share the same checks and results.
///
/// You can build a `HealthCheck` without a runtime. To get a report, you need a tokio runtime with time enabled, as
/// `#[tokio::main]` and `enable_all()` build it. If time isn't enabled, tokio panics.
///
/// A run uses the runtime of the caller that starts the run, or the runtime that [`on_runtime`](Self::on_runtime) sets.
///
/// If a check fails, panics, hangs or blocks its thread, you still get a complete report, and the results of the other
/// checks don't change. With `panic = "abort"`, Rust can't catch a panic, so a check that panics ends the process.
///
/// The report is on time unless the caller's runtime is blocked. For example, an async check that blocks its thread
/// also blocks a current-thread runtime, and this delays the report.
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
// `testing.md` contains code that needs axum, and this crate doesn't depend on axum. So `tests/src/lib.rs` compiles
// this code instead of this crate's doctests.
#[cfg_attr(not(doctest), doc = include_str!("testing.md"))]
#[derive(Clone)]
pub struct HealthCheck {
    core: Arc<Core>,
    runtime: Option<Handle>,
}

/// The state that all clones of a `HealthCheck` share.
pub(crate) struct Core {
    pub(crate) runner: Arc<Runner>,
    pub(crate) reports: Reports,
    /// The sections of the health report that have a fixed value.
    pub(crate) fixed: Map<String, Value>,
    pub(crate) provided: Provided,
    /// The redaction rules of this `HealthCheck` and of its environment page.
    pub(crate) redaction: RedactionBuilder,
    /// The settings. They also apply to checks that `HealthCheck::add` adds later.
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
    /// Returns a report if every selected check has a fresh result, so that no check has to run.
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

    /// Runs those selected checks that have no fresh result. Returns the report once these runs have ended, or once the
    /// time `budget` is over.
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
        // If another thread adds or removes checks while this request waits for runs, the request starts over. After
        // eight rounds, the request returns a report with the results that exist by then.
        let came = Now::read();
        for _ in 0..8 {
            // The rounds share the budget: each round may use only the time that the earlier rounds have left.
            let left = budget.map(|budget| budget.saturating_sub(Now::read().since(came.mono)));
            let answer = self.runner.ask(selection, &target, left).await?;
            // Another request that waited for the same runs may have cached a report already.
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

    /// Returns a report with the results of all checks.
    ///
    /// The method runs the checks whose cached result has expired. They run concurrently, except that a check waits
    /// until the checks that it depends on have ended. The method waits for each check for at most the check's timeout.
    ///
    /// While no result changes, each call returns the same `Arc`.
    ///
    /// If a background check has a result, the report shows this result, and the method doesn't wait for a new run.
    ///
    /// If a background check has no result yet, and its initial delay is longer than its timeout, the report shows the
    /// check as "not run yet".
    ///
    /// If you call the method inside a check of this `HealthCheck`, it runs no check and returns the last known
    /// results.
    ///
    /// If you call the method outside of a tokio runtime, it runs no check and returns the cached results. A check
    /// whose cached result has expired fails with "no tokio runtime".
    pub async fn report(&self) -> Arc<Report> {
        match self.report_for(&Selection::all()).await {
            Ok(report) => report,
            // `Selection::all()` contains no names, so no name can be unknown.
            Err(_) => unreachable!("`Selection::all()` names no check"),
        }
    }

    /// Returns a report with the results of the selected checks. The method runs these checks and waits for them like
    /// [`report`](Self::report).
    ///
    /// # Errors
    /// The selection contains a name or tag that no check of the selected probe has.
    pub async fn report_for(&self, selection: &Selection) -> Result<Arc<Report>, SelectionError> {
        self.report_within(selection, None).await
    }

    /// Returns a report with the results of the selected checks, after at most the time `budget`. With `None`, the
    /// method waits until all runs have ended or exceeded their timeout.
    ///
    /// If a check is still running when the budget is over, the run continues, and later requests get its result. The
    /// returned report shows the check's last result, marked as stale, if both of these conditions are true:
    /// - The time since the run was requested is less than the check's timeout. If the check has no timeout, the limit
    ///   is 5 s instead. If the check's function hasn't been called yet, the limit is at most 5 s.
    /// - The last result isn't older than TTL + timeout + 60 s.
    ///
    /// If the run was requested too long ago, or if the last result is too old, the report shows the check as failed
    /// with "no result for 12.3 s, still running". If the check has no result at all, the report shows the check as
    /// failed with "not run yet, running for 0.8 s".
    ///
    /// # Errors
    /// The selection contains a name or tag that no check of the selected probe has.
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
        // We box this future, because every crate that awaits an unboxed future compiles all of the future's code
        // again.
        let settled: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(self.core.settled(selection, budget.into(), self.runtime.as_ref()));
        settled.await
    }

    /// Returns a report with the last result of each selected check, however old it is. Runs no check and waits for
    /// nothing.
    ///
    /// The report marks a result that is older than its TTL as stale. The age of a result never makes a check fail.
    ///
    /// A check without a result is shown as "not run yet". Liveness treats such a check as passing.
    ///
    /// # Errors
    /// The selection contains a name or tag that no check of the selected probe has.
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

    /// Expires the cached results of the selected checks and of the sections. The next report runs these checks and
    /// sections again.
    ///
    /// The background loop runs each selected background check immediately. If a selected check is already running, no
    /// second run begins, and the next report uses the result of the current run.
    ///
    /// If a startup check has passed, the startup probe shows it as passed until the process ends.
    ///
    /// # Errors
    /// The selection contains a name or tag that no check of the selected probe has.
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

    /// Adds a check at run time. The method validates the check like
    /// [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build), and applies the builder's settings and defaults
    /// to it.
    ///
    /// # Errors
    /// - The check's name is invalid, or another check has the name.
    /// - The check's options contradict each other.
    /// - A dependency of the check doesn't exist, or the dependencies form a cycle.
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
        // While the runner's lock is held, no code of the user must run, and dropping the user's function may run such
        // code. So the closure below gets a clone of `check.run`. If the check is rejected, the last owner is
        // `check.run`, which is dropped after the lock is released.
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
    /// If the check is running, its result is never shown, and the future of an async run is dropped. The method also
    /// removes the check's history and metrics.
    ///
    /// Checks that depend on the removed check run without this dependency, and every report has a warning about the
    /// missing dependency.
    #[allow(clippy::must_use_candidate, reason = "the check is gone either way")]
    pub fn remove(&self, name: &str) -> bool {
        self.core.runner.remove(name, false)
    }

    /// Returns a report on the selected checks without waiting or running anything. Returns `None` if a selected check
    /// has no fresh result, and so has to run.
    ///
    /// While nothing changes, each call returns the same `Arc`. The method also returns `None` if no check of the
    /// selected probe has one of the selection's names or tags, or if the loop of the background checks hasn't started
    /// yet.
    #[must_use]
    pub fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        self.core.fresh(selection)
    }

    /// Returns a clone that runs the checks on the runtime of `handle`, even if the caller is on another runtime.
    ///
    /// Use the clone in a server that has a separate runtime, so that the checks run on the application's runtime. The
    /// runtime of `handle` needs time enabled.
    ///
    /// While the runtime of `handle` is blocked, you still get reports. After this runtime has shut down, checks that
    /// have to run fail with "its runtime was shut down".
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            core: Arc::clone(&self.core),
            runtime: Some(handle),
        }
    }

    /// Returns the runtime set by [`on_runtime`](Self::on_runtime), or `None` if runs use the runtime of their caller.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }

    /// Returns a builder for the environment page of the same service. The page has all annotated sections, and uses
    /// the provided values and the redaction rules of this `HealthCheck`.
    pub fn environment(&self) -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::of(
            self.core.provided.clone(),
            self.core.redaction.clone(),
            self.runtime.clone(),
            Some(self.core.defaults.timeout),
        )
    }

    /// Returns the name, description, source location and options of each check, sorted by name. This method runs no
    /// check.
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

    /// Starts the loop of the background checks. Without this call, the first report starts the loop.
    ///
    /// The loop runs on the runtime that [`on_runtime`](Self::on_runtime) has set, or otherwise on the current tokio
    /// runtime. If there is neither, `start` does nothing.
    pub fn start(&self) {
        if let Some(handle) = self.runtime.clone().or_else(|| Handle::try_current().ok()) {
            self.core.runner.start_loops(&Target {
                handle,
                chosen: self.runtime.is_some(),
            });
        }
    }

    /// Returns at most 32 transitions of each check, and at most 32 of the overall status: the last ones, with the
    /// oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Transition> {
        self.core.runner.read(World::history)
    }

    /// Redacts a text, and adds it to the `warnings` of all later reports. Adding the same text again does nothing. If
    /// there are more than 64 texts, the oldest text is removed.
    pub fn add_warning(&self, text: impl Into<String>) {
        let runner = &self.core.runner;
        let text = runner.redaction.text(&text.into()).into_owned();
        runner.step(Event::Warned(text));
    }

    /// Returns the version of the binary's package, or `None` if the version is unknown.
    ///
    /// The version is known if the crate with the same name as the executable contains a `#[health_check]` or
    /// `#[env_section]` function. The attribute records the version at compile time.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        register::own_package().map(|(_, version)| version)
    }

    /// Returns the numbers that the metrics show, such as how often each check has passed and how many runs are stuck.
    /// This method runs no check.
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

/// Methods for shutdown and maintenance.
impl HealthCheck {
    /// Begins the shutdown: readiness fails with "shutting down" until the process ends. The liveness and startup
    /// probes don't change.
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

    /// Returns a future that completes once [`begin_shutdown`](Self::begin_shutdown) has been called on any clone of
    /// this `HealthCheck`.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.is_under_way().await }
    }

    /// Returns a future that completes when your own server should stop accepting connections. It completes once a
    /// shutdown has begun and the [`shutdown_delay`](Self::shutdown_delay) (default: 5 s) is over.
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

    /// Sets for how long the service still answers after [`begin_shutdown`](Self::begin_shutdown) has been called.
    /// Default: 5 s.
    pub fn set_shutdown_delay(&self, delay: Duration) {
        self.core().drain.set_delay(delay);
    }

    /// Returns for how long the service still answers after [`begin_shutdown`](Self::begin_shutdown) has been called.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        self.core().drain.delay()
    }

    /// Ends the drain before the [`shutdown_delay`](Self::shutdown_delay) is over, so that [`drained`](Self::drained)
    /// completes.
    pub fn end_drain(&self) {
        self.core().drain.end();
    }

    /// Begins maintenance: readiness fails with "maintenance: …" until [`end_maintenance`](Self::end_maintenance) is
    /// called. This method redacts the reason. A second call replaces the reason.
    pub fn begin_maintenance(&self, reason: impl Into<String>) {
        let runner = &self.core().runner;
        let reason = runner.redaction.text(&reason.into()).into_owned();
        runner.step(Event::Maintenance(Some(reason)));
    }

    /// Ends the maintenance. Readiness depends on the results of its checks again.
    pub fn end_maintenance(&self) {
        self.core().runner.step(Event::Maintenance(None));
    }

    /// Returns the redacted reason of the maintenance, or `None` if there is no maintenance.
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
