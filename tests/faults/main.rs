//! Regression tests for faults that this library once had. They involve a full disk, a runtime that no thread drives, a
//! race, or a clock that jumps.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
#[cfg(target_os = "linux")]
mod processes;
mod runtimes;
mod shown;
