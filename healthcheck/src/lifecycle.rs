//! Where the service is in its life, beside what its checks say: serving, in maintenance, shutting down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a service that shuts down goes on answering, so that load balancers notice: 5 s.
const DRAIN_DELAY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Lifecycle {
    phase: watch::Sender<Phase>,
    /// What every answer asks, without the lock of `phase`.
    is_draining: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Drained,
}

#[derive(Debug)]
struct State {
    maintenance: Option<String>,
    drain_delay: Duration,
    /// When draining began.
    draining_since: Option<Instant>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let state = State {
            maintenance: None,
            drain_delay: DRAIN_DELAY,
            draining_since: None,
        };
        Self {
            phase: watch::Sender::new(Phase::Serving),
            is_draining: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }
}

impl Lifecycle {
    /// Begins to drain; gives whether it hadn't begun before. Nothing takes it back.
    pub(crate) fn begin_shutdown(&self) -> bool {
        self.lock().draining_since.get_or_insert_with(Instant::now);
        self.advance(Phase::Draining)
    }

    /// The delay is over.
    pub(crate) fn end_drain(&self) {
        self.advance(Phase::Drained);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Completes once draining has begun.
    pub(crate) async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Completes once draining has begun and its delay is over.
    pub(crate) async fn drained(&self) {
        self.draining().await;
        let until = {
            let state = self.lock();
            state
                .draining_since
                .and_then(|since| since.checked_add(state.drain_delay))
        };
        // Whoever serves ends it; who only waits goes by the time.
        match until {
            Some(until) => drop(tokio::time::timeout_at(until, self.reached(Phase::Drained)).await),
            None => self.reached(Phase::Drained).await,
        }
    }

    pub(crate) fn drain_for(&self, delay: Duration) {
        self.lock().drain_delay = delay;
    }

    pub(crate) fn drain_delay(&self) -> Duration {
        self.lock().drain_delay
    }

    /// Sets or ends maintenance; gives what it was before.
    pub(crate) fn set_maintenance(&self, reason: Option<String>) -> Option<String> {
        std::mem::replace(&mut self.lock().maintenance, reason)
    }

    pub(crate) fn maintenance(&self) -> Option<String> {
        self.lock().maintenance.clone()
    }

    fn advance(&self, to: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            if forward {
                *phase = to;
                // Before those who wait for it are woken.
                self.is_draining.store(true, Ordering::Release);
            }
            forward
        })
    }

    async fn reached(&self, wanted: Phase) {
        // An error means that the sender is gone; it is ours.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= wanted).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
