//! `Policy`: the effective timing options of a check or section.

use std::time::Duration;

use crate::outcome::Status;

/// The effective timing options of a check or section. They never change after the check or section is added. Most
/// checks share one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// The timeout of a run; `None` means no timeout.
    pub(crate) limit: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
    /// The interval of the background runs. Requests don't run a background check; they read its last result.
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    /// How many runs in a row must fail before the check is shown as failing.
    pub(crate) failure_threshold: u32,
    /// How many runs in a row must pass before the check is shown as passing again.
    pub(crate) success_threshold: u32,
    /// How many runs in a row must warn before the check is shown as a warning.
    pub(crate) warn_threshold: u32,
    /// How long a failure is shown as a warning before it is shown as a failure.
    pub(crate) fail_after: Option<Duration>,
    /// Whether the check belongs to the startup probe, which keeps its first pass until the process ends.
    pub(crate) latches: bool,
    /// Whether the check belongs only to the startup probe. Then it isn't run again once it has passed.
    pub(crate) only_startup: bool,
}

/// How long a result is cached; `lasts: None` means not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ttl {
    pub(crate) lasts: Option<Duration>,
    /// Whether an option, the builder or the settings set the TTL. If not, the `max_age` of a selection can shorten it.
    pub(crate) chosen: bool,
}

/// How long a request waits for a run that has no timeout, or for a run that can't start. After that, the request
/// treats the check as one without a result.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Ttl {
    /// The result is never cached, even if the selection has a `max_age`.
    pub(crate) const NONE: Self = Self::chosen(None);

    pub(crate) const fn chosen(lasts: Option<Duration>) -> Self {
        Self { lasts, chosen: true }
    }
}

impl Policy {
    /// Returns the policy of a section. A section runs only when a caller needs it, and has no thresholds.
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

    /// Returns how long a request waits for the first background run to begin. If the check has an initial delay, this
    /// is the check's timeout, so that a request doesn't wait for the whole delay.
    pub(crate) fn begins_within(&self) -> Duration {
        match self.initial_delay {
            Some(_) => self.patience(),
            None => PATIENCE,
        }
    }

    /// Returns the age at which a background result counts as a failure. So a check doesn't stay green after its
    /// background loop has died.
    ///
    /// The age is two intervals + timeout. Without a timeout it is three intervals.
    pub(crate) fn oldest_in_background(&self) -> Option<Duration> {
        let interval = self.interval?;
        let run = self.limit.unwrap_or(interval);
        Some(interval.saturating_mul(2).saturating_add(run))
    }
}
