use std::time::Duration;

use crate::model::CheckOptions;

/// Selects the checks of a report, and sets how old their results may be.
///
/// A selection starts from all checks, or from the checks of one probe. If you add names or tags, only the checks with
/// one of these names or tags remain. Excluded checks are removed last.
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
    /// The selected names and tags; `None` means every check of the scope.
    pub(crate) chosen: Option<Vec<Choice>>,
    pub(crate) excluded: Vec<String>,
    pub(crate) max_age: Option<MaxAge>,
    /// Whether the selection is one check by itself, as in a request for `/readyz/database`. The report on such a
    /// selection has no sections. Its status ignores the reasons that make readiness as a whole fail, such as a
    /// shutdown.
    pub(crate) alone: bool,
    /// The name of the section of the environment page to collect; `None` means all sections.
    pub(crate) section: Option<String>,
}

/// The checks from which a selection starts: all checks, or the checks of one probe.
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

/// The maximum age of a passing and of a failing cached result. It applies only if no option, builder or setting sets
/// the check's TTL.
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

    /// Selects the checks of the readiness probe. A check that was added to no probe belongs to readiness.
    pub const fn readiness() -> Self {
        Self::of(Scope::Readiness)
    }

    /// Selects the checks of the startup probe.
    pub const fn startup() -> Self {
        Self::of(Scope::Startup)
    }

    /// Selects the checks with these names. If a name is unknown, a request for the report returns a
    /// [`SelectionError`](crate::SelectionError).
    pub fn checks(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let chosen = names.into_iter().map(|name| Choice::Check(name.into())).collect();
        Self {
            chosen: Some(chosen),
            ..Self::all()
        }
    }

    /// Selects the checks with this tag. If the tag is unknown, a request for the report returns a
    /// [`SelectionError`](crate::SelectionError).
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::all().with_tag(tag)
    }

    /// Adds the check with this name to the selected names and tags. If the selection has no names and tags yet, it has
    /// all checks of its probe. The first name or tag narrows the selection to the matching checks.
    pub fn with_check(self, name: impl Into<String>) -> Self {
        self.with(Choice::Check(name.into()))
    }

    /// Adds the checks with this tag to the selected names and tags. If the selection has no names and tags yet, it has
    /// all checks of its probe. The first name or tag narrows the selection to the matching checks.
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        self.with(Choice::Tag(tag.into()))
    }

    /// Excludes the check with this name. If the name is unknown, the report has a warning.
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    /// Selects one check by itself, as `GET /readyz/database` does. The report has no sections. The report's status
    /// ignores a shutdown, a maintenance and startup checks, because these concern readiness as a whole.
    pub fn only(self, name: impl Into<String>) -> Self {
        Self {
            alone: true,
            ..self.with_check(name)
        }
    }

    /// Sets the maximum age of passing and of failing results in the report. This maximum applies to checks with the
    /// default TTLs (27 s for a pass, 9 s for a failure). If an option, the builder or the settings set the TTL of a
    /// check, that TTL applies to the check instead.
    pub fn max_age(mut self, pass: Duration, fail: Duration) -> Self {
        self.max_age = Some(MaxAge { pass, fail });
        self
    }

    /// Selects one section of the environment page. An environment page has sections, but no checks.
    pub(crate) fn section(name: &str) -> Self {
        Self {
            section: Some(name.to_owned()),
            ..Self::all()
        }
    }

    /// Returns true if the selection has all checks, or all checks of one probe. We cache reports only on such
    /// selections.
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
