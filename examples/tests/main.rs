//! Starts each example as a child process, and sends requests to it over a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod example;
#[cfg(all(unix, feature = "grpc"))]
mod grpc;
#[cfg(unix)]
mod probing;
mod started;
