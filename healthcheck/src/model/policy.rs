//! `Policy`: the effective timing options of a check or section.

use std::time::Duration;

use crate::outcome::Status;

/// The effective timing options of a check or section. They never change after the check or section is added. Checks
/// with the same options share one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// The timeout of a run; `None` means no timeout.
    pub(crate) limit: Option<Duration>,
    pub(crate) success_ttl: Ttl,
    pub(crate) failed_ttl: Ttl,
    /// The interval of the background runs. A request doesn't start a run of a check with an interval, but reads the
    /// check's last result.
    pub(crate) interval: Option<Duration>,
    pub(crate) initial_delay: Option<Duration>,
    /// How many runs in a row must fail before the check is shown as failing.
    pub(crate) failure_threshold: u32,
    /// How many runs in a row must pass before the check is shown as passing again.
    pub(crate) success_threshold: u32,
    /// How many runs in a row must warn before a passing check is shown as a warning.
    pub(crate) warn_threshold: u32,
    /// How long a failure is shown as a warning before it is shown as a failure.
    pub(crate) fail_after: Option<Duration>,
    /// Whether the check belongs to the startup probe. This probe shows the check's first pass until the process ends.
    pub(crate) latches: bool,
    /// Whether the check belongs to no probe other than startup. Such a check never runs again after its first pass.
    pub(crate) only_startup: bool,
}

/// How long a result is cached; with `lasts: None` the result isn't cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ttl {
    pub(crate) lasts: Option<Duration>,
    /// Whether the service set the TTL explicitly, by an option, the builder or the settings. If not, the `max_age` of
    /// a selection can shorten the TTL.
    pub(crate) chosen: bool,
}

/// How long a request waits for a run that has no timeout or can't start. After this time, the request no longer waits
/// for that check.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Ttl {
    /// The TTL of results that are never cached. The `max_age` of a selection doesn't change this TTL.
    pub(crate) const NONE: Self = Self::chosen(None);

    pub(crate) const fn chosen(lasts: Option<Duration>) -> Self {
        Self { lasts, chosen: true }
    }
}

impl Policy {
    /// Returns the policy of a section. A section has no thresholds, and runs only when a caller needs its value.
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

    /// Returns how long a request waits for the first background run to begin.
    ///
    /// If the check has an initial delay and a timeout, the request waits for the timeout instead of the whole delay.
    /// Otherwise, it waits for [`PATIENCE`].
    pub(crate) fn begins_within(&self) -> Duration {
        match self.initial_delay {
            Some(_) => self.patience(),
            None => PATIENCE,
        }
    }

    /// Returns the age at which the last result of a background check counts as a failure. Without this rule, the check
    /// would still be shown as passing after its background loop has died.
    ///
    /// The age is two intervals + timeout, or three intervals if the check has no timeout. With the interval 30 s and
    /// the timeout 5 s, the age is 65 s.
    pub(crate) fn oldest_in_background(&self) -> Option<Duration> {
        let interval = self.interval?;
        let run = self.limit.unwrap_or(interval);
        Some(interval.saturating_mul(2).saturating_add(run))
    }
}
