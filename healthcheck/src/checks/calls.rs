//! Counts the calls that passed and failed within a sliding time window.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const TENTHS: usize = 10;

/// A ring buffer with the call counters of a time window. The window is split into ten equal parts, its tenths. Each
/// new tenth overwrites the oldest tenth.
#[derive(Debug)]
pub(super) struct Calls {
    created: Instant,
    tenth: Duration,
    ring: Mutex<[Tenth; TENTHS]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tenth {
    /// The index of this tenth. Tenth 0 begins at `Calls::created`.
    number: u128,
    passed: u64,
    failed: u64,
}

impl Calls {
    pub(super) fn new(window: Duration) -> Self {
        let tenth = (window / TENTHS as u32).max(Duration::from_nanos(1));
        Self {
            created: Instant::now(),
            tenth,
            ring: Mutex::default(),
        }
    }

    /// Counts a call that has just ended.
    pub(super) fn record(&self, passed: bool) {
        let number = self.now();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (number % TENTHS as u128) as usize;
        let Some(tenth) = ring.get_mut(place) else { return };
        if tenth.number < number {
            *tenth = Tenth {
                number,
                ..Tenth::default()
            };
        }
        let count = if passed {
            &mut tenth.passed
        } else {
            &mut tenth.failed
        };
        *count = count.saturating_add(1);
    }

    /// Returns how many calls passed and how many failed within the window.
    pub(super) fn count(&self) -> (u64, u64) {
        let now = self.now();
        let ring = *self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter()
            .filter(|tenth| tenth.number.saturating_add(TENTHS as u128) > now)
            .fold((0, 0), |(passed, failed), tenth| {
                (
                    tenth.passed.saturating_add(passed),
                    tenth.failed.saturating_add(failed),
                )
            })
    }

    fn now(&self) -> u128 {
        self.created.elapsed().as_nanos() / self.tenth.as_nanos().max(1)
    }
}
