use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{CheckInfo, CheckOptions};
use crate::outcome::IntoOutcome;
use crate::run::Run;

/// A check that you build in code, without the attribute `#[health_check]`.
///
/// [`HealthCheckBuilder::check`](crate::HealthCheckBuilder::check) adds the check to a
/// [`HealthCheck`](crate::HealthCheck), which is the set of all checks of a service.
///
/// # Which options
/// This table shows which option a check needs. Read the first column from the top, and stop at the first row that
/// describes what your check looks at.
///
/// | the check looks at | option | effect of a failure |
/// |---|---|---|
/// | something that all instances of the service share: a database, DNS | [`external`](Self::external) | Readiness is degraded, so every instance stays in the load balancer. `/healthcheck` fails, so monitors see the failure. |
/// | something that only a restart repairs: a deadlock | [`liveness`](Self::liveness) | The orchestrator restarts the process. |
/// | something that the service needs once, at the start: migrations | [`startup`](Self::startup) | The instance isn't ready until the check has passed. |
/// | something that the service can work without: a cache | [`critical(false)`](Self::critical) | The overall status is degraded, and the HTTP status is still 200. |
/// | anything else that belongs to this instance alone: its disk | no option | Readiness fails, and the load balancer removes this instance only. |
///
/// With [`fail_after`](Self::fail_after), reports show a short failure, such as during a failover, as a warning.
///
/// ```
/// use std::time::Duration;
/// use healthcheck::{Check, HealthCheck};
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder()
///     .check(Check::new("queue", async || Ok::<_, std::io::Error>("short")).timeout(Duration::from_secs(1)))
///     .check(Check::blocking("disk", || (true, "40 % free")).tags(["system"]).critical(false))
///     .build()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a check runs once it is given to `HealthCheck::builder().check(…)`"]
pub struct Check {
    pub(crate) info: CheckInfo,
    pub(crate) run: Run,
}

impl Check {
    /// Returns an async check that calls `check` for each run.
    ///
    /// Each run is a tokio task. By default, the task uses the runtime of the caller that starts the run.
    /// [`HealthCheck::on_runtime`](crate::HealthCheck::on_runtime) sets another runtime.
    ///
    /// If a run exceeds its timeout (default: 5 s), the run fails and its future is dropped.
    ///
    /// The name must be unique. It must not be empty, `.`, `..`, `history` or `openapi.json`. It must not begin or end
    /// with a space, and must not contain `/`, `?` or a control character.
    ///
    /// If the name breaks one of these rules, building the `HealthCheck` returns a [`BuildError`](crate::BuildError).
    #[track_caller]
    pub fn new<F, Fut>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome> + Send + 'static,
    {
        let run = Run::AsyncWith(Arc::new(move || {
            let running = check();
            Box::pin(async move { running.await.into_outcome() })
        }));
        Self::by_hand(name.into(), run, Location::caller())
    }

    /// Returns a sync check that calls `check` for each run.
    ///
    /// Each run has its own thread. At most 64 sync runs of one `HealthCheck` use a thread at the same time.
    ///
    /// If a run exceeds its timeout (default: 5 s), the run fails. The check isn't run again until the stuck call of
    /// `check` returns. The stuck thread doesn't count towards the 64, and doesn't keep the process from exiting.
    #[track_caller]
    pub fn blocking<F, T>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome,
    {
        let run = Run::BlockingWith(Arc::new(move || check().into_outcome()));
        Self::by_hand(name.into(), run, Location::caller())
    }

    /// Returns an async check with a state, such as a client. Each run gets a clone of `state`. In all other respects
    /// the check works like one of [`Check::new`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// let waiting = Arc::new(AtomicUsize::new(0));
    /// let queue = Check::with("queue", waiting, |waiting| async move {
    ///     let waiting = waiting.load(Ordering::Relaxed);
    ///     (waiting < 1_000, format!("{waiting} messages are waiting"))
    /// });
    /// let health = HealthCheck::builder().check(queue).build()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn with<S, F, Fut>(name: impl Into<String>, state: S, check: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome> + Send + 'static,
    {
        Self::new(name, move || check(state.clone()))
    }

