//! How a check or section is run, fixed when it is added.

use std::time::Duration;

use crate::outcome::Status;

/// How a check or section is run, fixed when it is added. Most checks share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// How long a run may take; `None`: as long as it likes.
    pub(crate) limit: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
    /// Run in the background that often; requests read the last result.
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    /// How many runs in a row have to fail before the check is shown as failing.
    pub(crate) failure_threshold: u32,
    /// How many runs in a row have to pass before it is shown as passing again.
    pub(crate) success_threshold: u32,
    /// How many runs in a row have to warn before the check is shown as a warning.
    pub(crate) warn_threshold: u32,
    /// For how long a failure is shown as a warning.
    pub(crate) fail_after: Option<Duration>,
    /// Belongs to the startup probe: its first pass is kept for good.
    pub(crate) latches: bool,
    /// Belongs to the startup probe alone: isn't run again once it has passed.
    pub(crate) only_startup: bool,
}

/// For how long a result is cached; `lasts: None`: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ttl {
    pub(crate) lasts: Option<Duration>,
    /// Whether somebody chose it; the default yields to a probe's `max_age`.
    pub(crate) chosen: bool,
}

/// How long a run without a limit may go on, and one that has a limit may wait for its start, before there is no result.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Ttl {
    /// Not cached, whoever asks.
    pub(crate) const NONE: Self = Self::chosen(None);

    pub(crate) const fn chosen(lasts: Option<Duration>) -> Self {
        Self { lasts, chosen: true }
    }
}

impl Policy {
    /// The policy of a section: it runs when it is asked for, and nothing is counted.
    pub(crate) const fn of_section(limit: Option<Duration>, success_ttl: Ttl, failed_ttl: Ttl) -> Self {
        Self {
            limit,
            success_ttl,
            failed_ttl,
            interval: None,
            initial_delay: None,
            failure_threshold: 1,
            success_threshold: 1,
            warn_threshold: 1,
            fail_after: None,
            latches: false,
            only_startup: false,
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.limit.unwrap_or(PATIENCE)
    }

    pub(crate) const fn ttl(&self, status: Status) -> Ttl {
        if status.passed() {
            self.success_ttl
        } else {
            self.failed_ttl
        }
    }

    pub(crate) const fn threshold(&self, status: Status) -> u32 {
        if status.passed() {
            self.success_threshold
        } else {
            self.failure_threshold
        }
    }

    /// How long a request waits for the first background run to begin. A run that its check has delayed is waited for no
    /// longer than a run may take; otherwise a report would sit out the delay.
    pub(crate) fn begins_within(&self) -> Duration {
        match self.initial_delay {
            Some(_) => self.patience(),
            None => PATIENCE,
        }
    }

    /// How old a background result may be: the result of a dead loop must not stay green.
    /// Two intervals and the limit; without a limit, three intervals.
    pub(crate) fn oldest_in_background(&self) -> Option<Duration> {
        let interval = self.interval?;
        let run = self.limit.unwrap_or(interval);
        Some(interval.saturating_mul(2).saturating_add(run))
    }
}
