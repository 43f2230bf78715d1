//! How a check or section is run, fixed when it is built.

use std::time::Duration;

use super::verdict::Thresholds;
use crate::outcome::Status;

/// How a slot is run, fixed when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// How long a run may take; `None`: as long as it likes.
    pub(crate) limit: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
    /// Run in the background that often; requests read the last result.
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    pub(crate) thresholds: Thresholds,
    /// Belongs to the startup probe: latches once it has passed.
    pub(crate) latches: bool,
    /// Belongs to the startup probe alone: isn't run again once it has latched.
    pub(crate) only_startup: bool,
}

/// For how long a result is cached; `lasts: None`: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ttl {
    pub(crate) lasts: Option<Duration>,
    /// Whether somebody chose it; the default yields to a probe's `max_age`.
    pub(crate) chosen: bool,
}

/// What an endless run, or one that can't start, is taken to need before it counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Ttl {
    /// Not cached, whoever asks.
    pub(crate) const NONE: Self = Self::chosen(None);

    pub(crate) const fn chosen(lasts: Option<Duration>) -> Self {
        Self { lasts, chosen: true }
    }
}

impl Policy {
    /// A section is run when it is asked for, and counts nothing.
    pub(crate) const fn of_section(limit: Option<Duration>, success_ttl: Ttl, failed_ttl: Ttl) -> Self {
        Self {
            limit,
            success_ttl,
            failed_ttl,
            interval: None,
            initial_delay: None,
            thresholds: Thresholds {
                failure: 1,
                success: 1,
            },
            latches: false,
            only_startup: false,
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.limit.unwrap_or(PATIENCE)
    }

    pub(super) fn ttl(&self, status: Status) -> Ttl {
        if status.passed() {
            self.success_ttl
        } else {
            self.failed_ttl
        }
    }

    /// How long the first background run is waited for before it has begun. One that was put off by its check is
    /// waited for no longer than a run may take, or whoever asks for a report would sit out the delay.
    pub(crate) fn begins_within(&self) -> Duration {
        match self.initial_delay {
            Some(_) => self.patience(),
            None => PATIENCE,
        }
    }

    /// How old a background result may be: a dead loop must not stay green.
    pub(crate) fn oldest_in_background(&self) -> Option<Duration> {
        Some(self.interval?.saturating_mul(2).saturating_add(self.patience()))
    }
}
