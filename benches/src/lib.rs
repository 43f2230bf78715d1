//! Compares the library with programs that do as little as possible: a bare axum handler, an empty task, a sleep.
//!
//! `cargo bench -p healthcheck-benches` runs all benches, and `--bench NAME` one of them. The documentation of each
//! bench says what it compares and how.
//!
//! A comparison has several rounds. In each round both programs run, one directly after the other, so that other load on
//! the machine slows both down. The figure is the median of the rounds' ratios.
//!
//! `cargo test` checks everything that can be counted: `tests/packages.rs` here counts the packages, and the workspace's
//! `tests/` count allocations, memory and runs.

pub mod apps;
pub mod client;
pub mod figure;
pub mod generated;
pub mod load;
pub mod pairs;
pub mod process;
pub mod samples;

/// The result of a step of a bench. Any error stops the bench.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
