//! Finds the checks that a selection selects, and the checks whose results a report on the selection requires.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::World;
use super::id::CheckId;
use crate::error::SelectionError;
use crate::model::Shared;
use crate::selection::{Choice, Scope, Selection};

/// The checks that a report on a selection shows, and the checks whose results this report requires.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// The checks that the report shows, sorted by name.
    pub(crate) shown: Vec<CheckId>,
    /// The shown checks and all their dependencies in topological order, and after them the sections of the report.
    pub(super) required: Vec<CheckId>,
    pub(super) sections: Vec<CheckId>,
    pub(super) warnings: Vec<String>,
    /// The value of the `World`'s counter `population` when these members were selected. Adding or removing a check
    /// increments the counter. If the counter has another value now, the members are outdated.
    pub(super) population: u64,
}

impl Members {
    /// Returns the checks that the report shows, and after them the sections that it shows.
    pub(crate) fn all(&self) -> impl Iterator<Item = CheckId> {
        self.shown.iter().chain(&self.sections).copied()
    }
}

impl World {
    /// Returns the members of each of the four scopes: all checks, liveness, readiness and startup.
    pub(super) fn probes(&self) -> [Shared<Members>; Scope::EVERY.len()] {
        Scope::EVERY.map(|scope| {
            let belongs = |&id: &CheckId| {
                let options = self.check(id).info().map(|info| info.options());
                options.is_some_and(|options| scope.has(options))
            };
            let shown = self.by_name.iter().copied().filter(belongs).collect();
            Shared::new(self.members_of(shown, scope == Scope::All))
        })
    }

    fn members_of(&self, shown: Vec<CheckId>, with_sections: bool) -> Members {
        let sections = if with_sections {
            self.sections.clone()
        } else {
            Vec::new()
        };
        let required = self.with_dependencies(shown.clone());
        Members {
            required: required.into_iter().chain(sections.iter().copied()).collect(),
            shown,
            sections,
            warnings: Vec::new(),
            population: self.population,
        }
    }

    /// Returns these checks with all their direct and indirect dependencies. If at least one of the checks has
    /// dependencies, the returned list is sorted in topological order.
    pub(crate) fn with_dependencies(&self, mut checks: Vec<CheckId>) -> Vec<CheckId> {
        let mut seen: HashSet<CheckId> = HashSet::new();
        if checks.iter().any(|&id| !self.check(id).depends_on.is_empty()) {
            seen.extend(&checks);
            let mut next = 0;
            while let Some(&id) = checks.get(next) {
                next += 1;
                let on = self.check(id).depends_on.iter().copied();
                checks.extend(on.filter(|on| seen.insert(*on)));
            }
            checks.sort_unstable_by_key(|&id| self.check(id).rank);
        }
        checks
    }

    /// Returns true if no check was added or removed after these members were selected.
    pub(crate) fn is_current(&self, members: &Members) -> bool {
        members.population == self.population
    }

    /// Drops the checks that no longer exist, and sorts the other checks in topological order.
    pub(crate) fn sort_by_rank(&self, checks: &mut Vec<CheckId>) {
        checks.retain(|&id| self.get(id).is_some());
        checks.sort_unstable_by_key(|&id| self.check(id).rank);
    }

    /// Returns the members of a selection: the checks that a report on the selection shows, and the checks whose
    /// results this report requires.
    ///
    /// # Errors
    /// The selection names a check or tag that the selected probe doesn't have.
    pub(crate) fn members(&self, selection: &Selection) -> Result<Shared<Members>, SelectionError> {
        let probe = &self.probes[selection.scope as usize];
        if selection.is_whole() {
            return Ok(Shared::clone(probe));
        }
        let chosen = self.chosen(selection, &probe.shown)?;
        let mut warnings = Vec::new();
        let mut excluded = HashSet::new();
        // A client can exclude the same name arbitrarily often in one request, so we look each name up only once.
        for name in &selection.excluded {
            let is_new = excluded.insert(&**name);
            if is_new && !self.is_known(name, selection.scope, &probe.shown) {
                warnings.push(format!("there is no check `{name}` to exclude"));
            }
        }
        let kept = chosen
            .into_iter()
            .filter(|&id| !excluded.contains(self.check(id).name()));
        let with_sections = selection.scope == Scope::All && !selection.alone;
        let mut members = self.members_of(kept.collect(), with_sections);
        if let Some(name) = &selection.section {
            members.sections.retain(|&id| self.check(id).name() == name);
            members.required.clone_from(&members.sections);
        }
        Ok(Shared::new(Members { warnings, ..members }))
    }

    fn is_known(&self, name: &str, scope: Scope, within: &[CheckId]) -> bool {
        self.named(within, name).is_some()
            || scope == Scope::Liveness && self.observations.contains_key(name)
            || self.disabled.contains_key(name)
    }

