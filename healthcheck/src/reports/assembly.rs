//! From results to a report: the verdict on the whole, its reason, the warnings, the sections.

use serde_json::Map;

use super::members::Members;
use crate::clock::{self, Now};
use crate::engine::view::Asked;
use crate::health::Core;
use crate::outcome::Status;
use crate::report::{CheckResult, Overall, Overridden, Report};
use crate::selection::{Scope, Selection};

impl Core {
    pub(super) fn assemble(
        &self,
        selection: &Selection,
        members: &Members,
        mut results: Vec<CheckResult>,
        asked: &Asked,
    ) -> Report {
        let reason = (selection.scope == Scope::Readiness && !selection.alone)
            .then(|| self.reason(asked.now))
            .flatten();
        let observed = self.observed(selection);
        let status = if reason.is_some() {
            Overall::Failure
        } else {
            let seen = observed.iter().map(|result| verdict(result.status, true));
            seen.fold(self.overall(members, &results), Overall::max)
        };
        let mut warnings = self.warnings.all();
        warnings.extend(members.warnings.iter().cloned());
        warnings.extend(self.passes_over_failures(members, &results, asked.now));
        for result in observed {
            let place = results.partition_point(|other| other.checker <= result.checker);
            results.insert(place, result);
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
    pub(super) fn reason(&self, now: Now) -> Option<String> {
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
            .any(|&index| self.keeps_starting(index, now))
            .then(|| "starting".to_owned())
    }

    pub(super) fn overall(&self, members: &Members, results: &[CheckResult]) -> Overall {
        let verdicts = members.told.iter().zip(results).map(|(&index, result)| {
            // Only of what fails: the options of the others needn't be looked up.
            let is_critical = || {
                let info = self.engine.slot(index).check();
                info.is_none_or(|info| info.options().critical)
            };
            verdict(result.status, result.status == Status::Fail && is_critical())
        });
        verdicts.max().unwrap_or(Overall::Success)
    }

    pub(super) fn passes_over_failures(
        &self,
        members: &Members,
        results: &[CheckResult],
        now: Now,
    ) -> Vec<String> {
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

const fn verdict(status: Status, critical: bool) -> Overall {
    match status {
        Status::Pass => Overall::Success,
        Status::Fail if critical => Overall::Failure,
        Status::Warn | Status::Fail => Overall::Degraded,
    }
}
