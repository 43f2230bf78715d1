//! Attempts on their way to the runtime.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::attempt::{Attempt, Wanted};
use super::{Engine, task};

/// More are launched by a task than by whoever asked for them.
const TOGETHER: usize = 64;

/// What one caller found to be due, with its slots reserved. Thousands of tasks are spawned by several tasks, since a
/// worker of the runtime hands a task to itself at a fraction of what a foreign thread pays for it.
///
/// Dropped with attempts in it, it frees their slots.
pub(super) struct Due<'a> {
    engine: &'a Arc<Engine>,
    wanted: Wanted,
    home: &'a Handle,
    alone: Vec<Attempt>,
}

impl<'a> Due<'a> {
    pub(super) const fn new(engine: &'a Arc<Engine>, wanted: Wanted, home: &'a Handle) -> Self {
        Self {
            engine,
            wanted,
            home,
            alone: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, attempt: Attempt) {
        if !attempt.is_alone() {
            return attempt.launch(self.engine, self.wanted, self.home);
        }
        self.alone.push(attempt);
        if self.alone.len() == TOGETHER {
            let attempts = std::mem::take(&mut self.alone);
            let (engine, wanted, home) = (Arc::clone(self.engine), self.wanted, self.home.clone());
            task::spawn(self.home, async move { launch(attempts, &engine, wanted, &home) });
        }
    }

    pub(super) fn launch(self) {
        launch(self.alone, self.engine, self.wanted, self.home);
    }
}

fn launch(attempts: Vec<Attempt>, engine: &Engine, wanted: Wanted, home: &Handle) {
    for attempt in attempts {
        attempt.launch(engine, wanted, home);
    }
}
