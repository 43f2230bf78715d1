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
use crate::runner::{Place, Reading, Runner, Snapshot, is_inside_a_check};
use crate::selection::{Scope, Selection};
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::transition::Transition;
use crate::world::{Event, NotRun, World};

/// The set of all checks of a service: finds them, runs them, and caches and reports their results. A single check is a
/// [`Check`].
///
/// Cloning is cheap, and all clones share everything. Building it needs no runtime. A report needs a tokio runtime with
/// time enabled, as `#[tokio::main]` and `enable_all()` build it; without time tokio panics. A run uses the runtime of
/// its first caller, or the one that [`on_runtime`](Self::on_runtime) sets.
///
/// A check may fail, panic, hang or block its thread: you still get a complete report, on time, and the other checks'
/// results are untouched. Under `panic = "abort"` a panic can't be caught, so a check that panics ends the process.
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
    runtime: Option<Handle>,
}

/// What all clones share.
pub(crate) struct Core {
    pub(crate) runner: Arc<Runner>,
    pub(crate) reports: Reports,
    /// The sections of the health body that never change.
    pub(crate) fixed: Map<String, Value>,
    pub(crate) provided: Provided,
    /// What hides the names, for the environment page to start from.
    pub(crate) redaction: RedactionBuilder,
    /// They hold for checks that are added later, too.
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
    /// The report where nothing is due.
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

    /// Runs the due checks, and returns the report once they have ended or the budget is over.
    async fn settled(
        &self,
        selection: &Selection,
        budget: Option<Duration>,
        runtime: Option<&Handle>,
    ) -> Result<Arc<Report>, SelectionError> {
        if is_inside_a_check(&self.runner) {
            return self.as_it_is(selection, Reading::default());
        }
        let here = Handle::try_current().ok();
        let (Some(handle), true) = (runtime.or(here.as_ref()), here.is_some()) else {
            let not_run = Some(NotRun::NoRuntime);
            return self.as_it_is(
                selection,
                Reading {
                    not_run,
                    ..Reading::default()
                },
            );
        };
        let place = Place {
            handle,
            chosen: runtime.is_some(),
        };
        // Checks may come and go faster than a report is made. Then the report is made of the results so far.
        let came = Now::read();
        for _ in 0..8 {
            // The budget is that of all rounds together.
            let left = budget.map(|budget| budget.saturating_sub(Now::read().since(came.mono)));
            let answer = self.runner.ask(selection, place, left).await?;
            // Another one who waited may have made it already.
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

    /// The results of all checks. Runs the due checks concurrently, each one after its dependencies, and waits for
    /// each up to its time limit. A background check is waited for until its first result only; if its initial delay is
    /// longer than its time limit, it is reported as "not run yet". The same `Arc` while nothing changes.
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

    /// Returns the results of some checks that are known when the budget is over. `None` waits for all results.
    ///
    /// If a run is still in progress then, the report has the last result of its check, marked as stale. That ends once the
    /// run has taken longer than its timeout (5 s if it has none or couldn't start), or the last result is older than TTL +
    /// timeout + 60 s: then the check fails, "no result for 12.3 s, still running". During its first run a check reads "not
    /// run yet, running for 0.8 s". The run goes on, and a later report gets its result.
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
        // Boxed here, since every crate that awaits a future by its type compiles the whole of it.
        let settled: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(self.core.settled(selection, budget.into(), self.runtime.as_ref()));
        settled.await
    }

    /// Returns the last result of each check, of any age, without running or awaiting anything. A result older than its TTL
    /// is marked as stale; its age never makes it fail. A check without a result is "not run yet", which passes in liveness.
    ///
    /// # Errors
    /// The selection names a check or tag that doesn't exist (in its probe).
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

    /// Makes these checks due, and the sections of the health report: the next report runs them again. Background checks are
    /// run at once. A startup check that has passed stays passed. If a run is in progress, its result is the new one.
    ///
    /// # Errors
    /// The selection names a check or tag that doesn't exist (in its probe).
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

    /// Adds a check at run time, by the rules of [`HealthCheckBuilder::build`](crate::HealthCheckBuilder::build). The
    /// builder's settings apply to it.
    ///
    /// # Errors
    /// Its name is taken or invalid, its options contradict each other, it depends on an unknown check, or the dependencies
    /// would be a circle.
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
        // The function stays here, so that a check that is refused is dropped without the lock.
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

    /// Removes a check at run time. Returns whether there was a check of that name.
    ///
    /// A run in progress is ended, and its result is never shown. The history and the metrics of the check end. Checks that
    /// depend on it run without it, and every report has a warning about that.
    #[allow(clippy::must_use_candidate, reason = "the check is gone either way")]
    pub fn remove(&self, name: &str) -> bool {
        self.core.runner.remove(name, false)
    }

    /// Returns the report without running or awaiting anything. `Some` while no check is due, and the same `Arc` while
    /// nothing changes. It is also `None` if the selection names an unknown check or tag, and before the background checks
    /// have started.
    #[must_use]
    pub fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        self.core.fresh(selection)
    }

