//! Sends notices to the listeners and the log through two bounded queues, each with its own thread. If a listener or a
//! `tracing` subscriber panics or blocks, it delays only its own queue. If a queue is full, we drop and count further
//! items.

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

/// The registered listeners.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) of_changes: Vec<OnChange>,
    pub(crate) of_results: Vec<OnResult>,
}

/// The capacity of each queue.
const QUEUE_CAPACITY: usize = 1_024;
/// A queue's thread ends after it has been idle for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The numbers of lines and events that we dropped because a queue was full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dropped {
    pub(crate) lines: u64,
    pub(crate) events: u64,
}

/// The queues of log lines and of events for listeners.
pub(crate) struct NoticeQueues {
    lines: Queue<Line>,
    events: Queue<ListenerEvent>,
    listeners: Arc<Listeners>,
}

/// A queued log line, with the `tracing` dispatcher that was current when it was queued.
struct Line {
    dispatch: Dispatch,
    content: LineContent,
    _unwritten: UnwrittenGuard,
}

enum LineContent {
    Notice(Notice),
    Other(Box<dyn FnOnce() + Send>),
    Dropped { lines: u64, events: u64 },
}

/// An event for listeners.
enum ListenerEvent {
    Change(Transition),
    Result(Box<CheckResult>),
}

impl NoticeQueues {
    pub(crate) fn new(listeners: Listeners) -> Self {
        let listeners = Arc::new(listeners);
        let lines = Queue::new("healthcheck-log", Line::write);
        let (callees, log) = (Arc::clone(&listeners), lines.clone());
        let events = Queue::new("healthcheck-listeners", move |event| callees.call(&event, &log));
        Self {
            lines,
            events,
            listeners,
        }
    }

    /// Returns whether a listener or the log wants a notice after each run.
    pub(super) fn wants_run_notices(&self) -> bool {
        !self.listeners.of_results.is_empty() || LevelFilter::current() >= LevelFilter::DEBUG
    }

    /// Queues notices in order, without blocking. Returns whether a listener or the log wants any of them. The caller
    /// then has to call [`wake`](Self::wake), even if a queue was full: `wake` retries to start a thread if that failed
    /// before.
    pub(super) fn put(&self, notices: Vec<Notice>) -> bool {
        let mut any = false;
        for notice in notices {
            match &notice {
                Notice::Transition { transition, .. } if !self.listeners.of_changes.is_empty() => {
                    self.events.put(ListenerEvent::Change(transition.clone()));
                    any = true;
                }
                Notice::Ran { result, .. } if !self.listeners.of_results.is_empty() => {
                    self.events.put(ListenerEvent::Result(result.clone()));
                    any = true;
                }
                _ => {}
            }
            if lines::is_enabled(&notice) {
                self.put_line(LineContent::Notice(notice));
                any = true;
            }
        }
        any
    }

    fn put_line(&self, content: LineContent) {
        self.lines.put(Line::new(content));
    }

    /// Wakes or starts the threads that empty the queues.
    pub(super) fn wake(&self) {
        if let Some((lines, events)) = self.take_unreported_drops() {
            self.put_line(LineContent::Dropped { lines, events });
        }
        self.events.wake_thread();
        self.lines.wake_thread();
    }

    /// Returns how many lines and events were dropped since the last call. Returns `None` if there are none, or if the
    /// log queue is full and can't take a line about them.
    fn take_unreported_drops(&self) -> Option<(u64, u64)> {
        if self.lines.is_full() {
            return None;
        }
        let counts = (self.lines.take_unreported(), self.events.take_unreported());
        (counts != (0, 0)).then_some(counts)
    }

    pub(super) fn dropped(&self) -> Dropped {
        Dropped {
            lines: self.lines.shared.dropped.load(Ordering::Relaxed)
                + PROCESS_LINES.shared.dropped.load(Ordering::Relaxed),
            events: self.events.shared.dropped.load(Ordering::Relaxed),
        }
    }

    /// Makes the threads end once their queues are empty.
    pub(super) fn close(&self) {
        self.lines.close();
        self.events.close();
    }
}

/// The queue of the log lines that don't belong to a `HealthCheck`, such as those of a server.
static PROCESS_LINES: LazyLock<Queue<Line>> = LazyLock::new(|| Queue::new("healthcheck-log", Line::write));

/// Queues a log line that doesn't belong to a `HealthCheck`.
pub(crate) fn log(line: impl FnOnce() + Send + 'static) {
    PROCESS_LINES.put(Line::new(LineContent::Other(Box::new(line))));
    PROCESS_LINES.wake_thread();
}

