//! Reads the monotonic clock and the wall clock. The state machine gets their times from here.

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
