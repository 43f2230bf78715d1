use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::IntoOutcome;
use crate::registration::{CheckRegistration, RegisteredOptions};
use crate::run::Run;

/// What is known of a check without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckInfo {
    name: Cow<'static, str>,
    description: Cow<'static, str>,
    module: &'static str,
    file: &'static str,
    line: u32,
    options: CheckOptions,
}

impl CheckInfo {
    /// The name, unique in its registry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first paragraph of the function's doc comment.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        Some(&*self.description).filter(|text| !text.is_empty())
    }

    /// The module path of the function; empty for a check written by hand.
    #[must_use]
    pub const fn module(&self) -> &str {
        self.module
    }

    /// The file it stands in.
    #[must_use]
    pub const fn file(&self) -> &str {
        self.file
    }

    /// The line it stands on.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Its options, as they are in force: defaults, the attribute or [`Check`], then the settings.
    #[must_use]
    pub const fn options(&self) -> &CheckOptions {
        &self.options
    }

    /// The name, without a copy where it is an annotated function's.
    pub(crate) fn shared_name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub(crate) const fn options_mut(&mut self) -> &mut CheckOptions {
        &mut self.options
    }

    /// The same without its description: for those who aren't to see what somebody wrote.
    #[must_use]
    pub fn without_description(mut self) -> Self {
        self.description = Cow::Borrowed("");
        self
    }

    /// The description, where it was put together while the program ran.
    pub(crate) const fn own_description(&self) -> Option<&String> {
        match &self.description {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }

    pub(crate) fn describe(&mut self, text: String) {
        self.description = text.into();
    }

    pub(crate) fn registered(registration: &CheckRegistration) -> Self {
        Self {
            name: registration.name.into(),
            description: registration.description.into(),
            module: registration.origin.module,
            file: registration.origin.file,
            line: registration.origin.line,
            options: CheckOptions::registered(&registration.options),
        }
    }
}

