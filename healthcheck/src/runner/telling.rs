//! What leaves for listeners and the log: through bounded queues, on threads of their own. A listener or a subscriber that
//! panics, or blocks for ever, holds up nothing else; what doesn't fit in its queue meanwhile is dropped and counted.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;

use super::lines;
use crate::report::CheckResult;
use crate::transition::Transition;
use crate::world::Notice;

pub(crate) type OnChange = Box<dyn Fn(&Transition) + Send + Sync>;
pub(crate) type OnResult = Box<dyn Fn(&CheckResult) + Send + Sync>;

/// Who wants to hear of what.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) of_changes: Vec<OnChange>,
    pub(crate) of_results: Vec<OnResult>,
}

/// How many lines, and how many events, may wait.
const MOST_WAITING: usize = 1_024;
/// How long a thread waits for the next before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// How many were dropped since a queue was full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dropped {
    pub(crate) lines: u64,
    pub(crate) events: u64,
}

/// The two queues.
pub(crate) struct Telling {
    lines: Queue<Line>,
    events: Queue<Heard>,
    listeners: Arc<Listeners>,
}

/// A line on its way, with the dispatcher of its moment.
struct Line {
    dispatch: Dispatch,
    what: What,
    _unwritten: Unwritten,
}

enum What {
    Notice(Notice),
    Other(Box<dyn FnOnce() + Send>),
    Dropped { lines: u64, events: u64 },
}

/// What listeners hear.
enum Heard {
    Change(Transition),
    Result(Box<CheckResult>),
}

impl Telling {
    pub(crate) fn new(listeners: Listeners) -> Self {
        let listeners = Arc::new(listeners);
        let lines = Queue::new("healthcheck-log", Line::write);
        let (heard_by, log) = (Arc::clone(&listeners), lines.clone());
        let events = Queue::new("healthcheck-listeners", move |heard| heard_by.hear(&heard, &log));
        Self {
            lines,
            events,
            listeners,
        }
    }

    /// Whether somebody wants to hear of each run.
    pub(super) fn wants_runs(&self) -> bool {
        !self.listeners.of_results.is_empty() || LevelFilter::current() >= LevelFilter::DEBUG
    }

    /// Puts notices into the queues, in this order, and waits for nothing. Gives whether there is anything to tell, be it
    /// that a queue is full: where no thread could be started before, it is tried again.
    pub(super) fn put(&self, notices: Vec<Notice>) -> bool {
        let mut any = false;
        for notice in notices {
            match &notice {
                Notice::Transition { transition, .. } if !self.listeners.of_changes.is_empty() => {
                    self.events.put(Heard::Change(transition.clone()));
                    any = true;
                }
                Notice::Ran { result, .. } if !self.listeners.of_results.is_empty() => {
                    self.events.put(Heard::Result(result.clone()));
                    any = true;
                }
                _ => {}
            }
            if lines::is_wanted(&notice) {
                self.line(What::Notice(notice));
                any = true;
            }
        }
        any
    }

    fn line(&self, what: What) {
        self.lines.put(Line::new(what));
    }

    /// Sees to it that the queues are emptied.
    pub(super) fn wake(&self) {
        if let Some((lines, events)) = self.newly_dropped() {
            self.line(What::Dropped { lines, events });
        }
        self.lines.serve();
        self.events.serve();
    }

    /// What was dropped and not logged yet; only where there is room for the line about it.
    fn newly_dropped(&self) -> Option<(u64, u64)> {
        if self.lines.is_full() {
            return None;
        }
        let counts = (self.lines.take_news(), self.events.take_news());
        (counts != (0, 0)).then_some(counts)
    }

    pub(super) fn dropped(&self) -> Dropped {
        Dropped {
            lines: self.lines.shared.dropped.load(Ordering::Relaxed)
                + OF_PROCESS.shared.dropped.load(Ordering::Relaxed),
            events: self.events.shared.dropped.load(Ordering::Relaxed),
        }
    }

    /// Has the threads end once their queues are empty.
    pub(super) fn close(&self) {
        self.lines.close();
        self.events.close();
    }
}

/// The lines that are about no `HealthCheck`, such as those of a server.
static OF_PROCESS: LazyLock<Queue<Line>> = LazyLock::new(|| Queue::new("healthcheck-log", Line::write));

/// Puts a line on its way that is about no `HealthCheck`.
pub(crate) fn log(line: impl FnOnce() + Send + 'static) {
    OF_PROCESS.put(Line::new(What::Other(Box::new(line))));
    OF_PROCESS.serve();
}

impl Line {
    fn new(what: What) -> Self {
        Self {
            dispatch: tracing::dispatcher::get_default(Clone::clone),
            what,
            _unwritten: Unwritten::new(),
        }
    }

