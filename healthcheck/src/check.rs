use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{CheckInfo, CheckOptions};
use crate::outcome::IntoOutcome;
use crate::run::Run;

/// One check that you build in code, in addition to the checks that `#[health_check]` registers. The set of all checks
/// is [`HealthCheck`](crate::HealthCheck).
///
/// # Which options
/// Find what the check looks at in the first column. The first row that matches decides.
///
/// | the check looks at | option | effect of a failure |
/// |---|---|---|
/// | something that other instances share: a database, DNS | [`external`](Self::external) | Readiness is degraded, so every instance stays in the load balancer. `/healthcheck` fails, so monitors see the failure. |
/// | something that only a restart repairs: a deadlock | [`liveness`](Self::liveness) | The orchestrator restarts the process. |
/// | something that the service needs once, at the start: migrations | [`startup`](Self::startup) | The instance isn't ready until the check has passed. |
/// | something that the service works without: a cache | [`critical(false)`](Self::critical) | The overall status is degraded, and the answer is still 200. |
/// | anything else of this instance alone: a full disk | none | Readiness fails: the load balancer removes this instance only. |
///
/// With [`fail_after`](Self::fail_after), a short failure such as a failover is only a warning.
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
    /// Returns an async check.
    ///
    /// Each run is a task on the runtime of its first caller, or on the runtime that
    /// [`HealthCheck::on_runtime`](crate::HealthCheck::on_runtime) sets. A run that exceeds its timeout (default: 5 s)
    /// fails, and its future is dropped.
    ///
    /// The name must be unique. It must not be empty, `.`, `..`, `history` or `openapi.json`. It must not begin or end
    /// with a space, and must not contain `/`, `?` or a control character. Building with any other name is a
    /// [`BuildError`](crate::BuildError).
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

    /// Returns a sync check.
    ///
    /// Each run has its own thread; at most 64 runs have one at once. A run that exceeds its timeout (default: 5 s) fails
    /// and no longer counts towards the 64. The check isn't run again until the stuck call returns. A stuck thread
    /// doesn't keep the process from exiting.
    #[track_caller]
    pub fn blocking<F, T>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome,
    {
        let run = Run::BlockingWith(Arc::new(move || check().into_outcome()));
        Self::by_hand(name.into(), run, Location::caller())
    }

    /// Returns an async check with a state, such as a client. Each run gets a clone of the state. Otherwise the same as
    /// [`Check::new`].
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

    /// Returns a sync check with a state. Each run gets a clone of the state. Otherwise the same as [`Check::blocking`].
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

    /// Adds the check to the readiness probe. A check without any probe belongs to readiness by default.
    pub const fn readiness(mut self) -> Self {
        self.options().readiness = true;
        self
    }

    /// Adds the check to the startup probe. Once the check has passed, the startup probe counts it as passed until the
    /// process ends, and doesn't run it again. Readiness fails with "starting" until every critical startup
    /// check has passed or is overridden with a pass.
    pub const fn startup(mut self) -> Self {
        self.options().startup = true;
        self
    }

    /// Adds tags to select the check by. An empty tag, or a tag with a control character, is a
    /// [`BuildError`](crate::BuildError).
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().tags, tags);
        self
    }

    /// Sets whether a failure of this check makes the overall status fail (`true`, the default) or only degrades it
    /// (`false`). For an [`external`](Self::external) check, `true` also lets a failure fail readiness.
    pub const fn critical(mut self, yes: bool) -> Self {
        self.options().set_critical(yes);
        self
    }

    /// Marks the check's subject as external: it is outside of the process, and other instances share it.
    ///
    /// A failure only degrades readiness, because taking every instance out of rotation repairs nothing. With
    /// [`critical(true)`](Self::critical) a failure fails readiness too. An external check can't be a liveness check,
    /// because a restart repairs nothing either; the two together are a [`BuildError`](crate::BuildError).
    pub const fn external(mut self) -> Self {
        self.options().external = true;
        self
    }

    /// Sets how long a run may take; `None` means no timeout. Default: the builder's
    /// [`timeout`](crate::HealthCheckBuilder::timeout), 5 s. Zero is a [`BuildError`](crate::BuildError).
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options().timeout = Some(limit.into());
        self
    }

    /// Sets how long a pass or warning is cached; `None` means not at all. Default: the builder's
    /// [`success_ttl`](crate::HealthCheckBuilder::success_ttl), 27 s.
    pub fn success_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().success_ttl = Some(ttl.into());
        self
    }

    /// Sets how long a failure is cached; `None` means not at all. Default: the builder's
    /// [`failed_ttl`](crate::HealthCheckBuilder::failed_ttl), 9 s.
    pub fn failed_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().failed_ttl = Some(ttl.into());
        self
    }

    /// Runs the check in the background at this interval, ± 10 %. Requests read the last result.
    ///
    /// A result that is older than two intervals plus the timeout counts as a failure, "stale". Without a timeout the
    /// limit is three intervals. The background loop starts with the first report or with
    /// [`HealthCheck::start`](crate::HealthCheck::start). It ends when the last clone of the
    /// [`HealthCheck`](crate::HealthCheck) is dropped. Zero is a [`BuildError`](crate::BuildError), and so is a TTL
    /// together with an interval.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.options().interval = Some(interval);
        self
    }

    /// Sets how long after the start of the background loop the first run begins, ± 10 %. Default: at once.
    ///
    /// Until the first run has ended, the check fails with "not run yet". A report waits for that run no longer than the
    /// check's timeout. Zero is a [`BuildError`](crate::BuildError), and so is a delay without an interval.
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.options().initial_delay = Some(delay);
        self
    }

    /// Sets how many runs in a row must fail before the check is shown as failing. Default: 1. The threshold applies only
    /// after the first pass. A run that stays stuck fails the check whatever the threshold is. 0 is a
    /// [`BuildError`](crate::BuildError).
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.options().failure_threshold = runs;
        self
    }

    /// Sets how many runs in a row must pass before a failing check is shown as passing again. Default: 1. The threshold
    /// applies only after the first pass. 0 is a [`BuildError`](crate::BuildError).
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.options().success_threshold = runs;
        self
    }

    /// Sets how many runs in a row must warn before a passing check is shown as a warning. This suits a value that
    /// swings around its limit. Default: 1. The threshold applies only after the first pass. 0 is a
    /// [`BuildError`](crate::BuildError).
    pub const fn warn_threshold(mut self, runs: u32) -> Self {
        self.options().warn_threshold = runs;
        self
    }

    /// Shows a failure as a warning until the check has failed for this long without a pass in between.
    ///
    /// This suits a dependency that recovers by itself, such as a database during a failover. The output reads
    /// "failing for 12 s, fails after 60 s: …". The option applies only after the first pass, and in addition to
    /// [`failure_threshold`](Self::failure_threshold). The next pass resets the time. Default: a failure is shown as a
    /// failure at once. Zero is a [`BuildError`](crate::BuildError).
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

    /// Names the checks that must pass before this check is run.
    ///
    /// While a dependency fails, this check isn't run and fails as "blocked by" that dependency. The timeout of this check
    /// begins after the runs of its dependencies have ended. If this check fails, its dependencies are run again. An unknown name or a
    /// cycle is a [`BuildError`](crate::BuildError).
    pub fn depends_on(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().depends_on, names);
        self
    }

    /// Sets the owner to contact. Reports show the owner while the check doesn't pass. An empty text, or a text with a
    /// control character, is a [`BuildError`](crate::BuildError).
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

    /// Sets the address of a page with instructions for a failure. Reports show the address while the check doesn't
    /// pass. An empty text, or a text with a control character, is a [`BuildError`](crate::BuildError).
    pub fn runbook(mut self, text: impl Into<String>) -> Self {
        self.options().set_runbook(Cow::Owned(text.into()));
        self
    }

    /// Sets instructions for a failure, on any number of lines. Reports show them while the check doesn't pass.
    pub fn when_it_fails(mut self, text: impl Into<String>) -> Self {
        self.options().set_when_it_fails(Cow::Owned(text.into()));
        self
    }

    /// Sets the description: one paragraph about the check's subject.
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
