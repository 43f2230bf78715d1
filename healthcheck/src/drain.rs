//! The drain: the time from the beginning of a shutdown until a server may stop accepting connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The default time for which a service still answers after a shutdown has begun. Load balancers notice the shutdown in
/// this time.
const DELAY: Duration = Duration::from_secs(5);

/// The progress of a shutdown. Tasks can wait until the shutdown reaches a phase.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    /// Whether draining has begun. Every request reads this atomic, because reading `phase` would take a lock.
    has_begun: AtomicBool,
    state: Mutex<Timing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Drained,
}

#[derive(Debug)]
struct Timing {
    delay: Duration,
    /// The time at which draining began; `None` if it hasn't begun.
    since: Option<Instant>,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
            has_begun: AtomicBool::new(false),
            state: Mutex::new(Timing {
                delay: DELAY,
                since: None,
            }),
        }
    }
}

impl Drain {
    /// Begins the drain. A drain can't be undone.
    pub(crate) fn begin(&self) {
        self.lock().since.get_or_insert_with(Instant::now);
        self.advance(Phase::Draining);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Completes once draining has begun and its delay is over.
    pub(crate) async fn is_over(&self) {
        self.reached(Phase::Draining).await;
        let until = {
            let state = self.lock();
            state.since.and_then(|since| since.checked_add(state.delay))
        };
        // The drain ends after its delay, or earlier if a server calls `end`.
        match until {
            Some(until) => drop(tokio::time::timeout_at(until, self.reached(Phase::Drained)).await),
            None => self.reached(Phase::Drained).await,
        }
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            if forward {
                *phase = to;
                // Set `has_begun` inside this closure. The watch channel wakes the waiting tasks only after the closure
                // has returned, so a woken task always sees that `has_begun` is true.
                self.has_begun.store(true, Ordering::Release);
            }
            forward
        });
    }

    async fn reached(&self, wanted: Phase) {
        // `wait_for` fails only if the sender is dropped, and `self` holds the sender.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= wanted).await;
    }

    /// Completes once draining has begun.
    pub(crate) async fn is_under_way(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Ends the drain. Does nothing if the drain hasn't begun.
    pub(crate) fn end(&self) {
        if self.has_begun() {
            self.advance(Phase::Drained);
        }
    }

    pub(crate) fn delay(&self) -> Duration {
        self.lock().delay
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    fn lock(&self) -> MutexGuard<'_, Timing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_is_ended_before_it_begins_lasts_for_its_delay_all_the_same() {
        let drain = Drain::default();
        drain.end();
        assert!(!drain.has_begun());
        drain.begin();
        let began = Instant::now();
        drain.is_over().await;
        assert_eq!(began.elapsed().as_secs(), DELAY.as_secs());
    }
}
