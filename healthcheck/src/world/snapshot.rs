//! Builds the report on a selection from the current state of the `World`.

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

/// The maximum time for which a report with an observation is cached.
///
/// If an observer repeats the same status and output, only the time of the observation changes. Cached reports stay
/// valid despite this change, so they can show an earlier time of the observation, but for no longer than this.
const OBSERVED_FOR: Duration = Duration::from_secs(1);

/// The parameters of one report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) selection: &'a Selection,
    /// The time at which the request arrived. If a result was fresh at this time, the report shows it as fresh. The
    /// request may then have waited long for the runs of other checks.
    pub(crate) at: Now,
    pub(crate) now: Now,
    /// The reason why the caller hasn't run the due checks; `None` if the caller has run them.
    pub(crate) not_run: Option<NotRun>,
    /// The checks without a new result. The request tried twice to run each of these checks, and the runtime shut down
    /// both times.
    pub(crate) lost: &'a [CheckId],
    /// Whether the report shows the last result of each check, however old it is.
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

/// The reason why a due check or section has no new result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// The caller isn't inside a tokio runtime, so the check or section wasn't run.
    NoRuntime,
    /// The check or section was run twice, and its runtime shut down during both runs.
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

/// The content of a report for one check or section: a result, or a sentence that explains why there is no result.
enum Content<'a> {
    Result(&'a Finished),
    Stale(&'a Finished),
    Failure(String),
    Unknown,
}

impl World {
    /// Builds the report that shows these members.
    pub(crate) fn report(&self, hostname: &str, members: &Members, asked: &Asked<'_>) -> Report {
        let selection = asked.selection;
        let mut status = Overall::Success;
        let mut results = Vec::with_capacity(members.shown.len());
        for &id in &members.shown {
            let check = self.check(id);
            let mut result = self.result(id, check, asked);
            // `critical` matters only for a failure, so we compute it only for a failure.
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

    /// Returns the time until which the report stays the same if no event happens. Returns `None` if a check is due.
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
                // A blocked check isn't run, so this check doesn't limit the time for which the report stays the same.
                // The failing dependency limits this time. The loop visits that dependency too.
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
        if selection.scope == Scope::Startup {
            // The startup probe shows startup checks that have passed, but doesn't require them. The loop above visits
            // only the required checks. The end of an override changes the report, so this loop visits all shown
            // checks.
            for &id in &members.shown {
                let next = status::next_change(self.check(id), now.mono);
                earliest = earliest.min(Expiration::at(next));
            }
        }
        Some(earliest)
    }

    fn result(&self, id: CheckId, check: &Check, asked: &Asked<'_>) -> CheckResult {
        let scope = asked.selection.scope;
        let latched = check.latched.as_deref().filter(|_| scope == Scope::Startup);
        let content = latched.map_or_else(|| self.content_of(id, check, asked), Content::Result);
        let last = latched.or(check.last.as_ref());
        let now = asked.now;
        let mut result = CheckResult::unknown(check.name().to_owned());
        result.timestamp = last.map(|last| time::epoch_seconds(last.at.wall));
        result.expires = check
            .expires()
            .and_then(Expiration::wall)
            .map(time::epoch_seconds);
        result.response_time = last.map(|last| time::short_seconds(last.took));
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
            // The report shows "blocked by" instead of the last result, so it must not show the last result's expiry
            // and age.
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

    /// Adds details to a result that doesn't pass: the time since which the check fails, the number of consecutive
    /// failures, the owner, the runbook and the instructions.
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

    /// Returns the result of the check's last run for the listeners of runs. This result ignores thresholds,
    /// dependencies and overrides.
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

    /// Returns the output that explains the check's current status to the log and the listeners.
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

    /// Returns the name and value of each section that belongs to the members.
    pub(crate) fn values_of_sections(&self, members: &Members, asked: &Asked<'_>) -> Vec<(String, Value)> {
        let sections = members.sections.iter().filter(|&&id| self.get(id).is_some());
        let values = sections.map(|&id| (self.check(id).name().to_owned(), self.section(id, asked)));
        values.collect()
    }

    /// Returns the value of a section. Returns `{"error": …}` if the section has failed or has no value.
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

    /// Returns the reason why readiness fails as a whole: the service shuts down or is in maintenance, or a startup
    /// check hasn't passed yet. Returns `None` if there is no such reason, or if the selection isn't readiness.
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

    /// Returns whether readiness fails because this startup check hasn't passed yet. Only a critical check makes
    /// readiness fail. If the check warns, or has an override to pass or warn, it counts as passed.
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

    /// Returns the observations that a report on this selection shows.
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
    /// Returns the output that a report shows for a check without a result. If the first run is in progress, the output
    /// contains the time since the run started. A run that waits for its dependencies isn't in progress.
    ///
    /// The output changes with time, but this doesn't make a cached report wrong: the check is due, and we never cache
    /// a report with a due check.
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
