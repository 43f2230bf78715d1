//! Sends notices to the listeners and the log. There is one bounded queue for listeners and one for log lines. Each
//! queue has its own thread.
//!
//! A listener that panics or blocks delays only the queue for listeners. A `tracing` subscriber that panics or blocks
//! delays only the queue for log lines.
//!
//! If a queue is full, we drop each further item, and count the dropped items.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;

use super::call::quietly;
use super::lines;
use crate::report::CheckResult;
use crate::transition::Transition;
use crate::world::Notice;

pub(crate) type OnChange = Box<dyn Fn(&Transition) + Send + Sync>;
pub(crate) type OnResult = Box<dyn Fn(&CheckResult) + Send + Sync>;

/// The functions that the service has registered as listeners.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) of_changes: Vec<OnChange>,
    pub(crate) of_results: Vec<OnResult>,
}

/// The maximum number of waiting items in each queue.
const QUEUE_CAPACITY: usize = 1_024;
/// The time after which the thread of a queue ends if the queue stays empty.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The numbers of dropped log lines and of dropped events for listeners. We drop a line or an event if its queue is
/// full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dropped {
    pub(crate) lines: u64,
    pub(crate) events: u64,
}

/// The queue of log lines and the queue of events for listeners.
pub(crate) struct NoticeQueues {
    lines: Queue<Line>,
    events: Queue<ListenerEvent>,
    listeners: Arc<Listeners>,
}

/// A queued log line, and the `tracing` dispatcher that was current when the line was queued.
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

/// An event for listeners: a status change or the result of a run.
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

    /// Returns whether a listener or the log wants a notice about each single run.
    pub(super) fn wants_run_notices(&self) -> bool {
        !self.listeners.of_results.is_empty() || LevelFilter::current() >= LevelFilter::DEBUG
    }

    /// Queues the notices in order, without blocking. Returns true if a listener or the log wants at least one of the
    /// notices, even if the queue was full.
    ///
    /// If this method returns true, the caller must call [`wake`](Self::wake). `wake` also tries again to start a
    /// thread that the system couldn't start earlier.
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

    /// Wakes the thread of each queue, or starts it. These threads empty the queues.
    pub(super) fn wake(&self) {
        if let Some((lines, events)) = self.take_unreported_drops() {
            self.put_line(LineContent::Dropped { lines, events });
        }
        self.events.wake_thread();
        self.lines.wake_thread();
    }

    /// Returns how many log lines and events we have dropped since the last call of this method. If we have dropped
    /// none, returns `None`.
    ///
    /// If the log queue is full, also returns `None`, because the line about the drops doesn't fit into the queue.
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

    /// Makes the thread of each queue end as soon as its queue is empty.
    pub(super) fn close(&self) {
        self.lines.close();
        self.events.close();
    }
}

/// The queue of the log lines that don't belong to a `HealthCheck`, such as the log lines of a server.
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

/// Calls a listener. If the listener panics, logs an error.
fn call_listener(check: Option<&str>, log: &Queue<Line>, listener: impl FnOnce()) {
    if quietly(listener).is_none() {
        let check = check.map(ToOwned::to_owned);
        let line = move || tracing::error!(target: "healthcheck", check, "a listener of health transitions panicked");
        log.put(Line::new(LineContent::Other(Box::new(line))));
        log.wake_thread();
    }
}

/// A bounded queue with a thread that handles the items. [`wake_thread`](Self::wake_thread) starts the thread. The
/// thread ends after the queue has been empty for [`IDLE_TIMEOUT`].
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
    /// The number of items that we have dropped because the queue was full.
    dropped: AtomicU64,
    /// The number of dropped items that no log line has reported yet.
    unreported: AtomicU64,
    handle: Box<dyn Fn(T) + Send + Sync>,
}

struct Backlog<T> {
    waiting: VecDeque<T>,
    /// The id of the process that has started the thread, or `None` if there is no thread.
    ///
    /// A forked child process has another id, and the thread doesn't exist there. The child notices the other id, and
    /// starts its own thread.
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

    /// Queues an item. If the queue is full, drops the item and counts it.
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

    /// Wakes the thread of the queue, or starts it if there is none. Does nothing if the queue is empty.
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
        // If the system can't start a thread, the items stay queued, and the next call of `wake_thread` tries again.
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
        // The code under the lock only moves items, so poisoning is harmless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_thread(&self) {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                drop(state);
                quietly(|| (self.handle)(item));
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

/// The number of log lines of this process that we have queued but not completely written.
static UNWRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Counts one log line in [`UNWRITTEN`]. The line is counted until the guard is dropped.
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

/// Returns whether we have written all queued log lines of this process. Tests wait for this before they read the log.
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
        // We don't call `wake` here, so no thread empties the queue. The queue behaves as on a system that can't start
        // a thread.
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
