//! Lines of this crate. The threads that answer requests write none themselves: a line goes through a bounded queue to a
//! thread of its own, so no log that can't be written, or blocks, holds an answer up.

use std::time::{Duration, Instant};

/// For so long the end of a process waits for its last lines.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Puts a line on its way, as `tracing::event!` writes it; what it names is moved into it.
macro_rules! log {
    ($level:ident, $($line:tt)+) => {
        if tracing::Level::$level <= tracing::level_filters::LevelFilter::current() {
            healthcheck::__private::log(move || {
                tracing::event!(target: "healthcheck_axum", tracing::Level::$level, $($line)+);
            });
        }
    };
}
pub(crate) use log;

/// Waits until the last lines are written, and for no longer than a moment.
pub(crate) fn finish() {
    let patience = Instant::now() + LAST_LINES;
    while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}
