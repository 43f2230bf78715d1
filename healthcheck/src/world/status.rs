//! Computes the status of a check. Reports, history, listeners, log, metrics and dependent checks all use this status.

use super::check::Check;
use super::shown::{Because, Blocker, Shown};
use crate::model::time::Instant;
use crate::outcome::Status;

/// Computes the status of a check at the time `now`. `blocker` is the failing dependency that blocks the check, if
/// there is one.
pub(super) fn status(check: &Check, blocker: Option<Blocker>, now: Instant) -> Shown {
    if let Some(set) = check.override_at(now) {
        return Shown {
            status: Some(set.status),
            because: Because::Override,
        };
    }
    below_override(check, blocker, now)
}

/// Computes the status that the check has if its override is ignored.
pub(super) fn below_override(check: &Check, blocker: Option<Blocker>, now: Instant) -> Shown {
    let (status, because) = if check.is_over() {
        return by_runs(check, now);
    } else if let Some(blocker) = blocker {
        (Status::Fail, Because::Blocked(blocker))
    } else if check.stale_at().is_some_and(|stale| now >= stale) {
        (Status::Fail, Because::Stale)
    } else if let Some(since) = check.silent_since() {
        (of_silent(check, since, now), Because::Silent)
    } else {
        return by_runs(check, now);
    };
    Shown {
        status: Some(status),
        because,
    }
}

/// Computes the status from the results of the check's own runs. Ignores overrides, dependencies and the age of the
/// results.
pub(super) fn by_runs(check: &Check, now: Instant) -> Shown {
    Shown {
        status: check.verdict.status(now, &check.policy),
        because: Because::Runs,
    }
}

/// Computes the status of a check whose current run takes too long. Such a run counts as a failure that began when the
/// run started.
fn of_silent(check: &Check, since: Instant, now: Instant) -> Status {
    match check.verdict.silence_turns_at(since, &check.policy) {
        Some(turns) if now < turns => Status::Warn,
        _ => Status::Fail,
    }
}

/// Returns the next time after `now` at which the status can change without an event. Returns `None` if there is no
/// such time.
pub(super) fn next_change(check: &Check, now: Instant) -> Option<Instant> {
    let moments = [
        check.overridden.as_deref().map(|set| set.until),
        check.verdict.turns_at(&check.policy),
        check.stale_at(),
        check
            .silent_since()
            .and_then(|since| check.verdict.silence_turns_at(since, &check.policy)),
    ];
    moments.into_iter().flatten().filter(|&at| at > now).min()
}
