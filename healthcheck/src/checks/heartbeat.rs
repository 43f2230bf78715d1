use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::span::span;
use crate::Outcome;

/// Checks that a worker regularly calls [`beat`](Self::beat). The check fails if the last beat is longer ago than the
/// `max_age` that you pass to [`new`](Self::new).
///
/// Clones share the heartbeat: use one clone in the worker, and pass another clone to the check.
///
/// Before the first beat, the check measures the time since the call of [`new`](Self::new). So the check notices a
/// worker that never starts.
///
/// A beat costs a clock read and a store, about 25 ns, and takes no lock. The clock is monotonic: setting the machine's
/// time has no effect. The clock stops while the machine is suspended.
///
/// The check doesn't see what the worker does between two beats.
///
/// If several workers share a heartbeat and one of them stops, the check doesn't notice. So use a separate heartbeat
/// for each worker, or use [`Progress`](super::Progress).
///
/// ```
/// use std::time::Duration;
///
/// use healthcheck::Outcome;
/// use healthcheck::checks::Heartbeat;
///
/// // #[health_check(liveness)]
/// fn consumer(beat: &Heartbeat) -> Outcome {
///     beat.check()
/// }
///
/// let beat = Heartbeat::new(Duration::from_secs(30));
/// let worker = beat.clone();
/// std::thread::spawn(move || worker.beat()).join().map_err(|_| "the worker panicked")?;
/// assert_eq!(consumer(&beat).status(), healthcheck::Status::Pass);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct Heartbeat {
    max_age: Duration,
    warn_age: Option<Duration>,
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
struct Pulse {
    created: Instant,
    /// Nanoseconds from `created` to the last beat; 0 before the first beat. A `u64` is enough for 584 years.
    last: AtomicU64,
}

impl Heartbeat {
    /// Returns a heartbeat whose check fails once the last beat is longer ago than `max_age`. For `max_age`, choose a
    /// few times the usual time between two beats.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        let pulse = Pulse {
            created: Instant::now(),
            last: AtomicU64::new(0),
        };
        Self {
            max_age,
            warn_age: None,
            pulse: Arc::new(pulse),
        }
    }

    /// Sets the age of the last beat above which the check warns. By default, the check never warns.
    #[must_use]
    pub const fn warn_after(mut self, age: Duration) -> Self {
        self.warn_age = Some(age);
        self
    }

    /// Records that the worker is alive now.
    pub fn beat(&self) {
        let since = u64::try_from(self.pulse.created.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.pulse.last.store(since.max(1), Ordering::Relaxed);
    }

    /// Returns the time since the last beat. If there was no beat yet, returns the time since the creation of this
    /// heartbeat.
    #[must_use]
    pub fn age(&self) -> Duration {
        let last = Duration::from_nanos(self.pulse.last.load(Ordering::Relaxed));
        self.pulse.created.elapsed().saturating_sub(last)
    }

    /// Runs the check. It passes or warns if the last beat is at most `max_age` ago, and fails otherwise.
    pub fn check(&self) -> Outcome {
        let age = self.age();
        let found = match self.pulse.last.load(Ordering::Relaxed) {
            0 => format!("no beat since the start {} ago", span(age)),
            _ => format!("last beat {} ago", span(age)),
        };
        if age > self.max_age {
            Outcome::fail(format!("{found}, longer than {}", span(self.max_age)))
        } else if let Some(warn_age) = self.warn_age.filter(|&warn_age| age > warn_age) {
            Outcome::warn(format!("{found}, longer than {}", span(warn_age)))
        } else {
            Outcome::pass(found)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::time::advance;

    use super::*;
    use crate::Status;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_stops_beating_is_noticed_and_one_that_resumes_passes() {
        let beat = Heartbeat::new(30 * SECOND).warn_after(10 * SECOND);
        let worker = beat.clone();
        advance(5 * SECOND).await;
        worker.beat();
        advance(10 * SECOND).await;
        assert_eq!(beat.check().status(), Status::Pass);
        advance(SECOND).await;
        assert_eq!(beat.check().output(), "last beat 11 s ago, longer than 10 s");
        assert_eq!(beat.check().status(), Status::Warn);
        advance(20 * SECOND).await;
        assert_eq!(beat.check().output(), "last beat 31 s ago, longer than 30 s");
        assert_eq!(beat.check().status(), Status::Fail);
        worker.beat();
        assert_eq!(beat.check().status(), Status::Pass);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_never_starts_is_noticed() {
        let beat = Heartbeat::new(30 * SECOND);
        assert_eq!(beat.check().status(), Status::Pass);
        advance(31 * SECOND).await;
        assert_eq!(
            beat.check().output(),
            "no beat since the start 31 s ago, longer than 30 s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_beat_counts_even_in_the_moment_of_creation() {
        let beat = Heartbeat::new(SECOND);
        beat.beat();
        assert!(beat.check().output().as_str().unwrap().starts_with("last beat"));
    }

    #[test]
    fn many_workers_may_beat_at_once() {
        let beat = Heartbeat::new(60 * SECOND);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| beat.beat()));
            }
        });
        assert!(beat.age() < 60 * SECOND);
        assert_eq!(beat.check().status(), Status::Pass);
    }
}
