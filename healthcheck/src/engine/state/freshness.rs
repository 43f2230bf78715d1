//! How long what is known holds: when a run is due, until when a result is cached, and when it is too old to be told.

use std::time::Duration;

use super::running::Phase;
use super::{Finished, State};
use crate::clock::{Now, Until};
use crate::engine::policy::{PATIENCE, Policy, Ttl};
use crate::outcome::Status;
use crate::selection::MaxAge;

/// How much longer than its TTL and limit a result may still be shown while the next run is going.
const STALE_GRACE: Duration = Duration::from_secs(60);

impl State {
    /// Until when no run is needed; `None`: one is due.
    pub(crate) fn fresh_until(&self, policy: &Policy, now: Now, max_age: Option<MaxAge>) -> Option<Until> {
        if self.is_over(policy) {
            return Some(Until::NEVER);
        }
        let last = self.last.as_ref()?;
        if self.recheck {
            return None;
        }
        let lasts = match policy.oldest_in_background() {
            // Its loop runs it, and whoever asks does where the loop was held up: by a dependency, by a machine that
            // was suspended.
            Some(oldest) => oldest,
            None => effective_ttl(policy.ttl(last.status), last.status, max_age)?,
        };
        let until = last.at.after(lasts);
        (!until.passed(now)).then_some(until)
    }

    /// Until when the result is cached, as told in `expires`.
    pub(crate) fn expires(&self, policy: &Policy) -> Option<Until> {
        let last = self.last.as_ref()?;
        if self.is_over(policy) {
            return None;
        }
        Some(last.at.after(policy.interval.or(policy.ttl(last.status).lasts)?))
    }

    /// Whether it needs no run any more: a startup check that has passed.
    pub(crate) const fn is_over(&self, policy: &Policy) -> bool {
        policy.only_startup && self.latched.is_some()
    }

    /// Whether it is a background result that is too old to be told. A wall clock that was set forward makes it due, and
    /// doesn't say that its loop is dead.
    pub(crate) fn is_stale(&self, policy: &Policy, now: Now) -> bool {
        let (Some(last), Some(oldest)) = (&self.last, policy.oldest_in_background()) else {
            return false;
        };
        !self.is_over(policy) && last.at.after(oldest).elapsed(now)
    }

    /// Whether the first result is still to come, and from the loop.
    pub(crate) fn waits_for_loop(&self, policy: &Policy) -> bool {
        policy.interval.is_some() && self.last.is_none() && !self.recheck
    }

    /// Whether the last result may still be told although the next one is due, or its run is going on.
    pub(crate) fn may_show_stale(&self, policy: &Policy, now: Now) -> bool {
        let in_time = self.running.as_ref().is_none_or(|running| {
            let patience = if running.phase == Phase::Started {
                policy.patience()
            } else {
                PATIENCE
            };
            now.mono.saturating_duration_since(running.since) < patience
        });
        in_time
            && self
                .last
                .as_ref()
                .is_some_and(|last| !last.is_outdated(policy, now))
    }

    /// Whether nothing recent is known: no result yet, or one that even a later answer no more shows as stale.
    pub(crate) fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        match (&self.last, policy.oldest_in_background()) {
            (None, _) => true,
            _ if self.is_stuck() || self.is_over(policy) => false,
            (Some(last), Some(oldest)) => last.at.after(oldest).passed(now),
            (Some(last), None) => last.is_outdated(policy, now),
        }
    }
}

impl Finished {
    fn is_outdated(&self, policy: &Policy, now: Now) -> bool {
        let ttl = policy.ttl(self.status).lasts.unwrap_or_default();
        let oldest = ttl.saturating_add(policy.patience()).saturating_add(STALE_GRACE);
        self.at.after(oldest).passed(now)
    }
}

fn effective_ttl(ttl: Ttl, status: Status, max_age: Option<MaxAge>) -> Option<Duration> {
    let lasts = ttl.lasts?;
    Some(match max_age {
        Some(age) if !ttl.chosen => lasts.min(if status.passed() { age.pass } else { age.fail }),
        _ => lasts,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_wall_clock_set_forward_makes_a_background_result_due_and_not_stale() {
        let policy = Policy {
            interval: Some(Duration::from_secs(10)),
            ..Policy::of_section(None, Ttl::NONE, Ttl::NONE)
        };
        let at = Now::read();
        let state = State {
            last: Some(Finished {
                status: Status::Pass,
                output: Value::Null,
                at,
                took: Duration::ZERO,
            }),
            ..State::default()
        };
        let hour = Duration::from_secs(3_600);
        let set_forward = Now {
            wall: at.wall + hour,
            ..at
        };
        assert_eq!(state.fresh_until(&policy, set_forward, None), None);
        assert!(!state.is_stale(&policy, set_forward));
        let later = Now {
            mono: at.mono + hour,
            ..at
        };
        assert!(state.is_stale(&policy, later), "its loop is dead");
    }
}
