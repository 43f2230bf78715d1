//! Measures the library against lower limits: a bare axum handler, a spawned empty task, a sleep.
//!
//! `cargo bench -p healthcheck-benches` runs all benches, and `--bench NAME` one of them. The documentation of each
//! bench says what it compares and how. All use the same method: the compared programs take turns within one run, and
//! the figure is the median of the ratios of neighbours, so that other load on the machine slows both down. Everything
//! that can be counted is also checked in each `cargo test`: the packages (`tests/packages.rs` here), and allocations,
//! memory and runs in the workspace's `tests/`.

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
