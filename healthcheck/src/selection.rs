use std::time::Duration;

use crate::model::CheckOptions;

/// Selects the checks of a report, and sets how old their results may be.
///
/// A selection starts from a probe, or from all checks. Names and tags narrow it to the checks with any of those names
/// or tags. Exclusions then remove checks.
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
    /// The chosen names and tags; `None` means every check in the scope.
    pub(crate) chosen: Option<Vec<Choice>>,
    pub(crate) excluded: Vec<String>,
    pub(crate) max_age: Option<MaxAge>,
    /// Whether the request is for one check by its own path. Such a report has no sections, and no reasons that concern
    /// readiness as a whole.
    pub(crate) alone: bool,
    /// The section of the environment page to collect; `None` means all sections.
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

    /// Returns true if a check with these options belongs to this scope.
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

/// How long a passing and a failing result may be cached if no option, builder or setting sets the check's TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxAge {
    pub(crate) pass: Duration,
    pub(crate) fail: Duration,
}

impl Selection {
    /// Selects every check.
    pub const fn all() -> Self {
        Self::of(Scope::All)
    }

    /// Selects the checks of the liveness probe.
    pub const fn liveness() -> Self {
        Self::of(Scope::Liveness)
    }

    /// Selects the checks of the readiness probe. Checks without any probe belong to it too.
    pub const fn readiness() -> Self {
        Self::of(Scope::Readiness)
    }

    /// Selects the checks of the startup probe.
    pub const fn startup() -> Self {
        Self::of(Scope::Startup)
    }

    /// Selects the checks with these names. For an unknown name, the report returns a
    /// [`SelectionError`](crate::SelectionError).
    pub fn checks(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let chosen = names.into_iter().map(|name| Choice::Check(name.into())).collect();
        Self {
            chosen: Some(chosen),
            ..Self::all()
        }
    }

    /// Selects the checks with this tag. For an unknown tag, the report returns a
    /// [`SelectionError`](crate::SelectionError).
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::all().with_tag(tag)
    }

    /// Adds one check of the probe to the chosen ones.
    pub fn with_check(self, name: impl Into<String>) -> Self {
        self.with(Choice::Check(name.into()))
    }

    /// Adds the probe's checks with this tag to the chosen ones.
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        self.with(Choice::Tag(tag.into()))
    }

    /// Excludes one check. For an unknown name, the report has a warning.
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    /// Selects one check by itself, as `GET /readyz/database` does. The report has no sections. Its status ignores
    /// shutdown, maintenance and starting, because these concern readiness as a whole.
    pub fn only(self, name: impl Into<String>) -> Self {
        Self {
            alone: true,
            ..self.with_check(name)
        }
    }

    /// Sets how old a passing and a failing result may be. It applies only to checks whose TTL isn't set by an option,
    /// the builder or the settings. Default: the default TTLs, 27 s and 9 s.
    pub fn max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = Some(MaxAge { pass, fail });
        self
    }

    /// Selects one section of the environment page, which has no checks.
    pub(crate) fn section(name: &str) -> Self {
        Self {
            section: Some(name.to_owned()),
            ..Self::all()
        }
    }

    /// Returns true if the selection is a whole probe or all checks. Only reports on these are cached.
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