    /// Returns a sync check with a state, such as a path. Each run gets a clone of `state`. In all other respects the
    /// check works like one of [`Check::blocking`].
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use healthcheck::{Check, HealthCheck};
    ///
    /// # fn main() -> Result<(), healthcheck::BuildError> {
    /// let licence = Check::blocking_with("licence", PathBuf::from("/etc/licence"), |path| {
    ///     std::fs::read_to_string(path).map(drop)
    /// });
    /// let health = HealthCheck::builder().check(licence).build()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn blocking_with<S, F, T>(name: impl Into<String>, state: S, check: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> T + Send + Sync + 'static,
        T: IntoOutcome,
    {
        Self::blocking(name, move || check(state.clone()))
    }

    fn by_hand(name: String, run: Run, at: &'static Location<'static>) -> Self {
        let info = CheckInfo::by_hand(name, at);
        Self { info, run }
    }

    const fn options(&mut self) -> &mut CheckOptions {
        self.info.options_mut()
    }

    /// Adds the check to the liveness probe. If the probe keeps failing, the orchestrator restarts the process.
    pub const fn liveness(mut self) -> Self {
        self.options().liveness = true;
        self
    }

    /// Adds the check to the readiness probe. A check that you add to no probe belongs to the readiness probe anyway.
    pub const fn readiness(mut self) -> Self {
        self.options().readiness = true;
        self
    }

    /// Adds the check to the startup probe. Once the check has passed, the startup probe shows it as passed until the
    /// process ends, and doesn't run it again.
    ///
    /// Readiness fails with "starting" until every critical startup check has passed. If you override a check to pass,
    /// readiness treats the check as passed while the override lasts.
    pub const fn startup(mut self) -> Self {
        self.options().startup = true;
        self
    }

