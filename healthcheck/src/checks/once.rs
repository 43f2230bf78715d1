use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};

use tokio::sync::OnceCell;

use crate::Outcome;

/// Checks that a one-time task has finished. For example, the task warms a cache, runs a migration or loads a model.
///
/// Call this function in a check that is marked `startup`, so that `/startupz` and `/readyz` fail until the task has
/// finished. A run costs one atomic load.
///
/// The check doesn't see whether the result of the task still exists. For example, if a cache is emptied later, the
/// check still passes.
///
/// ```
/// use std::sync::OnceLock;
///
/// use healthcheck::{Outcome, Status, checks};
///
/// static MODEL: OnceLock<Vec<f32>> = OnceLock::new();
///
/// // #[health_check(startup)]
/// fn model() -> Outcome {
///     checks::once(&MODEL)
/// }
/// assert_eq!(model(), Outcome::fail("not finished yet"));
/// MODEL.get_or_init(|| vec![0.5]);
/// assert_eq!(model(), Outcome::pass("finished"));
/// ```
pub fn once(flag: &(impl Flag + ?Sized)) -> Outcome {
    if flag.is_set() {
        Outcome::pass("finished")
    } else {
        Outcome::fail("not finished yet")
    }
}

/// The types that [`once`] takes: a boolean (`bool`, `AtomicBool`), a `Once`, a cell that is filled once (`OnceLock`,
/// `OnceCell`), or an `Arc` of one of these types.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use healthcheck::checks::Flag;
///
/// let warm = Arc::new(AtomicBool::new(false));
/// assert!(!warm.is_set());
/// warm.store(true, Ordering::Release);
/// assert!(warm.is_set());
/// ```
pub trait Flag {
    /// Returns true if the one-time task has finished.
    fn is_set(&self) -> bool;
}

impl Flag for bool {
    fn is_set(&self) -> bool {
        *self
    }
}

impl Flag for AtomicBool {
    fn is_set(&self) -> bool {
        self.load(Ordering::Acquire)
    }
}

impl Flag for Once {
    fn is_set(&self) -> bool {
        self.is_completed()
    }
}

impl<T> Flag for OnceLock<T> {
    fn is_set(&self) -> bool {
        self.get().is_some()
    }
}

impl<T> Flag for OnceCell<T> {
    fn is_set(&self) -> bool {
        self.initialized()
    }
}

impl<F: Flag + ?Sized> Flag for Arc<F> {
    fn is_set(&self) -> bool {
        (**self).is_set()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Status;

    #[test]
    fn every_kind_of_flag_fails_before_and_passes_after() {
        let (atomic, lock, cell, run) = (
            Arc::new(AtomicBool::new(false)),
            OnceLock::new(),
            OnceCell::new(),
            Once::new(),
        );
        let statuses =
            || [once(&atomic), once(&lock), once(&cell), once(&run)].map(|outcome| outcome.status());
        assert_eq!(statuses(), [Status::Fail; 4]);
        atomic.store(true, Ordering::Release);
        lock.set(1).unwrap();
        cell.set("warm").unwrap();
        run.call_once(|| ());
        assert_eq!(statuses(), [Status::Pass; 4]);
        assert_eq!(once(&true).status(), Status::Pass);
    }

    #[test]
    fn a_dependency_behind_a_trait_object_will_do() {
        let flag: Arc<dyn Flag> = Arc::new(AtomicBool::new(true));
        assert_eq!(once(&flag).status(), Status::Pass);
    }
}
