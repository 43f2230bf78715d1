//! Regression tests for faults that earlier versions of this library had. The faults occurred with a full disk, with a
//! runtime that no thread drives, in a race, or when a clock jumped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreement;
#[cfg(target_os = "linux")]
mod processes;
mod runtimes;
mod shown;
