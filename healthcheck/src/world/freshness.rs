//! Until when something holds: the one type for it, and the rules by which results are fresh, stale or outdated.

use std::time::{Duration, SystemTime};

use super::check::{Check, Finished};
use crate::model::policy::{Policy, Ttl};
use crate::model::time::{Instant, Now};
use crate::outcome::Status;
use crate::selection::MaxAge;

/// A moment in the future by both clocks, whichever comes first; `None` is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiration {
    mono: Option<Instant>,
    wall: Option<SystemTime>,
}

/// How much longer than its TTL and its limit a result may still be shown while the next run goes on.
const STALE_GRACE: Duration = Duration::from_secs(60);
/// Before a check's first pass a failure is fresh on a probe for this long: a service is ready when its dependency is.
const FIRST_FAILURE: Duration = Duration::from_millis(250);

impl Expiration {
    pub(crate) const NEVER: Self = Self {
        mono: None,
        wall: None,
    };

    /// The moment `lasts` after `now`; what lies beyond a clock is never.
    pub(crate) fn after(now: Now, lasts: Duration) -> Self {
        Self {
            mono: now.mono.checked_add(lasts),
            wall: now.wall.checked_add(lasts),
        }
    }

    /// A moment by the monotonic clock alone.
    pub(crate) const fn at(mono: Option<Instant>) -> Self {
        Self { mono, wall: None }
    }

    pub(crate) fn is_over(self, now: Now) -> bool {
        self.mono.is_some_and(|mono| now.mono >= mono) || self.wall.is_some_and(|wall| now.wall >= wall)
    }

    /// The earlier of both, by each clock.
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

/// The earlier of two moments, where `None` is never.
pub(crate) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Check {
    /// Until when no run is needed; `None`: one is due.
    pub(super) fn fresh_until(&self, now: Now, max_age: Option<MaxAge>) -> Option<Expiration> {
        if self.is_over() {
            return Some(Expiration::NEVER);
        }
        let last = self.last.as_ref()?;
        if self.due && !self.is_stuck() {
            return None;
        }
        let lasts = match self.policy.oldest_in_background() {
            // Its loop runs it. A request does where the loop was held up: by a dependency, or by a suspended machine.
            Some(oldest) => oldest,
            None => self.ttl_of(last.status, max_age)?,
        };
        let until = Expiration::after(last.at, lasts);
        // A warning that turns by time alone holds until then. One that had turned before this run says nothing about it.
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

    /// Until when the result is cached, as `expires` shows it.
    pub(super) fn expires(&self) -> Option<Expiration> {
        let last = self.last.as_ref().filter(|_| !self.is_over())?;
        let lasts = self.policy.interval.or(self.policy.ttl(last.status).lasts)?;
        Some(Expiration::after(last.at, lasts))
    }

    /// When a background result is too old to be shown. Goes by the monotonic clock: a wall clock that is set forward
    /// makes a result due, and doesn't say that its loop is dead.
    pub(super) fn stale_at(&self) -> Option<Instant> {
        let oldest = self.policy.oldest_in_background()?;
        let last = self.last.as_ref().filter(|_| !self.is_over())?;
        last.at.mono.checked_add(oldest)
    }

    /// Whether the first result is still to come, and from the loop.
    pub(super) fn waits_for_loop(&self) -> bool {
        self.policy.interval.is_some() && self.last.is_none() && !self.due
    }

    /// Whether nothing recent is known: no result yet, or one that is too old to be shown as stale.
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
    /// Whether it is too old to stand for a run that is still going on.
    pub(super) fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        let ttl = policy.ttl(self.status).lasts.unwrap_or_default();
        let oldest = ttl.saturating_add(policy.patience()).saturating_add(STALE_GRACE);
        Expiration::after(self.at, oldest).is_over(now)
    }
}
