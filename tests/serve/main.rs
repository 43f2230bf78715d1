//! Tests `serve` in a child process, with real sockets and real signals.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agent;
mod files;
mod hostile;
mod http;
mod liveness;
mod process;
mod router;
mod shutdown;
mod start;
mod systemd;
mod unix;
