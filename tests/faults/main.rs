//! Faults that this library once had: what a full disk, a runtime that nobody drives, a race or a clock made of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
#[cfg(target_os = "linux")]
mod processes;
mod runtimes;
mod shown;
