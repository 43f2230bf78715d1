//! Collects the log lines of the current thread, so that a test can check them.

use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt;

/// Collects all log events of the thread that created this value, until the value is dropped.
pub struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

impl Log {
    /// Returns a `Log` that collects the log events of the current thread from now on.
    #[must_use]
    pub fn catch() -> Self {
        // The crate tracing caches whether any subscriber in the process wants an event. When another test drops its
        // subscriber, this cache may change.
        //
        // The global subscriber below wants all events and is never dropped. With this subscriber, the cache never
        // changes.
        static INTERESTED: Once = Once::new();
        INTERESTED.call_once(|| {
            let all = fmt().with_max_level(Level::TRACE).with_writer(io::sink);
            // This fails if the process already has a global subscriber. That subscriber also keeps the cache
            // unchanged, so the error doesn't matter.
            let _ = tracing::subscriber::set_global_default(all.finish());
        });
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sink = Arc::clone(&bytes);
        let subscriber = fmt()
            .with_max_level(Level::TRACE)
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || Sink(Arc::clone(&sink)))
            .finish();
        Self {
            bytes,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Waits until the library has written its queued log lines. Returns all lines that this value has collected so
    /// far, as one text.
    #[must_use]
    pub fn text(&self) -> String {
        let patience = Instant::now() + Duration::from_secs(10);
        while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
            std::thread::yield_now();
        }
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the collected lines of this level, such as `WARN`. Each line begins with its level.
    #[must_use]
    pub fn of(&self, level: &str) -> Vec<String> {
        self.lines(|line| line.starts_with(level))
    }

    /// Returns the collected lines that contain this text.
    #[must_use]
    pub fn saying(&self, text: &str) -> Vec<String> {
        self.lines(|line| line.contains(text))
    }

    fn lines(&self, which: impl Fn(&str) -> bool) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().map(str::trim).filter(|line| which(line));
        lines.map(ToOwned::to_owned).collect()
    }
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut caught = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caught.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
