//! Regression tests for faults that this library had: with a full disk, with a runtime that no thread drives, with a
//! race, or with a clock that jumps.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
#[cfg(target_os = "linux")]
mod processes;
mod runtimes;
mod shown;
