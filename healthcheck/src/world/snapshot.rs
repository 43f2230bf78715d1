//! From the world to a report: what is shown of each check, for a selection and the moment of asking.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::World;
use super::check::{Check, Finished, Phase};
use super::freshness::Expiration;
use super::id::CheckId;
use super::members::Members;
use super::shown::Because;
use super::status;
use super::whole;
use crate::model::time::{self, Instant, Now};
use crate::outcome::Status;
use crate::report::{CheckResult, Overall, Reason, Report, Unsent};
use crate::selection::{Choice, Scope, Selection};

/// A report that shows an observation is kept for no longer: the observer's next look moves the observation's time, and
/// that alone makes no new report.
const OBSERVED_FOR: Duration = Duration::from_secs(1);

/// The circumstances of one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) selection: &'a Selection,
    /// When the question came. What was fresh then is shown as fresh, however long the others took.
    pub(crate) at: Now,
    pub(crate) now: Now,
    /// Why due checks have not been run.
    pub(crate) not_run: Option<NotRun>,
    /// Whose runtime went away, twice.
    pub(crate) lost: &'a [CheckId],
    /// Each check's last result, whatever its age.
    pub(crate) last_known: bool,
}

impl<'a> Asked<'a> {
    pub(crate) const fn new(selection: &'a Selection, at: Now, now: Now) -> Self {
        Self {
            selection,
            at,
            now,
            not_run: None,
            lost: &[],
            last_known: false,
        }
    }
}

/// Why something that is due has not been run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// The question was asked outside of a tokio runtime.
    NoRuntime,
    /// The runtime went away, twice.
    RuntimeGone,
}

impl NotRun {
    const fn why(self) -> &'static str {
        match self {
            Self::NoRuntime => "no tokio runtime",
            Self::RuntimeGone => "its runtime was shut down",
        }
    }
}