    fn write(self) {
        let Self { dispatch, what, .. } = self;
        tracing::dispatcher::with_default(&dispatch, || match what {
            What::Notice(notice) => lines::write(&notice),
            What::Other(line) => line(),
            What::Dropped { lines, events } => tracing::warn!(
                target: "healthcheck",
                lines,
                events,
                "a log or a listener of health transitions is stuck: some were dropped"
            ),
        });
    }
}

impl Listeners {
    fn hear(&self, heard: &Heard, log: &Queue<Line>) {
        match heard {
            Heard::Change(transition) => {
                for listener in &self.of_changes {
                    guarded(transition.checker.as_deref(), log, || listener(transition));
                }
            }
            Heard::Result(result) => {
                for listener in &self.of_results {
                    guarded(Some(&result.checker), log, || listener(result));
                }
            }
        }
    }
}

fn guarded(check: Option<&str>, log: &Queue<Line>, listener: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(listener)) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        let check = check.map(ToOwned::to_owned);
        let line = move || tracing::error!(target: "healthcheck", check, "a listener of health transitions panicked");
        log.put(Line::new(What::Other(Box::new(line))));
        log.serve();
    }
}

/// A bounded queue with a thread that empties it. The thread is started when there is something to do, and tried again
/// with the next item where it can't be; it ends when there has been nothing to do for a while.
struct Queue<T> {
    name: &'static str,
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<T> {
    state: Mutex<Backlog<T>>,
    filled: Condvar,
    dropped: AtomicU64,
    news: AtomicU64,
    handle: Box<dyn Fn(T) + Send + Sync>,
}

struct Backlog<T> {
    waiting: VecDeque<T>,
    /// The process that the thread runs in: a fork doesn't take it along.
    thread: Option<u32>,
    closed: bool,
}

impl<T: Send + 'static> Queue<T> {
    fn new(name: &'static str, handle: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self {
            name,
            shared: Arc::new(Shared {
                state: Mutex::new(Backlog {
                    waiting: VecDeque::new(),
                    thread: None,
                    closed: false,
                }),
                filled: Condvar::new(),
                dropped: AtomicU64::new(0),
                news: AtomicU64::new(0),
                handle: Box::new(handle),
            }),
        }
    }

    /// Drops and counts the item where there is no place.
    fn put(&self, item: T) {
        let mut state = self.shared.lock();
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.news.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.push_back(item);
    }

    fn is_full(&self) -> bool {
        self.shared.lock().waiting.len() >= MOST_WAITING
    }

    fn take_news(&self) -> u64 {
        self.shared.news.swap(0, Ordering::Relaxed)
    }

    /// Wakes the thread, or starts it.
    fn serve(&self) {
        let process = std::process::id();
        let mut state = self.shared.lock();
        if state.waiting.is_empty() {
            return;
        }
        if state.thread == Some(process) {
            drop(state);
            return self.shared.filled.notify_one();
        }
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(self.name.to_owned());
        // Where it can't be started, what waits stays, and the next one tries again.
        if thread.spawn(move || shared.empty()).is_ok() {
            state.thread = Some(process);
        }
    }

    fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_all();
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Backlog<T>> {
        // Under the lock items are only moved.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn empty(&self) {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                drop(state);
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.handle)(item))) {
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                }
                state = self.lock();
                continue;
            }
            let timed_out = if state.closed {
                true
            } else {
                let (woken, timeout) = self
                    .filled
                    .wait_timeout(state, IDLE)
                    .unwrap_or_else(PoisonError::into_inner);
                state = woken;
                timeout.timed_out()
            };
            if timed_out && state.waiting.is_empty() {
                state.thread = None;
                return;
            }
        }
    }
}

/// How many lines of this process are on their way.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);

struct Unwritten;

impl Unwritten {
    fn new() -> Self {
        UNWRITTEN.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        UNWRITTEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether no line of this process is on its way: for tests that read what was logged.
pub(crate) fn all_lines_are_written() -> bool {
    UNWRITTEN.load(Ordering::Acquire) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;
    use crate::transition::Cause;

    fn notice() -> Notice {
        Notice::Transition {
            transition: Transition {
                checker: None,
                from: None,
                to: Status::Fail,
                output: serde_json::Value::Null,
                at: 0.0,
                lasted: None,
                by: Cause::Run,
                sequence: 1,
            },
            wording: None,
            critical: true,
            info: None,
        }
    }

    #[test]
    fn a_queue_that_filled_while_no_thread_was_to_be_had_is_emptied_later() {
        let (hear, heard) = std::sync::mpsc::channel();
        let telling = Telling::new(Listeners {
            of_changes: vec![Box::new(move |_| hear.send(()).unwrap_or_default())],
            of_results: Vec::new(),
        });
        // As where `wake` has found no thread.
        for _ in 0..MOST_WAITING {
            telling.put(vec![notice()]);
        }
        if telling.put(vec![notice()]) {
            telling.wake();
        }
        for _ in 0..MOST_WAITING {
            heard.recv_timeout(Duration::from_secs(5)).unwrap();
        }
        assert_eq!(telling.dropped().events, 1);
    }
}
