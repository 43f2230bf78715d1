//! Helpers for the benches. The benches compare the library with programs that do as little as possible: a bare axum
//! handler, an empty task, a sleep.
//!
//! `cargo bench -p healthcheck-benches` runs all benches. With `--bench NAME`, cargo runs only the bench with this
//! name. The documentation of each bench describes its comparison.
//!
//! A comparison measures two programs in several rounds. In each round the two programs run one directly after the
//! other, so that other load on the machine slows both of them down. The figure of the comparison is the median of the
//! ratios of all rounds.
//!
//! `cargo test` asserts limits for everything that doesn't depend on the speed of the machine. `tests/packages.rs` in
//! this package counts the additional packages. The tests of the workspace count allocations, memory and runs.

pub mod apps;
pub mod client;
pub mod figure;
pub mod generated;
pub mod load;
pub mod pairs;
pub mod process;
pub mod samples;

/// The result of a step of a bench. Any error ends the bench.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