    /// Finds a check by its name in the list `among`. This list has to be sorted by name.
    fn named(&self, among: &[CheckId], name: &str) -> Option<CheckId> {
        let found = among.binary_search_by(|&id| self.check(id).name().cmp(name));
        among.get(found.ok()?).copied()
    }

    /// Finds a check by its name among all checks.
    pub(crate) fn find(&self, name: &str) -> Option<CheckId> {
        self.named(&self.by_name, name)
    }

    /// Filters `within`, the list of the checks in the selection's probe. Returns the checks with a name or tag that
    /// the selection chooses.
    ///
    /// A report on a probe ignores the name of a disabled check instead of returning an error, because disabling a
    /// check must never make a probe fail.
    fn chosen(&self, selection: &Selection, within: &[CheckId]) -> Result<Vec<CheckId>, SelectionError> {
        let Some(choices) = &selection.chosen else {
            return Ok(within.to_vec());
        };
        let is_probe = selection.scope != Scope::All;
        let tags_of = |id: CheckId| {
            self.check(id)
                .info()
                .map_or(&[][..], |info| &info.options().tags[..])
        };
        let mut taken = Vec::new();
        let (mut unknown_checks, mut unknown_tags) = (Vec::new(), Vec::new());
        let mut tagged: HashMap<&str, Vec<CheckId>> = HashMap::new();
        if choices.iter().any(|choice| matches!(choice, Choice::Tag(_))) {
            for &id in within {
                for tag in tags_of(id) {
                    tagged.entry(tag).or_default().push(id);
                }
            }
            for tag in self
                .disabled
                .values()
                .filter(|_| is_probe)
                .flat_map(|info| &info.options().tags)
            {
                tagged.entry(tag).or_default();
            }
        }
        let mut seen = HashSet::new();
        for choice in choices.iter().filter(|&choice| seen.insert(choice)) {
            match choice {
                Choice::Check(name) => match self.named(within, name) {
                    Some(id) => taken.push(id),
                    None if selection.scope == Scope::Liveness && self.observations.contains_key(name) => {}
                    None if is_probe && self.disabled.contains_key(name) => {}
                    None => unknown_checks.push(name.clone()),
                },
                Choice::Tag(tag) => match tagged.get(&**tag) {
                    Some(with_it) => taken.extend(with_it),
                    None => unknown_tags.push(tag.clone()),
                },
            }
        }
        if unknown_checks.is_empty() && unknown_tags.is_empty() {
            // The caller needs a list that is sorted by name, as `Members::shown` is.
            taken.sort_unstable_by(|&one, &other| self.check(one).name().cmp(self.check(other).name()));
            taken.dedup();
            return Ok(taken);
        }
        let names = within.iter().map(|&id| self.check(id).name().to_owned());
        let mut known_checks: Vec<String> = names.collect();
        if selection.scope == Scope::Liveness {
            known_checks.extend(self.observations.keys().cloned());
        }
        known_checks.sort_unstable();
        let tags = within.iter().flat_map(|&id| tags_of(id));
        let mut known_tags: Vec<String> = tags.map(Cow::to_string).collect();
        known_tags.sort_unstable();
        known_tags.dedup();
        Err(SelectionError {
            unknown_checks,
            unknown_tags,
            known_checks,
            known_tags,
        })
    }

    /// Returns the members of a selection, and the checks and sections whose results a report on the selection
    /// requires.
    ///
    /// # Errors
    /// The selection names a check or tag that the selected probe doesn't have.
    pub(crate) fn required(
        &self,
        selection: &Selection,
    ) -> Result<(Shared<Members>, Vec<CheckId>), SelectionError> {
        let members = self.members(selection)?;
        let required = self.required_of(selection, &members).into_owned();
        Ok((members, required))
    }

    /// Returns the checks and sections whose results a report on the selection requires.
    ///
    /// For the startup probe, a report requires only the startup checks that haven't passed yet. For readiness, a
    /// report requires these startup checks in addition to the readiness checks. Readiness waits for the startup
    /// checks, so Kubernetes needs no separate `startupProbe`.
    pub(super) fn required_of<'a>(&self, selection: &Selection, members: &'a Members) -> Cow<'a, [CheckId]> {
        let startup: &[CheckId] = match selection.scope {
            Scope::Startup => &members.shown,
            Scope::Readiness if !selection.alone => &self.probes[Scope::Startup as usize].shown,
            Scope::All | Scope::Liveness | Scope::Readiness => &[],
        };
        let missing: Vec<CheckId> = startup
            .iter()
            .copied()
            .filter(|&id| self.check(id).latched.is_none())
            .collect();
        if selection.scope == Scope::Startup {
            return self.with_dependencies(missing).into();
        }
        if missing.is_empty() {
            return Cow::Borrowed(&members.required);
        }
        let mut all = members.required.clone();
        all.extend(missing);
        let mut seen = HashSet::new();
        all.retain(|id| seen.insert(*id));
        self.with_dependencies(all).into()
    }
}
