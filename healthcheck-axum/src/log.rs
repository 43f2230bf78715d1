//! Writes log lines from a separate thread. A thread that answers requests only pushes its log line into a bounded
//! queue, and doesn't wait until the line is written.

use std::time::{Duration, Instant};

/// The longest time that an exiting process waits for the queued log lines to be written.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Queues a log line. After the level, the arguments are those of `tracing::event!`. The queued line takes ownership
/// of the variables that the arguments use.
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

/// Blocks until the queued log lines are written, for at most [`LAST_LINES`].
pub(crate) fn finish() {
    let patience = Instant::now() + LAST_LINES;
    while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the queued log lines are written, for at most [`LAST_LINES`]. Doesn't block the thread.
pub(crate) async fn written() {
    let patience = tokio::time::Instant::now() + LAST_LINES;
    while !healthcheck::__private::all_lines_are_written() && tokio::time::Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
