use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{CheckInfo, CheckOptions};
use crate::outcome::IntoOutcome;
use crate::run::Run;

/// One check, written by hand instead of with `#[health_check]`. The set of all checks is
/// [`HealthCheck`](crate::HealthCheck).
///
/// # Which options
/// Ask what fails. The first yes decides; without one no option is needed.
///
/// | what fails | option | what its failure does |
/// |---|---|---|
/// | something that other instances share: a database, DNS | [`external`](Self::external) | readiness degrades: no instance leaves the load balancer; `/healthcheck` fails, so that monitors see it |
/// | something that only a restart repairs: a deadlock | [`liveness`](Self::liveness) | the process is restarted |
/// | something that is needed once, at the start: migrations | [`startup`](Self::startup) | the instance isn't ready until it has passed |
/// | something that the service works without: a cache | [`critical(false)`](Self::critical) | the whole is degraded, and answers 200 |
/// | anything else of this instance alone: a full disk | none | readiness fails: this instance leaves, the others stay |
///
/// [`fail_after`](Self::fail_after) rides out a failover.
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
    /// Its name is unique. It isn't empty, `.`, `..`, `history` or `openapi.json`, it doesn't begin or end with a space, and
    /// it has no `/`, no `?` and no control character. Any other name is a [`BuildError`](crate::BuildError).
    ///
    /// A run is a task on the runtime of its first caller, or on that of
    /// [`HealthCheck::on_runtime`](crate::HealthCheck::on_runtime). When its timeout (5 s) is over, it is dropped.
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
    /// A run has a thread of its own; at most 64 run at once. A run that is stuck beyond its timeout (5 s) no longer counts
    /// as one of the 64. Its check isn't run again until it returns, and it doesn't delay the end of the process.
    #[track_caller]
    pub fn blocking<F, T>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome,
    {
        let run = Run::BlockingWith(Arc::new(move || check().into_outcome()));
        Self::by_hand(name.into(), run, Location::caller())
    }

    /// Returns an async check with a state, such as a client. Each run gets a clone of the state. Otherwise as
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

    /// Returns a sync check with a state. Each run gets a clone of the state. Otherwise as [`Check::blocking`].
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

    /// Adds it to the liveness probe: if it fails for long, the process is restarted.
    pub const fn liveness(mut self) -> Self {
        self.options().liveness = true;
        self
    }

    /// Adds it to the readiness probe. A check without any probe belongs to it too.
    pub const fn readiness(mut self) -> Self {
        self.options().readiness = true;
        self
    }

    /// Adds it to the startup probe. Once it has passed, it stays passed there and isn't run for this probe again. Until
    /// every critical startup check has passed, or is overridden as passing, readiness fails, "starting".
    pub const fn startup(mut self) -> Self {
        self.options().startup = true;
        self
    }

    /// Adds tags, by which requests select it. An empty tag, or one with a control character, is a
    /// [`BuildError`](crate::BuildError).
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().tags, tags);
        self
    }

    /// Whether its failure fails the whole (default) or degrades it. With `true` the failure of an
    /// [`external`](Self::external) check fails readiness too.
    pub const fn critical(mut self, yes: bool) -> Self {
        self.options().set_critical(yes);
        self
    }

    /// It tests something outside the process that other instances share.
    ///
    /// Its failure degrades readiness instead of failing it, since taking every instance out of rotation repairs nothing;
    /// with [`critical(true)`](Self::critical) it fails readiness too. It can't be a liveness check, since a restart doesn't
    /// repair it.
    pub const fn external(mut self) -> Self {
        self.options().external = true;
        self
    }

    /// How long a run may take. `None`: no limit. Default: the builder's, 5 s. Zero is a
    /// [`BuildError`](crate::BuildError).
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options().timeout = Some(limit.into());
        self
    }

    /// How long a pass or a warning is cached. `None`: not cached. Default: the builder's, 27 s.
    pub fn success_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().success_ttl = Some(ttl.into());
        self
    }

    /// How long a failure is cached. `None`: not cached. Default: the builder's, 9 s.
    pub fn failed_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.options().failed_ttl = Some(ttl.into());
        self
    }

    /// Runs it in the background that often, ± 10 %. Requests read the last result.
    ///
    /// A result is a failure, "stale", once it is older than two intervals and the timeout, or three intervals if there is
    /// no timeout. The background runs begin with the first report or with
    /// [`HealthCheck::start`](crate::HealthCheck::start), and end with the last clone of the
    /// [`HealthCheck`](crate::HealthCheck). Zero is a [`BuildError`](crate::BuildError), and so is a TTL beside an interval.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.options().interval = Some(interval);
        self
    }

    /// How long after the start its first background run begins, ± 10 %. Default: at once.
    ///
    /// Until that run has ended the check fails, "not run yet", and fails the probes for which it is critical. A report
    /// waits for it no longer than its timeout. Zero is a [`BuildError`](crate::BuildError), and so is a delay without an
    /// interval.
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.options().initial_delay = Some(delay);
        self
    }

    /// How many runs in a row have to fail before it is shown as failing. Default: 1. It applies after the first pass, and
    /// not to a run that stays stuck. 0 is a [`BuildError`](crate::BuildError).
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.options().failure_threshold = runs;
        self
    }

    /// How many runs in a row have to pass before it is shown as passing again. Default: 1. It applies after the
    /// first pass. 0 is a [`BuildError`](crate::BuildError).
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.options().success_threshold = runs;
        self
    }

    /// How many runs in a row have to warn before it is shown as a warning instead of as passing: for a value that swings
    /// around its limit. Default: 1. It applies after the first pass. 0 is a [`BuildError`](crate::BuildError).
    pub const fn warn_threshold(mut self, runs: u32) -> Self {
        self.options().warn_threshold = runs;
        self
    }

    /// Shows a failure as a warning, "failing for 12 s, fails after 60 s: …", until the check has failed for that long
    /// without a pass in between. Default: a failure fails at once.
    ///
    /// It is for a dependency that recovers by itself, like a database during a failover. It applies after the first pass
    /// and in addition to [`failure_threshold`](Self::failure_threshold). A pass ends it. Zero is a
    /// [`BuildError`](crate::BuildError).
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

    /// The checks that have to pass before this one is run. While one of them fails, this one isn't run and fails, "blocked
    /// by" that one.
    ///
    /// It is run after them, and its timeout begins then. If it fails, they are run once more. An unknown name and a circle
    /// are a [`BuildError`](crate::BuildError).
    pub fn depends_on(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.options().depends_on, names);
        self
    }

    /// The team to call. Shown while the check doesn't pass. An empty text, or one with a control
    /// character, is a [`BuildError`](crate::BuildError).
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

    /// The address of the page that says what to do when it fails. Shown while the check doesn't pass. An empty text, or
    /// one with a control character, is a [`BuildError`](crate::BuildError).
    pub fn runbook(mut self, text: impl Into<String>) -> Self {
        self.options().set_runbook(Cow::Owned(text.into()));
        self
    }

    /// What to do when it fails, on any number of lines. Shown while the check doesn't pass.
    pub fn when_it_fails(mut self, text: impl Into<String>) -> Self {
        self.options().set_when_it_fails(Cow::Owned(text.into()));
        self
    }

    /// One paragraph about what it tests.
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
