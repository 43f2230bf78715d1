//! The rules that decide whether a result is fresh, stale or outdated, and the type of the time at which a value
//! expires.

use std::time::{Duration, SystemTime};

use super::check::{Check, Finished};
use crate::model::policy::{Policy, Ttl};
use crate::model::time::{Instant, Now};
use crate::outcome::Status;
use crate::selection::MaxAge;

/// The time at which a value expires, on the monotonic clock and on the wall clock. The value expires as soon as one of
/// the clocks reaches its time. If the time of a clock is `None`, the value never expires by that clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiration {
    mono: Option<Instant>,
    wall: Option<SystemTime>,
}

/// We show a check's last result while the next run is in progress, until the result's age reaches TTL + timeout + this
/// duration.
const STALE_GRACE: Duration = Duration::from_secs(60);
/// The maximum time for which a probe caches a failure of a check that has never passed. If the service set the check's
/// TTL explicitly, that TTL applies instead.
///
/// The short time lets the service become ready soon after its dependency.
const FIRST_FAILURE: Duration = Duration::from_millis(250);

impl Expiration {
    pub(crate) const NEVER: Self = Self {
        mono: None,
        wall: None,
    };

    /// Returns the expiration of a value that is valid from `now` for the duration `lasts`. If a clock can't represent
    /// the end of this duration, the value never expires by that clock.
    pub(crate) fn after(now: Now, lasts: Duration) -> Self {
        Self {
            mono: now.mono.checked_add(lasts),
            wall: now.wall.checked_add(lasts),
        }
    }

    /// Returns the expiration of a value that expires only by the monotonic clock, at this time. With `None`, the value
    /// never expires.
    pub(crate) const fn at(mono: Option<Instant>) -> Self {
        Self { mono, wall: None }
    }

    pub(crate) fn is_over(self, now: Now) -> bool {
        self.mono.is_some_and(|mono| now.mono >= mono) || self.wall.is_some_and(|wall| now.wall >= wall)
    }

    /// Returns the earlier time of two expirations, separately for each clock.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            mono: earlier(self.mono, other.mono),
            wall: earlier(self.wall, other.wall),
        }
    }

    pub(crate) const fn mono(self) -> Option<Instant> {
        self.mono
    }

    pub(crate) const fn wall(self) -> Option<SystemTime> {
        self.wall
    }
}

/// Returns the earlier of two times. A `None` is later than every time.
pub(crate) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Check {
    /// Returns the time until which the check's last result is fresh, or `None` if the check is due. A check whose
    /// result is fresh needs no run.
    pub(super) fn fresh_until(&self, now: Now, max_age: Option<MaxAge>) -> Option<Expiration> {
        if self.is_over() {
            return Some(Expiration::NEVER);
        }
        let last = self.last.as_ref()?;
        if self.due && !self.is_stuck() {
            return None;
        }
        let lasts = match self.policy.oldest_in_background() {
            // Normally, the background loop runs this check before its result expires. The result expires only if the
            // loop was delayed, for example by a failing dependency or because the machine was suspended.
            Some(oldest) => oldest,
            None => self.ttl_of(last.status, max_age)?,
        };
        let until = Expiration::after(last.at, lasts);
        // Until `fail_after` is over, a failure is shown as a warning. At the end of `fail_after`, the warning becomes
        // a failure without a new run. So the result is fresh only until this time.
        //
        // If the last run ended after this time, we ignore this time.
        let turns_at = self.verdict.turns_at(&self.policy);
        let until = until.min(Expiration::at(turns_at.filter(|&turns| turns > last.at.mono)));
        (!until.is_over(now)).then_some(until)
    }

    fn ttl_of(&self, status: Status, max_age: Option<MaxAge>) -> Option<Duration> {
        let Ttl { lasts, chosen } = self.policy.ttl(status);
        let lasts = lasts?;
        Some(match max_age {
            Some(age) if !chosen && status.passed() => lasts.min(age.pass),
            Some(age) if !chosen && self.verdict.has_passed() => lasts.min(age.fail),
            Some(age) if !chosen => lasts.min(age.fail).min(FIRST_FAILURE),
            _ => lasts,
        })
    }

    /// Returns the time until which we cache the last result. For a background check, this is one interval after the
    /// last run. The report shows this time as `expires`.
    pub(super) fn expires(&self) -> Option<Expiration> {
        let last = self.last.as_ref().filter(|_| !self.is_over())?;
        let lasts = self.policy.interval.or(self.policy.ttl(last.status).lasts)?;
        Some(Expiration::after(last.at, lasts))
    }

    /// Returns the time at which the last result of a background check is too old to be shown.
    ///
    /// We measure the age only by the monotonic clock. Setting the wall clock forward makes the result due, but doesn't
    /// prove that the background loop has stopped.
    pub(super) fn stale_at(&self) -> Option<Instant> {
        let oldest = self.policy.oldest_in_background()?;
        let last = self.last.as_ref().filter(|_| !self.is_over())?;
        last.at.mono.checked_add(oldest)
    }

    /// Returns whether the check has no result yet, and waits for its background loop to start the first run.
    pub(super) fn waits_for_loop(&self) -> bool {
        self.policy.interval.is_some() && self.last.is_none() && !self.due
    }

    /// Returns whether the check has no result, or has one that is too old to be shown at all, even as stale.
    pub(super) fn is_outdated(&self, now: Now) -> bool {
        match (&self.last, self.policy.oldest_in_background()) {
            (None, _) => true,
            _ if self.is_stuck() || self.is_over() => false,
            (Some(last), Some(oldest)) => Expiration::after(last.at, oldest).is_over(now),
            (Some(last), None) => last.is_outdated(&self.policy, now),
        }
    }
}

impl Finished {
    /// Returns whether this result is too old to be shown while the check's next run is in progress.
    pub(super) fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        let ttl = policy.ttl(self.status).lasts.unwrap_or_default();
        let oldest = ttl.saturating_add(policy.patience()).saturating_add(STALE_GRACE);
        Expiration::after(self.at, oldest).is_over(now)
    }
}
