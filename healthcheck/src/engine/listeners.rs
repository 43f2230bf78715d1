//! Those who want to know of transitions: called one after another on a thread of their own, so that one that
//! blocks or panics harms neither a run nor a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::changes::Transition;

pub(crate) type Listener = Box<dyn Fn(&Transition) + Send + Sync>;

/// How many transitions may wait while a listener is busy; those beyond are dropped, and logged.
const WAITING: usize = 1_024;

/// The way to the listeners' thread, which ends with it.
#[derive(Debug)]
pub(crate) struct Listeners {
    queue: Sender<Transition>,
    dropped: AtomicUsize,
}

impl Listeners {
    /// Starts their thread; `None` where there is no listener, or no thread to be had.
    pub(crate) fn start(listeners: Vec<Listener>) -> Option<Self> {
        if listeners.is_empty() {
            return None;
        }
        // The one of tokio, whose code is a third of std's.
        let (queue, mut transitions) = channel(WAITING);
        let thread = thread::Builder::new().name("healthcheck-listeners".into());
        match thread.spawn(move || tell_all(&listeners, &mut transitions)) {
            Ok(_) => Some(Self {
                queue,
                dropped: AtomicUsize::new(0),
            }),
            Err(error) => {
                tracing::error!(%error, "no thread for the listeners of health transitions: they won't be called");
                None
            }
        }
    }

    /// Waits for nothing and logs nothing.
    pub(crate) fn tell(&self, transition: Transition) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(transition) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Logs how many could not be told since the last time.
    pub(crate) fn log_dropped(&self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "a listener of health transitions is stuck: some were dropped"
            );
        }
    }
}

fn tell_all(listeners: &[Listener], transitions: &mut Receiver<Transition>) {
    while let Some(transition) = transitions.blocking_recv() {
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(&transition))).is_err() {
                tracing::error!(
                    check = transition.checker,
                    "a listener of health transitions panicked"
                );
            }
        }
    }
}