    /// Returns the same checks, to be run on this runtime for every caller. So a server with a runtime of its own doesn't
    /// run the application's checks there. The runtime needs time enabled.
    ///
    /// While the runtime is blocked, you still get a report, on time. Once it is gone, due checks fail, "its runtime was
    /// shut down".
    #[must_use]
    pub fn on_runtime(&self, handle: Handle) -> Self {
        Self {
            core: Arc::clone(&self.core),
            runtime: Some(handle),
        }
    }

    /// The runtime that [`on_runtime`](Self::on_runtime) set. `None`: that of the first caller.
    #[must_use]
    pub const fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }

    /// Returns a builder of the environment page, with the values that were provided to this one and its rules of what to
    /// hide.
    pub fn environment(&self) -> EnvironmentDumpBuilder {
        EnvironmentDumpBuilder::of(
            self.core.provided.clone(),
            self.core.redaction.clone(),
            self.runtime.clone(),
            Some(self.core.defaults.timeout),
        )
    }

    /// The name, description, source location and options of each check, by name. Runs nothing.
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

    /// Starts the background checks now, instead of with the first report. They run on the current runtime, or on that of
    /// [`on_runtime`](Self::on_runtime). Without a runtime it does nothing.
    pub fn start(&self) {
        if let Some(handle) = self.runtime.clone().or_else(|| Handle::try_current().ok()) {
            self.core.runner.start_loops(Place {
                handle: &handle,
                chosen: self.runtime.is_some(),
            });
        }
    }

    /// The last 32 transitions of each check and of the whole, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Transition> {
        self.core.runner.read(World::history)
    }

    /// Adds a sentence to the `warnings` of every later report: something to know that no check reports. It is redacted. A
    /// sentence that is there already isn't added again. The last 64 are kept.
    pub fn add_warning(&self, text: impl Into<String>) {
        let runner = &self.core.runner;
        let text = runner.redaction.text(&text.into()).into_owned();
        runner.step(Event::Warned(text));
    }

    /// The version of the running binary's package. `None` if that package has no annotated function.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        register::own_package().map(|(_, version)| version)
    }

    /// Returns the counters of the metrics: runs and transitions of each check since the start, and runs that are stuck now.
    /// It runs no check.
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

/// Shutting down, and maintenance.
impl HealthCheck {
    /// Fails readiness, "shutting down", for the rest of the process. The other probes go on.
    pub fn begin_shutdown(&self) {
        // Readiness fails before those are woken who wait for it.
        self.core().runner.step(Event::Drain);
        self.core().drain.begin();
    }

    /// Whether [`begin_shutdown`](Self::begin_shutdown) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core().drain.has_begun()
    }

    /// Completes once [`begin_shutdown`](Self::begin_shutdown) was called, on any clone.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.is_under_way().await }
    }

    /// Completes once draining has begun and its [`shutdown_delay`](Self::shutdown_delay) is over. Then your own server stops
    /// accepting connections.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use healthcheck::HealthCheck;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// # health.set_shutdown_delay(Duration::from_millis(1));
    /// // As in `axum::serve(listener, app).with_graceful_shutdown(health.drained())`.
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

    /// Sets how long the service goes on answering after [`begin_shutdown`](Self::begin_shutdown), so that load balancers
    /// notice. Default: 5 s.
    pub fn set_shutdown_delay(&self, delay: Duration) {
        self.core().drain.set_delay(delay);
    }

    /// How long the service goes on answering after [`begin_shutdown`](Self::begin_shutdown).
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        self.core().drain.delay()
    }

    /// Ends the drain before its delay is over, so that [`drained`](Self::drained) completes.
    pub fn end_drain(&self) {
        self.core().drain.end();
    }

    /// Fails readiness, "maintenance: …", until [`end_maintenance`](Self::end_maintenance). The reason is redacted. Another
    /// call changes the reason.
    pub fn begin_maintenance(&self, reason: impl Into<String>) {
        let runner = &self.core().runner;
        let reason = runner.redaction.text(&reason.into()).into_owned();
        runner.step(Event::Maintenance(Some(reason)));
    }

    /// Ends the maintenance that [`begin_maintenance`](Self::begin_maintenance) began.
    pub fn end_maintenance(&self) {
        self.core().runner.step(Event::Maintenance(None));
    }

    /// The reason of the maintenance. `None` if there is none.
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
