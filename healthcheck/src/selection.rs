use std::time::Duration;

use crate::model::CheckOptions;

/// Which checks a report is about, and how fresh their results must be.
///
/// A probe (or all checks), within it the named checks and tags united, less the excluded ones.
///
/// ```
/// use healthcheck::Selection;
///
/// let cache_only = Selection::readiness().with_tag("cache").exclude("redis");
/// let two = Selection::checks(["database", "queue"]);
/// # let _ = (cache_only, two);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Selection {
    pub(crate) scope: Scope,
    /// `None`: everything in the scope.
    pub(crate) chosen: Option<Vec<Choice>>,
    pub(crate) excluded: Vec<String>,
    pub(crate) max_age: Option<MaxAge>,
    /// One check asked for by its path: without the sections, and readiness is that of this check alone.
    pub(crate) alone: bool,
    /// One section of the environment page, and no other.
    pub(crate) section: Option<String>,
}

/// All checks, or those of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Liveness,
    Readiness,
    Startup,
}

impl Scope {
    pub(crate) const EVERY: [Self; 4] = [Self::All, Self::Liveness, Self::Readiness, Self::Startup];

    /// Whether a check with these options belongs to it.
    pub(crate) const fn has(self, options: &CheckOptions) -> bool {
        match self {
            Self::All => true,
            Self::Liveness => options.liveness,
            Self::Readiness => options.readiness,
            Self::Startup => options.startup,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    Check(String),
    Tag(String),
}

/// For how long a result may count as fresh where nobody set the check's TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxAge {
    pub(crate) pass: Duration,
    pub(crate) fail: Duration,
}

impl Selection {
    /// Every check.
    pub const fn all() -> Self {
        Self::of(Scope::All)
    }

    /// The checks of the liveness probe.
    pub const fn liveness() -> Self {
        Self::of(Scope::Liveness)
    }

    /// The checks of the readiness probe, among them all that name no probe.
    pub const fn readiness() -> Self {
        Self::of(Scope::Readiness)
    }

    /// The checks of the startup probe.
    pub const fn startup() -> Self {
        Self::of(Scope::Startup)
    }

    /// The checks of these names; an unknown one makes the report a [`SelectionError`](crate::SelectionError).
    pub fn checks(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let chosen = names.into_iter().map(|name| Choice::Check(name.into())).collect();
        Self {
            chosen: Some(chosen),
            ..Self::all()
        }
    }

    /// The checks with this tag; an unknown one makes the report a [`SelectionError`](crate::SelectionError).
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::all().with_tag(tag)
    }

    /// Chooses one check more, within the probe.
    pub fn with_check(self, name: impl Into<String>) -> Self {
        self.with(Choice::Check(name.into()))
    }

    /// Chooses the checks with one tag more, within the probe.
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        self.with(Choice::Tag(tag.into()))
    }

    /// Leaves one check out; an unknown name is a warning in the report.
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    /// One check by itself, as `GET /readyz/database` asks for it: without sections, and without the reasons
    /// (shutting down, maintenance, starting) that concern readiness as a whole.
    pub fn only(self, name: impl Into<String>) -> Self {
        Self {
            alone: true,
            ..self.with_check(name)
        }
    }

    /// How old a passing and a failing result may be where nobody set the check's TTL. Default: its TTL.
    pub fn max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = Some(MaxAge { pass, fail });
        self
    }

    /// One section, of a page that has no checks.
    pub(crate) fn section(name: &str) -> Self {
        Self {
            section: Some(name.to_owned()),
            ..Self::all()
        }
    }

    /// Whether it is a whole probe, or all checks: the few that are worth keeping a report of.
    pub(crate) const fn is_whole(&self) -> bool {
        self.chosen.is_none() && self.excluded.is_empty() && !self.alone && self.section.is_none()
    }

    const fn of(scope: Scope) -> Self {
        Self {
            scope,
            chosen: None,
            excluded: Vec::new(),
            max_age: None,
            alone: false,
            section: None,
        }
    }

    fn with(mut self, choice: Choice) -> Self {
        self.chosen.get_or_insert_default().push(choice);
        self
    }
}
