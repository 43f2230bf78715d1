//! x
mod disabled;
mod maintenance;
mod runtime_watch;
mod serve_error;
mod server;
mod signals;
mod termination_log;
pub use serve_error::ServeError;
#[cfg(test)]
mod test_log;
