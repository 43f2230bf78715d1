//! Reads the clocks for the state machine.

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
