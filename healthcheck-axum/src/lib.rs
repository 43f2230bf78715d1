//! x
mod serve_error;
mod server;
mod signals;
pub use serve_error::ServeError;
#[cfg(test)]
mod test_log;
