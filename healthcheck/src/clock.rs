//! Reads the monotonic clock and the wall clock. The state machine doesn't read the clocks itself: it gets their times
//! from this module.

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