/// The options of a check. Of the durations, `None` means that nobody set one and `Some(None)` is "none".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Belongs to the liveness probe.
    pub liveness: bool,
    /// Belongs to the readiness probe; so does a check that names no probe.
    pub readiness: bool,
    /// Belongs to the startup probe.
    pub startup: bool,
    /// Tags to select by.
    pub tags: Box<[Cow<'static, str>]>,
    /// Whether its failure fails the whole; default true. Otherwise it degrades it.
    pub critical: bool,
    /// Whether what it looks at lies outside of the process.
    pub external: bool,
    /// How long a run may take; `Some(None)`: as long as it likes.
    pub timeout: Option<Option<Duration>>,
    /// For how long a pass or warning is cached; `Some(None)`: not at all.
    pub success_ttl: Option<Option<Duration>>,
    /// For how long a failure is cached; `Some(None)`: not at all.
    pub failed_ttl: Option<Option<Duration>>,
    /// How often it is run in the background; `None`: when somebody asks.
    pub interval: Option<Duration>,
    /// How long after the start the first background run begins.
    pub initial_delay: Option<Duration>,
    /// How many runs in a row have to fail before it is shown as failing; default 1.
    pub failure_threshold: u32,
    /// How many runs in a row have to pass before it is shown as passing again; default 1.
    pub success_threshold: u32,
    /// The checks that have to pass before this one is run.
    pub depends_on: Box<[Cow<'static, str>]>,
}

impl CheckOptions {
    fn registered(options: &RegisteredOptions) -> Self {
        let borrowed = |names: &[&'static str]| names.iter().map(|&name| Cow::Borrowed(name)).collect();
        Self {
            liveness: options.liveness,
            readiness: options.readiness,
            startup: options.startup,
            tags: borrowed(options.tags),
            critical: options.critical,
            external: options.external,
            timeout: options.timeout,
            success_ttl: options.success_ttl,
            failed_ttl: options.failed_ttl,
            interval: options.interval,
            initial_delay: options.initial_delay,
            failure_threshold: options.failure_threshold,
            success_threshold: options.success_threshold,
            depends_on: borrowed(options.depends_on),
        }
    }
}

/// A check written by hand, beside those that `#[health_check]` registers.
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
    /// An async check. Its name is unique, isn't empty, `.`, `..`, `history` or `openapi.json`, begins and ends with no
    /// space, and has no `/`, no `?` and no control character; any other is a [`BuildError`](crate::BuildError). A run is a
    /// task on the runtime of whoever asks first, or on the one of
    /// [`HealthCheck::on_runtime`](crate::HealthCheck::on_runtime); past its time limit (5 s) it is dropped.
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

    /// A sync check. A run has a thread of its own, within a limit of 64 at once; one that is stuck past its time
    /// limit (5 s) counts no more, isn't started again until it returns, and doesn't hold the process' end up.
    #[track_caller]
    pub fn blocking<F, T>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome,
    {
        let run = Run::BlockingWith(Arc::new(move || check().into_outcome()));
        Self::by_hand(name.into(), run, Location::caller())
    }

    fn by_hand(name: String, run: Run, at: &'static Location<'static>) -> Self {
        let info = CheckInfo {
            name: name.into(),
            description: Cow::Borrowed(""),
            module: "",
            file: at.file(),
            line: at.line(),
            options: CheckOptions::registered(&RegisteredOptions::DEFAULT),
        };
        Self { info, run }
    }

    /// Puts it under the liveness probe: where it fails for long, the process is restarted.
    pub const fn liveness(mut self) -> Self {
        self.info.options.liveness = true;
        self
    }

    /// Puts it under the readiness probe, where a check that names no probe stands anyway.
    pub const fn readiness(mut self) -> Self {
        self.info.options.readiness = true;
        self
    }

    /// Puts it under the startup probe: once it has passed, that holds, and it isn't run for that again. Until every
    /// critical startup check has passed, or is overridden so, readiness fails, "starting".
    pub const fn startup(mut self) -> Self {
        self.info.options.startup = true;
        self
    }

    /// Adds tags to select it by. An empty one, or one with a control character, is a
    /// [`BuildError`](crate::BuildError).
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.info.options.tags, tags);
        self
    }

    /// Whether its failure fails the whole (default) or degrades it.
    pub const fn critical(mut self, yes: bool) -> Self {
        self.info.options.critical = yes;
        self
    }

    /// What it looks at lies outside of the process: it can't be a liveness check, since a restart won't repair it.
    pub const fn external(mut self) -> Self {
        self.info.options.external = true;
        self
    }

    /// How long a run may take; `None`: as long as it likes. Default: the builder's, 5 s. Zero is a
    /// [`BuildError`](crate::BuildError).
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.info.options.timeout = Some(limit.into());
        self
    }

    /// For how long a pass or warning is cached; `None`: not at all. Default: the builder's, 27 s.
    pub fn success_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.info.options.success_ttl = Some(ttl.into());
        self
    }

    /// For how long a failure is cached; `None`: not at all. Default: the builder's, 9 s.
    pub fn failed_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.info.options.failed_ttl = Some(ttl.into());
        self
    }

    /// Runs it in the background that often, ± 10 %; requests read the last result. A result older than two intervals and
    /// the time limit (5 s where it has none) is a failure, "stale". The loops begin with the first report or with
    /// [`HealthCheck::start`](crate::HealthCheck::start), and end with the last
    /// [`HealthCheck`](crate::HealthCheck). Zero, and a TTL beside it, are a [`BuildError`](crate::BuildError).
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.info.options.interval = Some(interval);
        self
    }

    /// How long after the start its first background run begins, ± 10 %. Default: at once. Until it has run it fails,
    /// "not run yet", and with it the probes that it is critical for; a report waits for it no longer than its time
    /// limit. Without an interval, or of zero, it is a [`BuildError`](crate::BuildError).
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.info.options.initial_delay = Some(delay);
        self
    }

    /// How many runs in a row have to fail before it is shown as failing. Default 1; holds after the first pass, and not
    /// for a run that stays stuck. 0 is a [`BuildError`](crate::BuildError).
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.info.options.failure_threshold = runs;
        self
    }

    /// How many runs in a row have to pass before it is shown as passing again. Default 1; holds after the first pass. 0
    /// is a [`BuildError`](crate::BuildError).
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.info.options.success_threshold = runs;
        self
    }

    /// The checks that have to pass before this one is run; while one fails it is "blocked by" that one. It is run after
    /// them, its time limit begins then, and where it fails they are looked at once more. An unknown name and a circle are
    /// a [`BuildError`](crate::BuildError).
    pub fn depends_on(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        append(&mut self.info.options.depends_on, names);
        self
    }

    /// One paragraph about what it looks at.
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
