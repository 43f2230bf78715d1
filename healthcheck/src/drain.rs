//! What takes a service out of rotation from inside: shutting down, and maintenance.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::health::HealthCheck;
use crate::world::Event;

/// How long a service that shuts down goes on answering, so that load balancers notice: 5 s.
const DELAY: Duration = Duration::from_secs(5);

/// How far a shutdown has come, for those who wait for it.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    /// What every answer asks, without the lock of `phase`.
    has_begun: AtomicBool,
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
    delay: Duration,
    /// When draining began.
    since: Option<Instant>,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
            has_begun: AtomicBool::new(false),
            state: Mutex::new(State {
                delay: DELAY,
                since: None,
            }),
        }
    }
}

impl Drain {
    /// Begins; nothing takes it back.
    fn begin(&self) {
        self.lock().since.get_or_insert_with(Instant::now);
        self.advance(Phase::Draining);
    }

    fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Completes once draining has begun and its delay is over.
    async fn is_over(&self) {
        self.reached(Phase::Draining).await;
        let until = {
            let state = self.lock();
            state.since.and_then(|since| since.checked_add(state.delay))
        };
        // The server ends it; without one it ends by the time.
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
                // Before those who wait for it are woken.
                self.has_begun.store(true, Ordering::Release);
            }
            forward
        });
    }

    async fn reached(&self, wanted: Phase) {
        // An error means that the sender is gone; it is ours.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= wanted).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthCheck {
    /// Readiness fails from now on, "shutting down", and nothing takes that back; the other probes go on.
    pub fn begin_shutdown(&self) {
        // Readiness fails before those are woken who wait for it.
        self.core().runner.step(Event::Drain);
        self.core().drain.begin();
    }

    /// Whether [`begin_shutdown`](Self::begin_shutdown) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core().drain.has_begun()
    }

    /// Completes once [`begin_shutdown`](Self::begin_shutdown) was called, by anyone.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.reached(Phase::Draining).await }
    }

    /// Completes once draining has begun and its delay (5 s from then, or what the server was told) is over: the moment
    /// for a server of one's own to stop accepting.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use healthcheck::HealthCheck;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), healthcheck::BuildError> {
    /// # let health = HealthCheck::builder().discover(false).build()?;
    /// # health.set_shutdown_delay(Duration::from_millis(1));
    /// // As in `axum::serve(listener, app).with_graceful_shutdown(health.drained())`.
    /// let server = tokio::spawn(health.drained());
    /// health.begin_shutdown();
    /// assert!(health.is_draining());
    /// # let _ =
    /// server.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drained(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.drain.is_over().await }
    }

    /// How long a service that drains goes on answering, from [`begin_shutdown`](Self::begin_shutdown) on. Default: 5 s.
    pub fn set_shutdown_delay(&self, delay: Duration) {
        self.core().drain.lock().delay = delay;
    }

    /// How long a service that drains goes on answering.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        self.core().drain.lock().delay
    }

    /// Ends the drain before its delay is over, so that [`drained`](Self::drained) completes.
    pub fn end_drain(&self) {
        self.core().drain.advance(Phase::Drained);
    }

    /// Readiness fails, "maintenance: …", until [`end_maintenance`](Self::end_maintenance). The reason is redacted;
    /// called again it changes the reason.
    pub fn begin_maintenance(&self, reason: impl Into<String>) {
        let runner = &self.core().runner;
        let reason = runner.redaction.text(&reason.into()).into_owned();
        runner.step(Event::Maintenance(Some(reason)));
    }

    /// Ends what [`begin_maintenance`](Self::begin_maintenance) began.
    pub fn end_maintenance(&self) {
        self.core().runner.step(Event::Maintenance(None));
    }

    /// Why readiness is in maintenance, if it is.
    #[must_use]
    pub fn maintenance_reason(&self) -> Option<String> {
        self.core()
            .runner
            .read(|world| world.maintenance().map(str::to_owned))
    }
}
