//! Reads reports and other values from the [`World`], the state of all checks. The methods of this module start no
//! runs.

use std::sync::Arc;

use serde_json::Value;

use super::{FinishedRequest, Guarded, Runner};
use crate::clock::Now;
use crate::error::SelectionError;
use crate::model::Shared;
use crate::report::Report;
use crate::selection::Selection;
use crate::world::{Asked, CheckId, Event, Expiration, Members, NotRun, World};

/// A report on the state of the [`World`] at the time `now`, and the time until which the report can be cached.
pub(crate) struct Snapshot {
    pub(crate) report: Report,
    pub(crate) now: Now,
    pub(crate) generation: u64,
    /// The time until which the report can be cached. `None` means that the report can't be cached, for example because
    /// a check is due.
    pub(crate) until: Option<Expiration>,
}

/// Options for a report that starts no runs.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reading {
    /// The reason why the caller can't run the due checks. The report shows this reason for each due check.
    pub(crate) not_run: Option<NotRun>,
    /// Whether the report shows the last result of each check, however old it is.
    pub(crate) last_known: bool,
}

impl Runner {
    /// Returns the current report, or `None` if a selected check is due or a name in the selection is unknown.
    pub(crate) fn fresh(self: &Arc<Self>, hostname: &str, selection: &Selection) -> Option<Snapshot> {
        self.reading(|state, now| {
            let members = state.world.members(selection).ok()?;
            let until = state.world.holds_until(selection, &members, now)?;
            let asked = Asked::new(selection, now, now);
            Some(Snapshot {
                report: state.world.report(hostname, &members, &asked),
                now,
                generation: state.world.generation(),
                until: Some(until),
            })
        })
    }

    /// Returns a report on the last results, even if some of the checks are due.
    ///
    /// # Errors
    /// The selection names a check or tag that the selected probe doesn't have.
    pub(crate) fn as_it_is(
        self: &Arc<Self>,
        hostname: &str,
        selection: &Selection,
        reading: Reading,
    ) -> Result<Snapshot, SelectionError> {
        self.reading(|state, now| {
            let members = state.world.members(selection)?;
            let asked = Asked {
                not_run: reading.not_run,
                last_known: reading.last_known,
                ..Asked::new(selection, now, now)
            };
            Ok(state.snapshot(hostname, &members, &asked))
        })
    }

    /// Returns the report for a finished request. Returns `None` if a check was added or removed after the request has
    /// arrived.
    pub(crate) fn answered(
        self: &Arc<Self>,
        hostname: &str,
        selection: &Selection,
        finished: &FinishedRequest,
    ) -> Option<Snapshot> {
        self.reading(|state, now| {
            if !state.world.is_current(&finished.members) {
                return None;
            }
            let asked = Asked {
                lost: &finished.lost,
                ..Asked::new(selection, finished.arrived, now)
            };
            Some(state.snapshot(hostname, &finished.members, &asked))
        })
    }

    /// Returns the names and values of the sections that a finished request has selected.
    pub(crate) fn sections(self: &Arc<Self>, finished: &FinishedRequest) -> Vec<(String, Value)> {
        let selection = Selection::all();
        self.reading(|state, now| {
            let asked = Asked {
                lost: &finished.lost,
                ..Asked::new(&selection, finished.arrived, now)
            };
            state.world.values_of_sections(&finished.members, &asked)
        })
    }

    /// Returns the names and last values of all sections, without running any section. A due section shows `why` as its
    /// error.
    pub(crate) fn sections_as_they_are(self: &Arc<Self>, why: NotRun) -> Vec<(String, Value)> {
        let selection = Selection::all();
        self.reading(|state, now| {
            let asked = Asked {
                not_run: Some(why),
                ..Asked::new(&selection, now, now)
            };
            match state.world.members(&selection) {
                Ok(members) => state.world.values_of_sections(&members, &asked),
                Err(_) => Vec::new(),
            }
        })
    }

    /// Updates the statuses that change with time, then calls `read` with the [`World`]. Returns the value of `read`.
    pub(crate) fn read_now<T>(self: &Arc<Self>, read: impl FnOnce(&World, Now) -> T) -> T {
        self.reading(|state, now| read(&state.world, now))
    }

    /// Updates the statuses that change with time, then calls `read` with the state under the lock. Returns the value
    /// of `read`.
    fn reading<T>(self: &Arc<Self>, read: impl FnOnce(&mut Guarded, Now) -> T) -> T {
        let mut state = self.lock();
        let now = Now::read();
        let prepared = self.tick_if_due(&mut state, now);
        let result = read(&mut state, now);
        drop(state);
        self.carry_out(prepared);
        result
    }

    /// Expires the cached results of the selected checks and sections. The next request then runs these checks and
    /// sections again.
    ///
    /// # Errors
    /// The selection names a check or tag that the selected probe doesn't have.
    pub(crate) fn expire(self: &Arc<Self>, selection: &Selection) -> Result<(), SelectionError> {
        let mut state = self.lock();
        let members = state.world.members(selection)?;
        let all: Vec<CheckId> = members.all().collect();
        let prepared = self.step_locked(&mut state, Event::Expired(&all), Now::read());
        drop(state);
        self.carry_out(prepared);
        Ok(())
    }
}

impl Guarded {
    fn snapshot(&self, hostname: &str, members: &Shared<Members>, asked: &Asked<'_>) -> Snapshot {
        let holds = asked.not_run.is_none() && asked.lost.is_empty() && !asked.last_known;
        let until = holds.then(|| self.world.holds_until(asked.selection, members, asked.now));
        Snapshot {
            report: self.world.report(hostname, members, asked),
            now: asked.now,
            generation: self.world.generation(),
            until: until.flatten(),
        }
    }
}
