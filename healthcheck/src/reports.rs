//! From a selection to a report: which checks, which of them are waited for, and the few reports worth keeping.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Map;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::clock::{self, Now, Until};
use crate::engine::attempt::is_inside_a_check;
use crate::engine::view::{Asked, NotRun};
use crate::engine::{Engine, Waited};
use crate::error::SelectionError;
use crate::health::Core;
use crate::outcome::Status;
use crate::report::{CheckResult, Overall, Overridden, Report};
use crate::selection::{Choice, MaxAge, Scope, Selection};

/// Who belongs to which probe, and the last report of each.
pub(crate) struct Reports {
    checks: u32,
    probes: [Members; Scope::EVERY.len()],
    kept: [RwLock<Option<Kept>>; Scope::EVERY.len()],
}

/// The checks that are told, and those that are looked at: these and what they depend on.
#[derive(Clone, Debug, Default)]
struct Members {
    told: Vec<u32>,
    looked_at: Vec<u32>,
    warnings: Vec<String>,
}

/// Until when what is known holds (`None`: something is due), as of which generation.
#[derive(Clone, Copy)]
struct Standing {
    generation: u64,
    until: Option<Until>,
}

#[derive(Clone)]
struct Kept {
    report: Arc<Report>,
    generation: u64,
    until: Until,
    max_age: Option<MaxAge>,
}

impl Reports {
    pub(crate) fn new(engine: &Engine, checks: usize) -> Self {
        let probes = Scope::EVERY.map(|scope| {
            let told = (0..).zip(&engine.slots).filter(|(_, slot)| {
                slot.check().is_some_and(|info| match scope {
                    Scope::All => true,
                    Scope::Liveness => info.options().liveness,
                    Scope::Readiness => info.options().readiness,
                    Scope::Startup => info.options().startup,
                })
            });
            let mut members = Members::of(engine, told.map(|(index, _)| index).collect());
            if scope == Scope::All {
                // The sections of the health body, which stand behind the checks.
                members
                    .looked_at
                    .extend(u32::try_from(checks).unwrap_or(u32::MAX)..engine.len());
            }
            members
        });
        Self {
            checks: u32::try_from(checks).unwrap_or(u32::MAX),
            probes,
            kept: std::array::from_fn(|_| RwLock::new(None)),
        }
    }

    pub(crate) const fn checks(&self) -> u32 {
        self.checks
    }

    fn whole(&self, scope: Scope) -> &Members {
        &self.probes[scope as usize]
    }

    fn load(&self, scope: Scope) -> Option<Kept> {
        self.kept[scope as usize]
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps the report, unless one that says the same is kept already: then that one is given.
    fn keep(&self, scope: Scope, kept: Kept, now: Now) -> Arc<Report> {
        let mut place = self.kept[scope as usize]
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(before) if before.holds(kept.generation, kept.max_age, now) => Arc::clone(&before.report),
            _ => Arc::clone(&place.insert(kept).report),
        }
    }
}

impl Kept {
    fn holds(&self, generation: u64, max_age: Option<MaxAge>, now: Now) -> bool {
        self.generation == generation && self.max_age == max_age && !self.until.passed(now)
    }
}

