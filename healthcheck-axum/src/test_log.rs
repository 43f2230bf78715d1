//! Collects the log lines that a test causes, so that the test can count them.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::dispatcher::DefaultGuard;
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

/// Collects the log lines of the thread that calls `start`, and of every thread that uses the same `tracing`
/// dispatcher.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer(Arc::clone(&lines));
        Self {
            lines,
            _guard: tracing::subscriber::set_default(writer),
        }
    }

    /// Waits until the queued log lines are written. Returns how many lines contain the text `what`.
    pub(crate) fn count(&self, what: &str) -> usize {
        // Other tests use the same queue of log lines, so the thread that writes them may be busy. We wait for at most
        // 10 s.
        let patience = Instant::now() + Duration::from_secs(10);
        while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
            std::thread::yield_now();
        }
        self.lines
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(what))
            .count()
    }
}

struct Writer(Arc<Mutex<Vec<String>>>);

impl Subscriber for Writer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}
