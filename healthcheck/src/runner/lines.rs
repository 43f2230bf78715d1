//! Writes log lines about notices (status changes, runs, maintenance) with `tracing`.

use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::{Level, debug, error, info, warn};

use crate::model::{CheckInfo, CheckOptions};
use crate::outcome::Status;
use crate::transition::Transition;
use crate::world::{FLAPPING, Notice, Wording};

/// Returns whether a `tracing` subscriber may want the log line of this notice.
///
/// The runner calls this function under its lock, and must not call a subscriber under this lock. Therefore, we only
/// compare the line's level with `tracing`'s global maximum level.
pub(super) fn is_enabled(notice: &Notice) -> bool {
    level(notice).is_some_and(|level| level <= LevelFilter::current())
}

/// Returns the level of the notice's log line, or `None` if we don't log the notice.
fn level(notice: &Notice) -> Option<Level> {
    Some(match notice {
        Notice::Transition {
            transition,
            wording,
            critical,
            ..
        } => match (transition.checker.is_some(), wording, transition.to) {
            (_, None, _) => return None,
            (false, ..) | (_, Some(Wording::Blocked), _) => Level::DEBUG,
            (_, Some(Wording::Flapping), _) => failure_level(*critical),
            (_, Some(Wording::Plain), Status::Fail) => failure_level(*critical),
            (_, Some(Wording::Plain), Status::Warn) => Level::WARN,
            (_, Some(Wording::Plain), Status::Pass) => Level::INFO,
        },
        Notice::OwnFailure { critical, .. } => failure_level(*critical),
        Notice::Ran { changed: true, .. } => return None,
        Notice::Ran { changed: false, .. } => Level::DEBUG,
        Notice::SectionFailed { .. } => Level::ERROR,
        Notice::StillFailing { critical, .. } => failure_level(*critical),
        Notice::Overridden { .. } | Notice::MaintenanceBegins(_) | Notice::LoopRestarted => Level::WARN,
        Notice::GateFailedOpen { .. } => Level::WARN,
        Notice::MaintenanceEnds | Notice::ShuttingDown => Level::INFO,
    })
}

const fn failure_level(critical: bool) -> Level {
    if critical { Level::ERROR } else { Level::WARN }
}

/// Writes the log line of the notice.
///
/// This function calls the user's `tracing` subscriber, which can block. Only the threads of the log queues may call
/// this function.
pub(super) fn write(notice: &Notice) {
    match notice {
        Notice::Transition {
            transition,
            wording: Some(wording),
            critical,
            info,
        } => write_transition(transition, *wording, *critical, &Advice::of(info.as_deref())),
        Notice::Transition { wording: None, .. } | Notice::Ran { changed: true, .. } => {}
        Notice::OwnFailure {
            info,
            output,
            critical,
        } => write_failure(info.name(), output, *critical, &Advice::of(Some(info))),
        Notice::Ran { result, .. } => {
            let (check, output, status) = (&*result.checker, unquoted(&result.output), result.status);
            debug!(target: "healthcheck", check, %output, %status, "health check ran");
        }
        Notice::SectionFailed { section, output } => {
            let output = unquoted(output);
            error!(target: "healthcheck", section, %output, "environment section failed");
        }
        Notice::StillFailing { checks, critical } => {
            let checks = checks.join(", ");
            if *critical {
                error!(target: "healthcheck", checks, "health checks are still failing");
            } else {
                warn!(target: "healthcheck", checks, "health checks are still failing");
            }
        }
        Notice::Overridden {
            check,
            status,
            reason,
            seconds,
        } => warn!(target: "healthcheck", check, %status, reason, seconds, "health check overridden"),
        Notice::MaintenanceBegins(reason) => {
            warn!(target: "healthcheck", reason, "maintenance begins: readiness fails");
        }
        Notice::MaintenanceEnds => info!(target: "healthcheck", "maintenance ends"),
        Notice::ShuttingDown => info!(target: "healthcheck", "shutting down: readiness fails from now on"),
        Notice::GateFailedOpen { checks, seconds } => warn!(
            target: "healthcheck",
            checks = checks.join(", "),
            seconds,
            "a gate was closed for so long that it lets everybody through now"
        ),
        Notice::LoopRestarted => warn!(
            target: "healthcheck",
            "the loop of the background health checks had ended with its runtime: started again"
        ),
    }
}

/// Fields that help an operator. We add them to the log line of a check that doesn't pass.
struct Advice<'a> {
    owner: Option<&'a str>,
    runbook: Option<&'a str>,
    when_it_fails: Option<&'a str>,
}

impl<'a> Advice<'a> {
    fn of(info: Option<&'a CheckInfo>) -> Self {
        let options = info.map(CheckInfo::options);
        Self {
            owner: options.and_then(CheckOptions::owner),
            runbook: options.and_then(CheckOptions::runbook),
            when_it_fails: options.and_then(CheckOptions::when_it_fails),
        }
    }
}

fn write_transition(transition: &Transition, wording: Wording, critical: bool, advice: &Advice<'_>) {
    let Transition {
        checker, to, output, ..
    } = transition;
    let shown = unquoted(output);
    let &Advice {
        owner,
        runbook,
        when_it_fails,
    } = advice;
    let Some(check) = checker.as_deref() else {
        return debug!(target: "healthcheck", status = %to, "health as a whole changed");
    };
    match (wording, to) {
        // This check fails because a dependency fails. We log the dependency's failure as an error or a warning. For
        // this check, we log only a debug line.
        (Wording::Blocked, Status::Fail) => {
            debug!(target: "healthcheck", check, output = %shown, "health check blocked");
        }
        (Wording::Blocked, _) => {
            debug!(target: "healthcheck", check, output = %shown, "health check no longer blocked");
        }
        (Wording::Flapping, _) if critical => {
            error!(target: "healthcheck", check, output = %shown, owner, runbook, when_it_fails, "flapping: more than {FLAPPING} changes in 10 minutes");
        }
        (Wording::Flapping, _) => {
            warn!(target: "healthcheck", check, output = %shown, owner, runbook, when_it_fails, "flapping: more than {FLAPPING} changes in 10 minutes");
        }
        (Wording::Plain, Status::Fail) => write_failure(check, output, critical, advice),
        (Wording::Plain, Status::Warn) => {
            warn!(target: "healthcheck", check, output = %shown, owner, runbook, when_it_fails, "health check warns");
        }
        (Wording::Plain, Status::Pass) => {
            info!(target: "healthcheck", check, output = %shown, "health check recovered");
        }
    }
}

fn write_failure(check: &str, output: &Value, critical: bool, advice: &Advice<'_>) {
    let output = unquoted(output);
    let &Advice {
        owner,
        runbook,
        when_it_fails,
    } = advice;
    if critical {
        error!(target: "healthcheck", check, %output, owner, runbook, when_it_fails, "health check failed");
    } else {
        warn!(target: "healthcheck", check, %output, owner, runbook, when_it_fails, "health check failed");
    }
}

/// Returns the output as text for a log line. A JSON string becomes its text without quotes. Any other value is written
/// as JSON.
fn unquoted(output: &Value) -> std::borrow::Cow<'_, str> {
    match output {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}
