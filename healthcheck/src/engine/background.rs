//! The loop that runs the checks with an interval: one task for all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::attempt::Wanted;
use super::{Engine, Slot, task};
use crate::clock::Now;

/// Whether the loop is alive. It dies with its runtime; the next one who asks starts it again.
#[derive(Debug, Default)]
pub(crate) struct Background {
    state: AtomicU64,
    task: Mutex<Option<AbortHandle>>,
    /// Whether any check has an interval.
    wanted: bool,
}

/// How often it is looked for what time alone has changed.
const LOOK_AROUND: Duration = Duration::from_secs(1);

const NEVER_STARTED: u64 = 0;
const ALIVE: u64 = 1;
const DIED: u64 = 2;
/// For good: nobody asks any more.
const ENDED: u64 = 3;

impl Background {
    pub(super) fn new(slots: &[Slot]) -> Self {
        let wanted = slots.iter().any(|slot| slot.policy.interval.is_some());
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Whether any check has an interval.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Whether the loop ought to run and doesn't: nothing is fresh for long without it.
    pub(crate) fn is_down(&self) -> bool {
        self.wanted && self.state.load(Ordering::Acquire) != ALIVE
    }

    /// Starts the loop where there is something to run and no loop.
    pub(crate) fn ensure(&self, engine: &Arc<Engine>, home: &Handle) {
        let before = self.state.load(Ordering::Acquire);
        if before == ALIVE || before == ENDED || !self.wanted {
            return;
        }
        if self
            .state
            .compare_exchange(before, ALIVE, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
        {
            return;
        }
        let alive = Alive(Arc::downgrade(engine));
        let task = task::spawn(home, run(alive, home.clone())).abort_handle();
        // A runtime that is gone drops the loop inside `spawn`.
        if before != NEVER_STARTED && !self.is_down() {
            tracing::warn!(
                "the loop of the background health checks had ended with its runtime: started again"
            );
        }
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends the loop with the last `HealthCheck`. A run that is stuck keeps the engine for longer than that.
    pub(crate) fn end(&self) {
        self.state.store(ENDED, Ordering::Release);
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

/// Says that the loop has died when it is dropped, and wakes those who wait for a first result.
struct Alive(Weak<Engine>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(engine) = self.0.upgrade() {
            // An error means that it was ended.
            let _ =
                engine
                    .background
                    .state
                    .compare_exchange(ALIVE, DIED, Ordering::AcqRel, Ordering::Acquire);
            for slot in engine.slots.iter().filter(|slot| slot.policy.interval.is_some()) {
                slot.ended.notify_waiters();
            }
        }
    }
}

async fn run(alive: Alive, home: Handle) {
    let mut jitter = Jitter::new();
    let mut due: BinaryHeap<Reverse<(Instant, u32)>> = BinaryHeap::new();
    if let Some(engine) = alive.0.upgrade() {
        let now = Instant::now();
        for (index, slot) in (0..).zip(&engine.slots) {
            if slot.policy.interval.is_some() {
                let delay = jitter.around(slot.policy.initial_delay.unwrap_or_default());
                due.push(Reverse((later(now, delay), index)));
            }
        }
    }
    let mut noted = None;
    while let Some(Reverse((at, index))) = due.pop() {
        tokio::time::sleep_until(at).await;
        // Only for the moment: the loop ends with the last that holds the engine.
        let Some(engine) = alive.0.upgrade() else { return };
        let now = Now::read();
        // All of them at each turn would be the square of how many there are.
        if noted.is_none_or(|noted| now.mono.saturating_duration_since(noted) >= LOOK_AROUND) {
            noted = Some(now.mono);
            engine.note_all(now);
        }
        engine.begin(index, Wanted::Anyway, &home);
        let slot = engine.slot(index);
        if let Some(interval) = slot.policy.interval {
            due.push(Reverse((later(now.mono, jitter.around(interval)), index)));
        }
        // A run's limit ends it even where nobody asks and no other check is due before.
        if slot.policy.limit.is_some() {
            engine.overdue.watch(&engine, &home);
        }
    }
}

/// What lies beyond the clock comes in as many years as tokio's timers can wait.
fn later(now: Instant, delay: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now.checked_add(delay).unwrap_or(now + FAR)
}

/// ± 10 %, so that a fleet started together doesn't beat in step. Nothing secret hangs on it.
struct Jitter(u64);

impl Jitter {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    fn around(&mut self, duration: Duration) -> Duration {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let share = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        // Too long to be told as seconds is too long for jitter to matter.
        Duration::try_from_secs_f64(duration.as_secs_f64() * (0.9 + 0.2 * share)).unwrap_or(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth_each_way_and_not_always_the_same() {
        let mut jitter = Jitter::new();
        let drawn: Vec<Duration> = (0..1_000)
            .map(|_| jitter.around(Duration::from_secs(10)))
            .collect();
        assert!(drawn.iter().all(|it| (9.0..=11.0).contains(&it.as_secs_f64())));
        assert!(
            drawn.iter().any(|it| it.as_secs_f64() < 9.5) && drawn.iter().any(|it| it.as_secs_f64() > 10.5)
        );
    }
}