impl Members {
    fn of(engine: &Engine, told: Vec<u32>) -> Self {
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
    /// The report where nothing is due.
    pub(crate) fn fresh(&self, selection: &Selection) -> Option<Arc<Report>> {
        if self.engine.background.is_down() {
            return None;
        }
        let now = Now::read();
        if selection.is_whole() {
            let kept = self.reports.load(selection.scope);
            let generation = self.engine.generation();
            if let Some(kept) = kept.filter(|kept| kept.holds(generation, selection.max_age, now)) {
                return Some(kept.report);
            }
        }
        self.engine.note_all(now);
        let members = self.members(selection).ok()?;
        let standing = self.standing(selection, &members, now);
        standing.until?;
        let asked = asked(selection, now, now.mono, None);
        Some(self.build(selection, &members, &asked, standing))
    }

    /// How long what is known holds.
    fn standing(&self, selection: &Selection, members: &Members, now: Now) -> Standing {
        // Read before anything else: what changes meanwhile makes the report old.
        let generation = self.engine.generation();
        let looked_at = self.looked_at(selection, members);
        let until = self.engine.fresh_until(looked_at, now, selection.max_age);
        Standing { generation, until }
    }

    /// The report from what is known, fresh or not.
    fn as_it_is(&self, selection: &Selection, members: &Members, asked: &Asked) -> Arc<Report> {
        let standing = self.standing(selection, members, asked.now);
        self.build(selection, members, asked, standing)
    }

    /// The report, after what is due has run or the budget is over.
    pub(crate) async fn report_within(
        &self,
        selection: &Selection,
        budget: Option<Duration>,
        home: Option<&Handle>,
    ) -> Result<Arc<Report>, SelectionError> {
        if let Some(report) = self.fresh(selection) {
            return Ok(report);
        }
        let members = self.members(selection)?;
        let began = Now::read();
        if is_inside_a_check() {
            return Ok(self.as_it_is(selection, &members, &asked(selection, began, began.mono, None)));
        }
        let here = Handle::try_current().ok();
        let Some(home) = home.cloned().or_else(|| here.clone()).filter(|_| here.is_some()) else {
            let asked = asked(selection, began, began.mono, Some(NotRun::NoRuntime));
            return Ok(self.as_it_is(selection, &members, &asked));
        };

        let deadline = budget.and_then(|budget| began.mono.checked_add(budget));
        self.engine.background.ensure(&self.engine, &home);
        let wanted = self.looked_at(selection, &members);
        let mut lost = self
            .engine
            .settle(wanted, selection.max_age, &home, deadline)
            .await;
        if self.engine.background.is_wanted() {
            let firsts = self
                .looked_at(selection, &members)
                .filter(|&index| self.engine.waits_for_first(index));
            for index in firsts.collect::<Vec<_>>() {
                if self.engine.await_first(index, &home, deadline).await == Waited::Lost {
                    lost.push(index);
                }
            }
        }
        if lost.is_empty() {
            // Another one who waited may have put it together already.
            if let Some(report) = self.fresh(selection) {
                return Ok(report);
            }
            return Ok(self.as_it_is(
                selection,
                &members,
                &asked(selection, Now::read(), began.mono, None),
            ));
        }
        Ok(self.build_without(selection, &members, &lost, began.mono))
    }

    /// Everything to look at before the selection can be told.
    fn looked_at<'a>(
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
    fn is_starting(&self, index: u32) -> bool {
        let slot = self.engine.slot(index);
        slot.policy.latches && !slot.is_disabled() && slot.lock().latched.is_none()
    }

    fn members(&self, selection: &Selection) -> Result<std::borrow::Cow<'_, Members>, SelectionError> {
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
    fn named(&self, among: &[u32], name: &str) -> Option<u32> {
        let found = among.binary_search_by(|&index| self.engine.slot(index).name().cmp(name));
        among.get(found.ok()?).copied()
    }

    /// What the named checks and tags unite to, within a probe.
    fn chosen(&self, selection: &Selection, within: &[u32]) -> Result<Vec<u32>, SelectionError> {
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

    /// Puts the report together from what is known, and keeps it where it will be asked for again.
    fn build(
        &self,
        selection: &Selection,
        members: &Members,
        asked: &Asked,
        standing: Standing,
    ) -> Arc<Report> {
        let results = members
            .told
            .iter()
            .map(|&index| self.engine.result(index, asked))
            .collect();
        let report = Arc::new(self.assemble(selection, members, results, asked));
        match standing.until {
            Some(until) if selection.is_whole() && asked.not_run.is_none() => {
                let kept = Kept {
                    report,
                    generation: standing.generation,
                    until,
                    max_age: selection.max_age,
                };
                self.reports.keep(selection.scope, kept, asked.now)
            }
            _ => report,
        }
    }

    /// As `build`, where the runtime of some runs went away.
    fn build_without(
        &self,
        selection: &Selection,
        members: &Members,
        lost: &[u32],
        since: Instant,
    ) -> Arc<Report> {
        let asked_now = asked(selection, Now::read(), since, None);
        let gone = Asked {
            not_run: Some(NotRun::RuntimeGone),
            ..asked_now
        };
        let told = members.told.iter();
        let results = told.map(|&index| {
            let asked = if lost.contains(&index) { &gone } else { &asked_now };
            self.engine.result(index, asked)
        });
        Arc::new(self.assemble(selection, members, results.collect(), &asked_now))
    }

    fn assemble(
        &self,
        selection: &Selection,
        members: &Members,
        mut results: Vec<CheckResult>,
        asked: &Asked,
    ) -> Report {
        let reason = (selection.scope == Scope::Readiness && !selection.alone)
            .then(|| self.reason())
            .flatten();
        let observed = self.observed(selection);
        let status = if reason.is_some() || observed.iter().any(|result| !result.passed) {
            Overall::Failure
        } else {
            self.overall(members, &results)
        };
        let mut warnings = self
            .warnings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        warnings.extend(members.warnings.iter().cloned());
        warnings.extend(self.passes_over_failures(members, &results, asked.now));
        if !observed.is_empty() {
            results.extend(observed);
            results.sort_by(|one, other| one.checker.cmp(&other.checker));
        }
        let mut sections = Map::new();
        if selection.scope == Scope::All && !selection.alone {
            sections.clone_from(&self.fixed);
            for index in self.reports.checks()..self.engine.len() {
                let name = self.engine.slot(index).name().to_owned();
                sections.insert(name, self.engine.section(index, asked));
            }
        }
        let timestamp = clock::epoch_seconds(asked.now.wall);
        Report {
            hostname: self.hostname.clone(),
            status,
            timestamp,
            results,
            reason,
            warnings,
            sections,
        }
    }

    /// Why readiness fails as a whole.
    fn reason(&self) -> Option<String> {
        if self.lifecycle.is_draining() {
            return Some("shutting down".to_owned());
        }
        if let Some(reason) = self.lifecycle.maintenance() {
            return Some(if reason.is_empty() {
                "maintenance".to_owned()
            } else {
                format!("maintenance: {reason}")
            });
        }
        let startup = &self.reports.whole(Scope::Startup).told;
        startup
            .iter()
            .any(|&index| self.is_starting(index))
            .then(|| "starting".to_owned())
    }

    fn overall(&self, members: &Members, results: &[CheckResult]) -> Overall {
        let verdicts = members.told.iter().zip(results).map(|(&index, result)| {
            let info = self.engine.slot(index).check();
            match result.status {
                Status::Pass => Overall::Success,
                Status::Fail if info.is_none_or(|info| info.options().critical) => Overall::Failure,
                Status::Warn | Status::Fail => Overall::Degraded,
            }
        });
        verdicts.max().unwrap_or(Overall::Success)
    }

    fn passes_over_failures(&self, members: &Members, results: &[CheckResult], now: Now) -> Vec<String> {
        let masked = members.told.iter().zip(results).filter_map(|(&index, result)| {
            let overridden = result.overridden.as_ref().filter(|_| result.passed)?;
            self.engine.fails_below(index, now).then(|| {
                let Overridden { reason, .. } = overridden;
                format!(
                    "`{}` fails and is overridden to {}: {reason}",
                    result.checker, result.status
                )
            })
        });
        masked.collect()
    }
}

const fn asked(selection: &Selection, now: Now, since: Instant, not_run: Option<NotRun>) -> Asked {
    Asked {
        scope: selection.scope,
        max_age: selection.max_age,
        since,
        now,
        not_run,
    }
}