impl Line {
    fn new(content: LineContent) -> Self {
        Self {
            dispatch: tracing::dispatcher::get_default(Clone::clone),
            content,
            _unwritten: UnwrittenGuard::new(),
        }
    }

    fn write(self) {
        let Self {
            dispatch, content, ..
        } = self;
        tracing::dispatcher::with_default(&dispatch, || match content {
            LineContent::Notice(notice) => lines::write(&notice),
            LineContent::Other(line) => line(),
            LineContent::Dropped { lines, events } => tracing::warn!(
                target: "healthcheck",
                lines,
                events,
                "a log or a listener of health transitions is stuck: some were dropped"
            ),
        });
    }
}

impl Listeners {
    fn call(&self, event: &ListenerEvent, log: &Queue<Line>) {
        match event {
            ListenerEvent::Change(transition) => {
                for listener in &self.of_changes {
                    call_listener(transition.checker.as_deref(), log, || listener(transition));
                }
            }
            ListenerEvent::Result(result) => {
                for listener in &self.of_results {
                    call_listener(Some(&result.checker), log, || listener(result));
                }
            }
        }
    }
}

/// Calls a listener. If it panics, logs that.
fn call_listener(check: Option<&str>, log: &Queue<Line>, listener: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(listener)) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        let check = check.map(ToOwned::to_owned);
        let line = move || tracing::error!(target: "healthcheck", check, "a listener of health transitions panicked");
        log.put(Line::new(LineContent::Other(Box::new(line))));
        log.wake_thread();
    }
}

/// A bounded queue with a thread that handles its items. [`wake_thread`](Self::wake_thread) starts the thread. The
/// thread ends after it has been idle for [`IDLE_TIMEOUT`].
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
    not_empty: Condvar,
    /// The number of items that were dropped because the queue was full.
    dropped: AtomicU64,
    /// The part of `dropped` that isn't logged yet.
    unreported: AtomicU64,
    handle: Box<dyn Fn(T) + Send + Sync>,
}

struct Backlog<T> {
    waiting: VecDeque<T>,
    /// The id of the process in which the thread runs. After a fork, the child doesn't have the thread.
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
                not_empty: Condvar::new(),
                dropped: AtomicU64::new(0),
                unreported: AtomicU64::new(0),
                handle: Box::new(handle),
            }),
        }
    }

    /// Queues the item. If the queue is full, drops and counts it.
    fn put(&self, item: T) {
        let mut state = self.shared.lock();
        if state.waiting.len() >= QUEUE_CAPACITY {
            drop(state);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.unreported.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.push_back(item);
    }

    fn is_full(&self) -> bool {
        self.shared.lock().waiting.len() >= QUEUE_CAPACITY
    }

    fn take_unreported(&self) -> u64 {
        self.shared.unreported.swap(0, Ordering::Relaxed)
    }

    /// Wakes the thread, or starts it. Does nothing if the queue is empty.
    fn wake_thread(&self) {
        let process = std::process::id();
        let mut state = self.shared.lock();
        if state.waiting.is_empty() {
            return;
        }
        if state.thread == Some(process) {
            drop(state);
            return self.shared.not_empty.notify_one();
        }
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(self.name.to_owned());
        // If the thread can't be started, the items stay queued, and the next call tries again.
        if thread.spawn(move || shared.run_thread()).is_ok() {
            state.thread = Some(process);
        }
    }

    fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.not_empty.notify_all();
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Backlog<T>> {
        // We only move items under the lock, so poisoning is harmless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_thread(&self) {
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
                    .not_empty
                    .wait_timeout(state, IDLE_TIMEOUT)
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

/// The number of log lines of this process that are queued or being written.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Counts one line in [`UNWRITTEN`] until it is dropped.
struct UnwrittenGuard;

impl UnwrittenGuard {
    fn new() -> Self {
        UNWRITTEN.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for UnwrittenGuard {
    fn drop(&mut self) {
        UNWRITTEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Returns whether all log lines of this process are written. Tests wait for this before they read the log.
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
        let notices = NoticeQueues::new(Listeners {
            of_changes: vec![Box::new(move |_| hear.send(()).unwrap_or_default())],
            of_results: Vec::new(),
        });
        // We don't call `wake`, so the queue has no thread, as if the system couldn't start one.
        for _ in 0..QUEUE_CAPACITY {
            notices.put(vec![notice()]);
        }
        if notices.put(vec![notice()]) {
            notices.wake();
        }
        for _ in 0..QUEUE_CAPACITY {
            heard.recv_timeout(Duration::from_secs(5)).unwrap();
        }
        assert_eq!(notices.dropped().events, 1);
    }
}
