//! Writes log lines from a thread of its own. The threads that answer requests only push a line into a bounded queue,
//! so a log that blocks or fails delays no answer.

use std::time::{Duration, Instant};

/// The longest time that an exiting process waits until the queued lines are written.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Queues a log line, with the syntax of `tracing::event!`. The line takes ownership of the variables that it uses.
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

/// Waits until the queued lines are written, for at most [`LAST_LINES`].
pub(crate) fn finish() {
    let patience = Instant::now() + LAST_LINES;
    while !healthcheck::__private::all_lines_are_written() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Does the same as [`finish`], without blocking the thread.
pub(crate) async fn written() {
    let patience = tokio::time::Instant::now() + LAST_LINES;
    while !healthcheck::__private::all_lines_are_written() && tokio::time::Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
