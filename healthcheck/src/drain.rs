//! What takes a service out of rotation from inside: shutting down, and maintenance.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Now;
use crate::health::HealthCheck;
use crate::outcome::Status;

impl HealthCheck {
    /// Readiness fails from now on, "shutting down", and nothing takes that back; the other probes go on.
    pub fn begin_shutdown(&self) {
        if self.core().lifecycle.begin_shutdown() {
            self.core().engine.touch();
            tracing::info!("shutting down: readiness fails from now on");
        }
    }

    /// Whether [`begin_shutdown`](Self::begin_shutdown) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core().lifecycle.is_draining()
    }

    /// Completes once [`begin_shutdown`](Self::begin_shutdown) was called, by anyone.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let core = Arc::clone(self.core());
        async move { core.lifecycle.draining().await }
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
    /// # health.set_drain_delay(Duration::from_millis(1));
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
        async move { core.lifecycle.drained().await }
    }

    /// How long a service that drains goes on answering, from [`begin_shutdown`](Self::begin_shutdown) on. Default: 5 s.
    pub fn set_drain_delay(&self, delay: Duration) {
        self.core().lifecycle.drain_for(delay);
    }

    /// How long a service that drains goes on answering.
    #[must_use]
    pub fn drain_delay(&self) -> Duration {
        self.core().lifecycle.drain_delay()
    }

    /// Ends the drain before its delay is over, so that [`drained`](Self::drained) completes.
    pub fn end_drain(&self) {
        self.core().lifecycle.end_drain();
    }

    /// Readiness fails, "maintenance: …", until [`end_maintenance`](Self::end_maintenance). The reason is redacted;
    /// called again it changes the reason.
    pub fn maintenance(&self, reason: impl Into<String>) {
        let reason = self.core().engine.redaction.text(&reason.into()).into_owned();
        let before = self.core().lifecycle.set_maintenance(Some(reason.clone()));
        if before.as_ref() == Some(&reason) {
            return;
        }
        tracing::warn!(reason, "maintenance begins: readiness fails");
        if before.is_none() {
            let changes = &self.core().engine.changes;
            changes.record_maintenance(Status::Fail, reason.into(), Now::read());
        }
        self.core().engine.touch();
    }

    /// Ends what [`maintenance`](Self::maintenance) began.
    pub fn end_maintenance(&self) {
        if self.core().lifecycle.set_maintenance(None).is_some() {
            tracing::info!("maintenance ends");
            let engine = &self.core().engine;
            engine
                .changes
                .record_maintenance(Status::Pass, Value::Null, Now::read());
            engine.touch();
        }
    }

    /// Why readiness is in maintenance, if it is.
    #[must_use]
    pub fn maintenance_reason(&self) -> Option<String> {
        self.core().lifecycle.maintenance()
    }
}
