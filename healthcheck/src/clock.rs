//! Reads the monotonic clock and the wall clock.
//!
//! The state machine never reads a clock: its callers pass the times of both clocks to it.

use std::time::SystemTime;

pub(crate) use crate::model::time::{Instant, Now, epoch_seconds};

impl Now {
    pub(crate) fn read() -> Self {
        Self {
            mono: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}
