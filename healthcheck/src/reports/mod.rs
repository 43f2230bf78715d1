//! From a selection to a report: which checks, which of them are waited for, and the few reports worth keeping.

use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::clock::{Now, Until};
use crate::engine::view::{Asked, NotRun};
use crate::engine::{Engine, Waited, is_inside_a_check};
use crate::error::SelectionError;
use crate::health::Core;
use crate::report::Report;
use crate::selection::{MaxAge, Scope, Selection};

mod assembly;
mod members;

use members::Members;

/// Who belongs to which probe, and the last report of each.
pub(crate) struct Reports {
    checks: u32,
    probes: [Members; Scope::EVERY.len()],
    kept: [RwLock<Option<Kept>>; Scope::EVERY.len()],
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
        // A latched startup check isn't looked at any more, and may be overridden all the same.
        let until = until.map(|until| until.min(self.engine.masked_until(&members.told, now)));
        Standing { generation, until }
    }

    /// The report from what is known, fresh or not.
    fn as_it_is(&self, selection: &Selection, members: &Members, asked: &Asked) -> Arc<Report> {
        let standing = self.standing(selection, members, asked.now);
        self.build(selection, members, asked, standing)
    }

    /// The report, after what is due has run or the budget is over. Boxed here, since every crate that awaits a future
    /// by its type compiles the whole of it.
    pub(crate) fn report_within<'a>(
        &'a self,
        selection: &'a Selection,
        budget: Option<Duration>,
        home: Option<&'a Handle>,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<Report>, SelectionError>> + Send + 'a>> {
        Box::pin(self.settled(selection, budget, home))
    }

    async fn settled(
        &self,
        selection: &Selection,
        budget: Option<Duration>,
        home: Option<&Handle>,
    ) -> Result<Arc<Report>, SelectionError> {
        let members = self.members(selection)?;
        let began = Now::read();
        if is_inside_a_check(&self.engine) {
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
                if self.engine.await_first(index, &home, began.mono, deadline).await == Waited::Lost {
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
