//! What is logged of changes: one line a transition.

use serde_json::Value;

use super::Transition;
use super::ledger::FLAPPING;
use crate::check::CheckInfo;
use crate::engine::Slot;
use crate::outcome::Status;

/// What to log of a transition.
pub(super) struct Line {
    pub(super) transition: Transition,
    /// `None`: nothing.
    pub(super) wording: Option<Wording>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wording {
    Plain,
    /// Brought about by a dependency, which has a line of its own.
    Blocked,
    Flapping,
}

impl Line {
    pub(super) const fn plain(transition: Transition) -> Self {
        Self {
            transition,
            wording: Some(Wording::Plain),
        }
    }
}

/// An output as it stands in a log line: text without its quotes.
fn shown_output(output: &Value) -> std::borrow::Cow<'_, str> {
    match output {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

pub(super) fn log(line: &Line) {
    let Transition {
        checker, to, output, ..
    } = &line.transition;
    let output = shown_output(output);
    let Some(check) = checker else {
        return tracing::debug!(status = %to, "health as a whole changed");
    };
    match (line.wording, to) {
        (None, _) => {}
        // The log names the root.
        (Some(Wording::Blocked), Status::Fail) => tracing::debug!(check, %output, "health check blocked"),
        (Some(Wording::Blocked), _) => tracing::debug!(check, %output, "health check no longer blocked"),
        (Some(Wording::Flapping), _) => {
            tracing::error!(check, %output, "flapping: more than {FLAPPING} changes in 10 minutes");
        }
        (Some(Wording::Plain), Status::Fail) => tracing::error!(check, %output, "health check failed"),
        (Some(Wording::Plain), Status::Warn) => tracing::warn!(check, %output, "health check warns"),
        (Some(Wording::Plain), Status::Pass) => tracing::info!(check, %output, "health check recovered"),
    }
}

pub(super) fn log_unchanged(slot: &Slot, info: &CheckInfo) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let last = slot
        .lock()
        .last
        .as_ref()
        .map(|last| (last.status, last.output.clone()));
    if let Some((status, output)) = last {
        tracing::debug!(check = info.name(), output = %shown_output(&output), %status, "health check ran");
    }
}

pub(super) fn log_section(slot: &Slot) {
    let failed = {
        let state = slot.lock();
        let first = state.verdict.consecutive_failures() == 1;
        state
            .last
            .as_ref()
            .filter(|last| first && !last.status.passed())
            .map(|last| last.output.clone())
    };
    if let Some(output) = failed {
        tracing::error!(section = slot.name(), output = %shown_output(&output), "environment section failed");
    }
}