/// What there is to show of a check: a result, or a sentence in its place.
enum Content<'a> {
    Result(&'a Finished),
    Stale(&'a Finished),
    Failure(String),
    Unknown,
}

impl World {
    /// The report on these checks.
    pub(crate) fn report(&self, hostname: &str, members: &Members, asked: &Asked<'_>) -> Report {
        let selection = asked.selection;
        let mut status = Overall::Success;
        let mut results = Vec::with_capacity(members.shown.len());
        for &id in &members.shown {
            let check = self.check(id);
            let mut result = self.result(id, check, asked);
            // Only of what fails: the options of the others needn't be looked up.
            let critical = result.status == Status::Fail && whole::is_critical(check, selection.scope);
            let contributes = whole::contribution(result.status, critical);
            result.contributes = Unsent(Some(contributes));
            status = status.max(contributes);
            results.push(result);
        }
        let mut warnings = self.warnings();
        warnings.extend(members.warnings.iter().cloned());
        let about_request = members.warnings.len();
        warnings.extend(self.passes_over_failures(members, &results, asked.now));
        for observed in self.observed_in(selection) {
            status = status.max(whole::contribution(observed.status, true));
            let place = results.partition_point(|other| other.checker <= observed.checker);
            results.insert(place, observed.clone());
        }
        let reason = self.reason(selection, asked.now);
        if reason.is_some() {
            status = Overall::Failure;
        }
        let sections: Map<String, Value> = self.values_of_sections(members, asked).into_iter().collect();
        Report {
            hostname: hostname.to_owned(),
            status,
            timestamp: time::epoch_seconds(asked.now.wall),
            results,
            warnings,
            sections,
            reason: reason.as_ref().map(ToString::to_string),
            why: Unsent(reason),
            about_request: Unsent(self.warnings_count()..self.warnings_count() + about_request),
        }
    }

    /// Until when nothing of this changes by itself; `None` where something is due.
    pub(crate) fn holds_until(
        &self,
        selection: &Selection,
        members: &Members,
        now: Now,
    ) -> Option<Expiration> {
        let mut earliest = Expiration::NEVER;
        for &id in &*self.required_of(selection, members) {
            let check = self.check(id);
            let until = match check.fresh_until(now, selection.max_age) {
                Some(until) => until,
                // A blocked check is as fresh as what blocks it, which is looked at by itself.
                None if check.run.is_none() && self.blocker(check).is_some() => Expiration::NEVER,
                None => return None,
            };
            earliest = earliest
                .min(until)
                .min(Expiration::at(status::next_change(check, now.mono)));
        }
        if self.observed_in(selection).next().is_some() {
            earliest = earliest.min(Expiration::at(now.mono.checked_add(OBSERVED_FOR)));
        }
        // A startup check that has passed isn't required any more, and may be overridden all the same.
        for &id in &members.shown {
            let next = status::next_change(self.check(id), now.mono);
            earliest = earliest.min(Expiration::at(next));
        }
        Some(earliest)
    }

    fn result(&self, id: CheckId, check: &Check, asked: &Asked<'_>) -> CheckResult {
        let scope = asked.selection.scope;
        let latched = check.latched.as_deref().filter(|_| scope == Scope::Startup);
        let content = latched.map_or_else(|| self.content_of(id, check, asked), Content::Result);
        let last = latched.or(check.last.as_ref());
        let now = asked.now;
        let mut result = CheckResult {
            timestamp: last.map(|last| time::epoch_seconds(last.at.wall)),
            expires: check
                .expires()
                .and_then(Expiration::wall)
                .map(time::epoch_seconds),
            response_time: last.map(|last| time::short_seconds(last.took)),
            ..CheckResult::unknown(check.name().to_owned())
        };
        let mut shown = status::below_override(check, self.blocker(check), now.mono);
        if asked.last_known && shown.because == Because::Stale {
            shown = status::by_runs(check, now.mono);
        }
        let pending = check.verdict.pending(now.mono, &check.policy);
        match content {
            Content::Result(last) => {
                if let Some(latched) = latched {
                    result.output = latched.output.clone();
                    result.status = latched.status;
                } else {
                    result.output = check.output(now.mono);
                    result.status = shown.status.unwrap_or(last.status);
                    result.pending = pending.filter(|_| !check.stays_stuck());
                }
            }
            Content::Stale(last) => {
                result.output = check.output(now.mono);
                result.status = shown.status.unwrap_or(last.status);
                result.stale = true;
                result.age = Some(time::short_seconds(now.since(last.at.mono)));
            }
            Content::Failure(sentence) => {
                result.output = sentence.into();
                result.expires = None;
            }
            Content::Unknown => {
                result.output = check.not_run_yet(now).into();
                if scope == Scope::Liveness {
                    result.status = Status::Pass;
                }
            }
        }
        if let (Because::Silent, None) = (shown.because, latched) {
            result.status = shown.status.unwrap_or(Status::Fail);
        }
        if let (Because::Blocked(blocker), None) = (shown.because, latched) {
            let blocker = self.check(blocker.check).name();
            result.output = format!("blocked by {blocker}").into();
            result.status = Status::Fail;
            result.blocked_by = Some(blocker.to_owned());
            result.pending = None;
            // What its last run gave isn't what is shown.
            result.expires = None;
            result.stale = false;
            result.age = None;
        }
        if let Some(set) = check.override_at(now.mono) {
            result.status = set.status;
            result.overridden = Some(set.shown());
        }
        self.explain(check, &mut result, now);
        result
    }

    /// What stands on a result that doesn't pass.
    fn explain(&self, check: &Check, result: &mut CheckResult, now: Now) {
        result.passed = result.status.passed();
        let is_held_back = result.pending.is_some_and(|pending| pending.until.is_some());
        if !result.passed || is_held_back {
            result.failing_since = check.verdict.failing_since(now).map(time::epoch_seconds);
            result.consecutive_failures = check.verdict.consecutive_failures();
        }
        if result.status != Status::Pass
            && let Some(info) = check.info()
        {
            let options = info.options();
            result.owner = options.owner().map(str::to_owned);
            result.runbook = options.runbook().map(str::to_owned);
            result.when_it_fails = options.when_it_fails().map(str::to_owned);
        }
    }

    /// The run's own result, for those who want to hear of each run.
    pub(super) fn own_result(&self, id: CheckId, now: Now) -> CheckResult {
        let check = self.check(id);
        let last = check.last.as_ref();
        let status = last.map_or(Status::Fail, |last| last.status);
        let mut result = CheckResult {
            output: last.map(|last| last.output.clone()).unwrap_or_default(),
            status,
            timestamp: last.map(|last| time::epoch_seconds(last.at.wall)),
            expires: check
                .expires()
                .and_then(Expiration::wall)
                .map(time::epoch_seconds),
            response_time: last.map(|last| time::short_seconds(last.took)),
            ..CheckResult::unknown(check.name().to_owned())
        };
        self.explain(check, &mut result, now);
        result
    }

    /// What the log and the listeners hear of a check's status.
    pub(super) fn shown_output(&self, id: CheckId, now: Now) -> Value {
        let check = self.check(id);
        match check.shown.because {
            Because::Override => check.overridden.as_deref().map(|set| set.reason.clone()).into(),
            Because::Blocked(blocker) => format!("blocked by {}", self.check(blocker.check).name()).into(),
            Because::Stale => "stale: its background loop gives no results".into(),
            Because::Silent => check.silence(now).into(),
            Because::Runs => check.output(now.mono),
        }
    }

    /// The values of the sections among these, by name.
    pub(crate) fn values_of_sections(&self, members: &Members, asked: &Asked<'_>) -> Vec<(String, Value)> {
        let sections = members.sections.iter().filter(|&&id| self.get(id).is_some());
        let values = sections.map(|&id| (self.check(id).name().to_owned(), self.section(id, asked)));
        values.collect()
    }

    /// The value of a section; a failure is `{"error": …}` in its place.
    pub(crate) fn section(&self, id: CheckId, asked: &Asked<'_>) -> Value {
        let check = self.check(id);
        match self.content_of(id, check, asked) {
            Content::Result(last) | Content::Stale(last) if last.status.passed() => last.output.clone(),
            Content::Result(last) | Content::Stale(last) => json!({ "error": last.output }),
            Content::Failure(sentence) => json!({ "error": sentence }),
            Content::Unknown => json!({ "error": check.not_run_yet(asked.now) }),
        }
    }

    fn content_of<'a>(&self, id: CheckId, check: &'a Check, asked: &Asked<'_>) -> Content<'a> {
        let not_run = if asked.lost.contains(&id) {
            Some(NotRun::RuntimeGone)
        } else {
            asked.not_run
        };
        let not_run = not_run.map(|not_run| Content::Failure(not_run.why().to_owned()));
        let Some(last) = &check.last else {
            return not_run.unwrap_or(Content::Unknown);
        };
        match check.shown.because {
            Because::Stale if !asked.last_known => {
                let age = time::human(asked.now.since(last.at.mono));
                return Content::Failure(format!(
                    "stale: the background loop gave its last result {age} ago"
                ));
            }
            Because::Silent => return Content::Failure(check.silence(asked.now)),
            _ => {}
        }
        let max_age = asked.selection.max_age;
        let is_fresh = last.at.mono >= asked.at.mono
            || check.is_stuck()
            || check.fresh_until(asked.at, max_age).is_some()
            || check.fresh_until(asked.now, max_age).is_some();
        if is_fresh {
            Content::Result(last)
        } else {
            not_run.unwrap_or(Content::Stale(last))
        }
    }

    /// Why readiness fails as a whole.
    pub(crate) fn reason(&self, selection: &Selection, now: Now) -> Option<Reason> {
        if selection.scope != Scope::Readiness || selection.alone {
            return None;
        }
        if self.draining {
            return Some(Reason::ShuttingDown);
        }
        if let Some(reason) = &self.maintenance {
            return Some(Reason::Maintenance(reason.clone()));
        }
        let mut startup = self.probes[Scope::Startup as usize].shown.iter();
        let starting = startup.any(|&id| self.keeps_starting(self.check(id), now.mono));
        starting.then_some(Reason::Starting)
    }

    /// Whether readiness has to wait for it: it is a startup check that hasn't passed, and fails the startup probe.
    pub(super) fn keeps_starting(&self, check: &Check, now: Instant) -> bool {
        check.latched.is_none()
            && whole::is_critical(check, Scope::Startup)
            && check
                .override_at(now)
                .is_none_or(|set| set.status == Status::Fail)
    }

    fn warnings(&self) -> Vec<String> {
        let all = self.built_warnings.iter().chain(&self.absence_warnings);
        all.chain(&self.added_warnings).cloned().collect()
    }

    fn warnings_count(&self) -> usize {
        self.built_warnings.len() + self.absence_warnings.len() + self.added_warnings.len()
    }

    fn passes_over_failures(&self, members: &Members, results: &[CheckResult], now: Now) -> Vec<String> {
        let overridden = members.shown.iter().zip(results).filter_map(|(&id, result)| {
            let set = result.overridden.as_ref().filter(|_| result.passed)?;
            let check = self.check(id);
            let below = status::below_override(check, self.blocker(check), now.mono);
            (below.status == Some(Status::Fail)).then(|| {
                let (checker, status, reason) = (&result.checker, result.status, &set.reason);
                format!("`{checker}` fails and is overridden to {status}: {reason}")
            })
        });
        overridden.collect()
    }

    /// The observations that a report on this selection shows.
    pub(super) fn observed_in<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> impl Iterator<Item = &'a CheckResult> {
        let is_chosen = |result: &&CheckResult| {
            let named = |choice: &Choice| matches!(choice, Choice::Check(name) if *name == result.checker);
            let chosen = selection.chosen.as_ref();
            selection.scope == Scope::Liveness
                && chosen.is_none_or(|choices| choices.iter().any(named))
                && !selection.excluded.contains(&result.checker)
        };
        self.observations.values().filter(is_chosen)
    }
}

impl Check {
    /// Why there is no result: a hanging first run reads otherwise than a check that has never been begun. One that waits
    /// for what it depends on hasn't begun. It changes by time, and no report that says so is kept: the check is due.
    fn not_run_yet(&self, now: Now) -> String {
        let begun = self
            .run
            .as_ref()
            .filter(|run| !matches!(run.phase, Phase::AwaitingDependencies));
        begun.map_or_else(
            || "not run yet".to_owned(),
            |run| {
                let seconds = now.since(run.since.mono).as_secs_f64();
                format!("not run yet, running for {seconds:.1} s")
            },
        )
    }

    fn silence(&self, now: Now) -> String {
        let last = self.last.as_ref().map(|last| last.at.mono);
        let begun = self.run.as_ref().map(|run| run.since.mono);
        let age = last
            .or(begun)
            .map_or_else(String::new, |since| time::human(now.since(since)));
        format!("no result for {age}, still running")
    }
}
