//! Measures the library against the limits that nobody can beat: a bare axum handler, a spawned empty task, one sleep.
//!
//! `cargo bench -p healthcheck-benches` measures all, `--bench NAME` one; each bench's docs say what it compares and
//! how. The method is the same everywhere: what is compared takes turns within one run, and the figure is the median
//! of the ratios of neighbours, so that a machine which is busy meanwhile slows both down. What can be counted holds in
//! every `cargo test`, too: the packages (`tests/packages.rs` here), and in the workspace's `tests/` allocations, memory
//! and executions.

pub mod apps;
pub mod client;
pub mod figure;
pub mod generated;
pub mod load;
pub mod pairs;
pub mod process;
pub mod samples;

/// Whatever keeps a bench from measuring.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
