//! What is told of a slot when an answer is due, whatever its run is doing.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Engine;
use super::state::{Finished, State};
use crate::clock::{self, Now};
use crate::outcome::Status;
use crate::report::CheckResult;
use crate::selection::{MaxAge, Scope};

/// The circumstances of one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) scope: Scope,
    pub(crate) max_age: Option<MaxAge>,
    /// When the question came: a result given since is never stale.
    pub(crate) since: Instant,
    pub(crate) now: Now,
    /// Why a due slot has not been run.
    pub(crate) not_run: Option<NotRun>,
}

/// Why a due slot has not been run.
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

/// What there is to tell: the last result, fresh or not, or a sentence in its place.
enum Told<'a> {
    Result(&'a Finished),
    Stale(&'a Finished),
    Failure(String),
    Unknown,
}

impl Engine {
    /// The result of a check as it is told now.
    pub(crate) fn result(&self, index: u32, asked: &Asked) -> CheckResult {
        let slot = self.slot(index);
        let policy = &slot.policy;
        let blocker = self.blocked_by(index, asked.now).map(ToOwned::to_owned);
        let state = slot.lock();
        let latched = state.latched.as_deref().filter(|_| asked.scope == Scope::Startup);
        let told = match latched {
            Some(latched) => Told::Result(latched),
            None => told(&state, policy, asked),
        };
        let blocker = blocker.filter(|_| latched.is_none());
        let last = latched.or(state.last.as_ref());
        let mut result = CheckResult {
            checker: slot.name().to_owned(),
            output: Value::Null,
            passed: false,
            status: Status::Fail,
            timestamp: last.map(|last| clock::epoch_seconds(last.at.wall)),
            expires: state
                .expires(policy)
                .and_then(|until| until.wall())
                .map(clock::epoch_seconds),
            response_time: last.map(|last| clock::short_seconds(last.took)),
            failing_since: None,
            consecutive_failures: 0,
            stale: false,
            age: None,
            pending: None,
            blocked_by: None,
            overridden: None,
        };
        let held = |last: &Finished| match latched {
            Some(latched) => latched.status,
            None if state.stays_stuck() => Status::Fail,
            None => state.verdict.shown().unwrap_or(last.status),
        };
        match told {
            Told::Result(last) => {
                result.output = last.output.clone();
                result.status = held(last);
                result.pending = state
                    .verdict
                    .pending(policy.thresholds)
                    .filter(|_| latched.is_none() && !state.stays_stuck());
            }
            Told::Stale(last) => {
                result.output = last.output.clone();
                result.status = held(last);
                result.stale = true;
                let age = asked.now.mono.saturating_duration_since(last.at.mono);
                result.age = Some(clock::short_seconds(age));
            }
            Told::Failure(sentence) => {
                result.output = sentence.into();
                result.expires = None;
            }
            Told::Unknown => {
                result.output = "not run yet".into();
                if asked.scope == Scope::Liveness {
                    result.status = Status::Pass;
                }
            }
        }
        if let Some(blocker) = blocker {
            result.output = format!("blocked by {blocker}").into();
            result.status = Status::Fail;
            result.blocked_by = Some(blocker);
            result.pending = None;
            // What its last run gave isn't what is told.
            result.expires = None;
            result.stale = false;
            result.age = None;
        }
        if let Some(mask) = state.mask(asked.now) {
            result.status = mask.status;
            result.overridden = Some(mask.told());
        }
        result.passed = result.status.passed();
        if !result.passed {
            result.failing_since = state.verdict.failing_since().map(clock::epoch_seconds);
            result.consecutive_failures = state.verdict.consecutive_failures();
        }
        result
    }

    /// The value of a section as it is told now; a failure is `{"error": …}` in its place.
    pub(crate) fn section(&self, index: u32, asked: &Asked) -> Value {
        let slot = self.slot(index);
        let state = slot.lock();
        match told(&state, &slot.policy, asked) {
            Told::Result(last) | Told::Stale(last) if last.status.passed() => last.output.clone(),
            Told::Result(last) | Told::Stale(last) => json!({ "error": last.output }),
            Told::Failure(sentence) => json!({ "error": sentence }),
            Told::Unknown => json!({ "error": "not run yet" }),
        }
    }
}

fn told<'a>(state: &'a State, policy: &super::policy::Policy, asked: &Asked) -> Told<'a> {
    let not_run = asked
        .not_run
        .map(|not_run| Told::Failure(not_run.why().to_owned()));
    let Some(last) = &state.last else {
        return not_run.unwrap_or(Told::Unknown);
    };
    if state.is_stale(policy, asked.now) {
        let age = clock::human(asked.now.mono.saturating_duration_since(last.at.mono));
        return Told::Failure(format!(
            "stale: the background loop gave its last result {age} ago"
        ));
    }
    let fresh = last.at.mono >= asked.since
        || state.is_stuck()
        || state.fresh_until(policy, asked.now, asked.max_age).is_some();
    if fresh {
        return Told::Result(last);
    }
    if let Some(not_run) = not_run {
        return not_run;
    }
    if !state.may_show_stale(policy, asked.now) {
        let age = clock::human(asked.now.mono.saturating_duration_since(last.at.mono));
        let runs = if state.running().is_some() {
            ", still running"
        } else {
            ""
        };
        return Told::Failure(format!("no result for {age}{runs}"));
    }
    Told::Stale(last)
}
