//! How an attempt ends: with its result, past its limit, unneeded, or lost with its runtime.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::running::{Phase, RunId};
use super::{Next, State};
use crate::clock::{self, Now};
use crate::engine::blocking::Place;
use crate::engine::policy::{PATIENCE, Policy};
use crate::outcome::Status;

impl State {
    /// Whether a run of this start, ended now, is past its limit.
    pub(crate) fn is_late(&self, id: RunId, policy: &Policy, now: Now) -> bool {
        self.next(id, policy, now) == Next::Expire
    }

    /// Ends a run with its result; a late one's result is discarded.
    pub(crate) fn finish(
        &mut self,
        id: RunId,
        policy: &Policy,
        now: Now,
        status: Status,
        output: Value,
    ) -> bool {
        let Some(running) = self.running.take_if(|running| running.id == id) else {
            return false;
        };
        self.ended(id, now.mono);
        if running.expired {
            self.recheck |= running.lasts;
            return false;
        }
        let took = now.mono.saturating_duration_since(running.since);
        self.publish(policy, running.took.unwrap_or(took), now, status, output);
        true
    }

    /// Tells the failure of a run that is past its limit. The run keeps the slot until it has really ended.
    pub(crate) fn expire(&mut self, id: RunId, policy: &Policy, now: Now) -> Option<Stuck> {
        let running = self.current(id).filter(|running| !running.expired)?;
        running.expired = true;
        let limit = clock::human(policy.limit.unwrap_or_default());
        let patience = clock::human(PATIENCE);
        let output = match running.phase {
            Phase::Started => format!("timed out after {limit}"),
            Phase::Queued => format!("timed out after {limit}, before it could start"),
            Phase::Waiting => format!("timed out after {patience}, before it could start"),
            Phase::Returned => format!("failed, and its runtime hasn't told why for {patience}"),
        };
        let stuck = Stuck {
            task: running.task.take(),
            place: running.place.take(),
        };
        let took = now.mono.saturating_duration_since(running.since);
        self.ended_at = Some(now.mono);
        self.publish(policy, took, now, Status::Fail, output.into());
        Some(stuck)
    }

    /// Says again, once its failure isn't fresh any more, that a run is stuck: no run, so no threshold counts it, and
    /// none holds what was shown before, nor what is shown once it has ended.
    pub(crate) fn renew(&mut self, now: Now) {
        let Some(running) = self.running.as_mut().filter(|running| running.expired) else {
            return;
        };
        running.lasts = true;
        self.verdict.fail();
        let since = clock::rfc3339(running.since_wall);
        let lasted = clock::human(now.mono.saturating_duration_since(running.since));
        if let Some(last) = &mut self.last {
            last.output =
                format!("still running since {since} ({lasted}); not started again until it ends").into();
            last.at = now;
        }
    }

    /// Ends an attempt that needed no run after all.
    pub(crate) fn release(&mut self, id: RunId, now: Instant) {
        if self.running.take_if(|running| running.id == id).is_some() {
            self.ended(id, now);
        }
    }

    /// The attempt is dropped; gives whether it was unfinished.
    pub(crate) fn lose(&mut self, id: RunId, now: Instant) -> bool {
        let Some(running) = self.running.take_if(|running| running.id == id) else {
            return false;
        };
        self.ended(id, now);
        self.lost = !running.expired;
        self.recheck |= running.lasts;
        true
    }

    /// Whether a run is stuck for longer than one failure lasts.
    pub(crate) fn stays_stuck(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.lasts)
    }

    fn ended(&mut self, id: RunId, now: Instant) {
        self.ended_id = id;
        self.ended_at = Some(now);
        self.lost = false;
    }
}

/// What is left to do for a run past its limit.
#[derive(Debug)]
pub(crate) struct Stuck {
    pub(super) task: Option<JoinHandle<()>>,
    pub(super) place: Option<Arc<Place>>,
}

impl Stuck {
    /// Drops an async run at its next await, and gives a sync run's place to the next one.
    pub(crate) fn let_go(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        if let Some(place) = self.place {
            place.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use super::*;
    use crate::engine::policy::Ttl;

    const POLICY: Policy = Policy::of_section(Some(Duration::from_secs(1)), Ttl::NONE, Ttl::NONE);

    #[tokio::test]
    async fn a_run_whose_limit_is_over_before_its_handle_is_known_is_ended_all_the_same() {
        let mut state = State::default();
        let id = state.reserve(Now::read(), false).unwrap();
        assert!(state.start(id));
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        state.expire(id, &POLICY, Now::read()).unwrap().let_go();
        let late = state.attach(id, Some(task), None);
        late.unwrap().let_go();
        assert!(dropped.await.is_err());
    }
}
