//! What stands in the `warnings` of every report.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

/// So many that were added by hand are kept: one that names a number is another one each time.
const MOST_ADDED: usize = 64;

/// Sentences from the build, and those added since.
pub(crate) struct Warnings {
    built: Vec<String>,
    added: RwLock<VecDeque<String>>,
}

impl Warnings {
    pub(crate) fn new(built: Vec<String>) -> Self {
        Self {
            built,
            added: RwLock::default(),
        }
    }

    /// Whether it wasn't there yet; the oldest of too many goes.
    pub(crate) fn add(&self, text: String) -> bool {
        // Under the lock only texts are compared and moved.
        let mut added = self.added.write().unwrap_or_else(PoisonError::into_inner);
        if self.built.contains(&text) || added.contains(&text) {
            return false;
        }
        if added.len() == MOST_ADDED {
            added.pop_front();
        }
        added.push_back(text);
        true
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        self.built.iter().chain(&*added).cloned().collect()
    }
}
