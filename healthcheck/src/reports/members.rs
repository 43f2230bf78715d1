//! Which checks a selection means, and which are looked at for it.

use std::collections::{HashMap, HashSet};

use crate::clock::Now;
use crate::engine::Engine;
use crate::error::SelectionError;
use crate::health::Core;
use crate::outcome::Status;
use crate::selection::{Choice, Scope, Selection};

/// The checks that are told, and those that are looked at: these and what they depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) told: Vec<u32>,
    pub(super) looked_at: Vec<u32>,
    pub(super) warnings: Vec<String>,
}

impl Members {
    pub(super) fn of(engine: &Engine, told: Vec<u32>) -> Self {
        let mut looked_at = told.clone();
        let mut seen = vec![false; engine.slots.len()];
        let mut next = 0;
        for &index in &told {
            seen[index as usize] = true;
        }
        while let Some(&index) = looked_at.get(next) {
            next += 1;
            for &on in &engine.slot(index).depends_on {
                if !std::mem::replace(&mut seen[on as usize], true) {
                    looked_at.push(on);
                }
            }
        }
        Self {
            told,
            looked_at,
            warnings: Vec::new(),
        }
    }
}

impl Core {
    /// Everything to look at before the selection can be told.
    pub(super) fn looked_at<'a>(
        &'a self,
        selection: &Selection,
        members: &'a Members,
    ) -> impl Iterator<Item = u32> + 'a {
        // A startup check that has passed isn't run again for startup. Readiness waits for the others, so that no
        // startupProbe is needed.
        let (told, startup): (&[u32], &[u32]) = match selection.scope {
            Scope::Startup => (&[], &members.told),
            Scope::Readiness if !selection.alone => {
                (&members.looked_at, &self.reports.whole(Scope::Startup).told)
            }
            _ => (&members.looked_at, &[]),
        };
        let starting = startup.iter().copied().filter(|&index| self.is_starting(index));
        let missing = match starting.collect::<Vec<_>>() {
            none if none.is_empty() => none,
            some => Members::of(&self.engine, some).looked_at,
        };
        told.iter()
            .copied()
            .chain(missing)
            .filter(|&index| !self.engine.is_disabled(index))
    }

    /// Whether it is a startup check that hasn't passed yet.
    pub(super) fn is_starting(&self, index: u32) -> bool {
        let slot = self.engine.slot(index);
        slot.policy.latches && !slot.is_disabled() && slot.lock().latched.is_none()
    }

    /// Whether readiness has to wait for it: its failure would fail the startup probe.
    pub(super) fn keeps_starting(&self, index: u32, now: Now) -> bool {
        let slot = self.engine.slot(index);
        self.is_starting(index)
            && slot.check().is_some_and(|info| info.options().critical)
            && slot
                .lock()
                .mask(now)
                .is_none_or(|mask| mask.status == Status::Fail)
    }

    pub(super) fn members(
        &self,
        selection: &Selection,
    ) -> Result<std::borrow::Cow<'_, Members>, SelectionError> {
        use std::borrow::Cow;
        let probe = self.reports.whole(selection.scope);
        let mut there = Cow::Borrowed(&probe.told);
        if there.iter().any(|&index| self.engine.is_disabled(index)) {
            there.to_mut().retain(|&index| !self.engine.is_disabled(index));
        } else if selection.is_whole() {
            return Ok(Cow::Borrowed(probe));
        }
        let told = self.chosen(selection, &there)?;
        let observable = self.observable(selection.scope);
        let mut warnings = Vec::new();
        let mut excluded = HashSet::new();
        // Whoever asks says how much stands in a selection: each name is looked up once.
        for name in &selection.excluded {
            let is_new = excluded.insert(&**name);
            if is_new && self.named(&there, name).is_none() && !observable.contains(name) {
                warnings.push(format!("there is no check `{name}` to exclude"));
            }
        }
        let kept = told
            .into_iter()
            .filter(|&index| !excluded.contains(self.engine.slot(index).name()));
        let mut members = Members::of(&self.engine, kept.collect());
        if selection.scope == Scope::All && !selection.alone {
            members.looked_at.extend(self.reports.checks()..self.engine.len());
        }
        Ok(Cow::Owned(Members { warnings, ..members }))
    }

    /// The check of this name among those of a probe, which are sorted by name.
    pub(super) fn named(&self, among: &[u32], name: &str) -> Option<u32> {
        let found = among.binary_search_by(|&index| self.engine.slot(index).name().cmp(name));
        among.get(found.ok()?).copied()
    }

    /// What the named checks and tags unite to, within a probe.
    pub(super) fn chosen(&self, selection: &Selection, within: &[u32]) -> Result<Vec<u32>, SelectionError> {
        let Some(choices) = &selection.chosen else {
            return Ok(within.to_vec());
        };
        let info = |index: &u32| self.engine.slot(*index).check();
        let observable = self.observable(selection.scope);
        let mut taken = Vec::new();
        let (mut unknown_checks, mut unknown_tags) = (Vec::new(), Vec::new());
        let mut tagged: HashMap<&str, Vec<u32>> = HashMap::new();
        if choices.iter().any(|choice| matches!(choice, Choice::Tag(_))) {
            for index in within {
                for tag in info(index).into_iter().flat_map(|info| &info.options().tags) {
                    tagged.entry(tag).or_default().push(*index);
                }
            }
        }
        let mut seen = HashSet::new();
        for choice in choices.iter().filter(|&choice| seen.insert(choice)) {
            match choice {
                Choice::Check(name) => match self.named(within, name) {
                    Some(index) => taken.push(index),
                    None if observable.contains(name) => {}
                    None => unknown_checks.push(name.clone()),
                },
                Choice::Tag(tag) => match tagged.get(&**tag) {
                    Some(with_it) => taken.extend(with_it),
                    None => unknown_tags.push(tag.clone()),
                },
            }
        }
        if unknown_checks.is_empty() && unknown_tags.is_empty() {
            taken.sort_unstable();
            taken.dedup();
            return Ok(taken);
        }
        let mut known_checks: Vec<String> = within
            .iter()
            .map(|&index| self.engine.slot(index).name().to_owned())
            .chain(observable)
            .collect();
        known_checks.sort_unstable();
        let mut known_tags: Vec<String> = within
            .iter()
            .filter_map(info)
            .flat_map(|info| info.options().tags.iter().map(ToString::to_string))
            .collect();
        known_tags.sort_unstable();
        known_tags.dedup();
        Err(SelectionError {
            unknown_checks,
            unknown_tags,
            known_checks,
            known_tags,
        })
    }
}
