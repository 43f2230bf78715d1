//! Collects the log lines of a thread.

use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt;

/// Collects every event of the current thread until this value is dropped.
pub struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

impl Log {
    /// Starts to collect the events of the current thread.
    #[must_use]
    pub fn catch() -> Self {
        // tracing caches, for all threads, whether any subscriber wants an event. This global subscriber wants every
        // event. Without it, the end of another test could change the cache while this test logs.
        static INTERESTED: Once = Once::new();
        INTERESTED.call_once(|| {
            let all = fmt().with_max_level(Level::TRACE).with_writer(io::sink);
            // An error means that another global subscriber exists already, which has the same effect.
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

    /// Returns all lines. First waits until the library has written its queued lines.
    #[must_use]
    pub fn text(&self) -> String {
        let patience = Instant::now() + Duration::from_secs(10);
        while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
            std::thread::yield_now();
        }
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the lines of this level. Each line begins with its level.
    #[must_use]
    pub fn of(&self, level: &str) -> Vec<String> {
        self.lines(|line| line.starts_with(level))
    }

    /// Returns the lines that contain this text.
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