    /// Adds tags, by which a [`Selection`](crate::Selection) or the settings can select the check. An empty tag, or a
    /// tag with a control character, is a [`BuildError`](crate::BuildError).
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().tags, tags);
        self
    }

    /// Sets what a failure of this check does to the overall status. With `true` (the default), the overall status
    /// fails. With `false`, the overall status is only degraded.
    ///
    /// By default, a failure of an [`external`](Self::external) check only degrades readiness. If you set `true` for an
    /// external check, its failure makes readiness fail.
    pub const fn critical(mut self, yes: bool) -> Self {
        self.options().set_critical(yes);
        self
    }

    /// Declares that the check looks at something outside of the process that other instances share, such as a
    /// database.
    ///
    /// A failure of an external check only degrades readiness. Otherwise the load balancer would remove every instance,
    /// which repairs nothing. If you also set [`critical(true)`](Self::critical), a failure fails readiness.
    ///
    /// An external check in the liveness probe is a [`BuildError`](crate::BuildError), because a restart repairs
    /// nothing outside of the process.
    pub const fn external(mut self) -> Self {
        self.options().external = true;
        self
    }

    /// Sets the time limit for each run; `None` means no limit. Default: the builder's
    /// [`timeout`](crate::HealthCheckBuilder::timeout), which is 5 s unless you change it.
    ///
    /// A limit of zero is a [`BuildError`](crate::BuildError).
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options().timeout = Some(limit.into());
        self
    }

    /// Sets how long a pass or warning is cached; `None` means that it isn't cached. Default: the builder's
    /// [`success_ttl`](crate::HealthCheckBuilder::success_ttl), which is 27 s unless you change it.
    pub fn success_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().success_ttl = Some(ttl.into());
        self
    }

    /// Sets how long a failure is cached; `None` means that it isn't cached. Default: the builder's
    /// [`failed_ttl`](crate::HealthCheckBuilder::failed_ttl), which is 9 s unless you change it.
    pub fn failed_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().failed_ttl = Some(ttl.into());
        self
    }

    /// Runs the check in the background at this interval, which varies by ± 10 %. A request doesn't run the check: it
    /// reads the check's last result.
    ///
    /// If the last result is older than two intervals plus the timeout, the check fails with "stale". For a check
    /// without a timeout, this limit is three intervals.
    ///
    /// The background loop starts with the first report or with [`HealthCheck::start`](crate::HealthCheck::start). The
    /// loop ends when the last clone of the [`HealthCheck`](crate::HealthCheck) is dropped.
    ///
    /// An interval of zero is a [`BuildError`](crate::BuildError). A TTL on a check with an interval is a `BuildError`
    /// too.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.options().interval = Some(interval);
        self
    }

    /// Delays the first background run by this time, ± 10 %, after the start of the background loop. By default the
    /// first run begins immediately.
    ///
    /// Until the first run has ended, the check fails with "not run yet". A report waits for the first run, but not
    /// longer than the check's timeout.
    ///
    /// A delay of zero is a [`BuildError`](crate::BuildError). A delay on a check without an interval is a `BuildError`
    /// too.
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.options().initial_delay = Some(delay);
        self
    }

    /// Sets how many runs in a row must fail before reports show the check as failing. Default: 1. A value of 0 is a
    /// [`BuildError`](crate::BuildError).
    ///
    /// Before the check's first pass, a single failure is shown immediately. If a run times out and stays stuck, the
    /// check fails even below the threshold.
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.options().failure_threshold = runs;
        self
    }

    /// Sets how many runs in a row must pass before reports show a failing check as passing again. Default: 1. A value
    /// of 0 is a [`BuildError`](crate::BuildError).
    ///
    /// The check's very first pass is always shown immediately.
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.options().success_threshold = runs;
        self
    }

    /// Sets how many runs in a row must warn before reports show a passing check as a warning. Default: 1. A value of 0
    /// is a [`BuildError`](crate::BuildError).
    ///
    /// This threshold suits a check whose value oscillates around its limit. The threshold applies only after the
    /// check's first pass.
    pub const fn warn_threshold(mut self, runs: u32) -> Self {
        self.options().warn_threshold = runs;
        self
    }

    /// Shows a failure as a warning until the check has failed for this long without a pass.
    ///
    /// `fail_after` suits a dependency that recovers by itself, such as a database during a failover.
    ///
    /// While a failure is shown as a warning, the output reads "failing for 12 s, fails after 60 s: …". After a pass,
    /// the time begins again with the next failure.
    ///
    /// By default, no failure is shown as a warning. A time of zero is a [`BuildError`](crate::BuildError).
    ///
    /// Before the check's first pass, a failure is shown as a failure immediately. If you also set
    /// [`failure_threshold`](Self::failure_threshold), both options apply.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use healthcheck::Check;
    ///
    /// let database = Check::new("database", async || true).fail_after(Duration::from_secs(60));
    /// # let _ = database;
    /// ```
    pub const fn fail_after(mut self, time: Duration) -> Self {
        self.options().fail_after = Some(time);
        self
    }

    /// Adds dependencies: checks that must pass before this check is run.
    ///
    /// While a dependency fails, this check isn't run. Instead, it fails with the output "blocked by" and the name of
    /// the dependency.
    ///
    /// The timeout of this check begins after the runs of its dependencies have ended. If this check fails, its
    /// dependencies are run again.
    ///
    /// An unknown name or a cycle is a [`BuildError`](crate::BuildError).
    pub fn depends_on(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().depends_on, names);
        self
    }

    /// Sets the owner of the check, such as a team. While the check doesn't pass, reports show the owner. An empty
    /// text, or a text with a control character, is a [`BuildError`](crate::BuildError).
    ///
    /// ```
    /// use healthcheck::Check;
    ///
    /// let database = Check::new("database", async || true)
    ///     .owner("the storage team")
    ///     .runbook("https://runbooks.example/database")
    ///     .when_it_fails("A failover takes 40 s: wait.\nLonger: page the storage team.");
    /// # let _ = database;
    /// ```
    pub fn owner(mut self, text: impl Into<String>) -> Self {
        self.options().set_owner(Cow::Owned(text.into()));
        self
    }

    /// Sets the address of a page that explains how to repair a failure. While the check doesn't pass, reports show the
    /// address. An empty text, or a text with a control character, is a [`BuildError`](crate::BuildError).
    pub fn runbook(mut self, text: impl Into<String>) -> Self {
        self.options().set_runbook(Cow::Owned(text.into()));
        self
    }

    /// Sets instructions for a failure, on any number of lines. While the check doesn't pass, reports show the
    /// instructions.
    pub fn when_it_fails(mut self, text: impl Into<String>) -> Self {
        self.options().set_when_it_fails(Cow::Owned(text.into()));
        self
    }

    /// Sets the description of the check: one paragraph about the thing that the check looks at.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.info.describe(text.into());
        self
    }
}

fn append(list: &mut Box<[Cow<'static, str>]>, more: impl IntoIterator<Item = impl Into<String>>) {
    let kept = std::mem::take(list).into_iter();
    *list = kept
        .chain(more.into_iter().map(|one| Cow::Owned(one.into())))
        .collect();
}
