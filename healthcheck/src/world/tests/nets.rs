//! Tests of large dependency graphs. The time that a request for all checks takes must grow only in proportion to the
//! number of edges. A time that grows faster exceeds the limits of these tests.
//!
//! The limits are generous, because the tests run as a debug build and the machine can be busy. `benches/` measures
//! exact times.

use std::time::{Duration, Instant};

use super::stage::{RUNTIME, Spec, Stage};
use crate::outcome::Status;
use crate::report::Overall;
use crate::selection::Selection;

/// Returns checks, as many as `checks` says. Each of them depends on up to `dependencies` checks, which come directly
/// before it.
fn net(checks: usize, dependencies: usize) -> Vec<Spec> {
    let name = |number: usize| format!("c{number:05}");
    let spec = |number: usize| {
        let on: Vec<String> = (number.saturating_sub(dependencies)..number).map(name).collect();
        let on: Vec<&str> = on.iter().map(String::as_str).collect();
        Spec::new(&name(number)).depends_on(&on)
    };
    (0..checks).map(spec).collect()
}

/// Starts one request for all checks, and makes every run pass. Returns the time from the start of the request to the
/// report.
fn settles(specs: Vec<Spec>) -> Duration {
    let count = specs.len();
    let mut stage = Stage::new(specs, 1);
    let begins = Instant::now();
    stage.ask(&Selection::all(), RUNTIME);
    stage.end_all(Status::Pass);
    let report = stage.report(&Selection::all());
    let lasted = begins.elapsed();
    assert!(stage.waiting.is_empty(), "the request has its answer");
    assert_eq!(report.status, Overall::Success);
    assert_eq!(report.results.len(), count);
    assert_eq!(stage.launched, count as u64, "each ran once");
    lasted
}

#[test]
fn two_thousand_checks_with_twenty_dependencies_each_settle_and_pass() {
    let lasted = settles(net(2_000, 20));
    assert!(lasted < Duration::from_secs(4), "{lasted:?}");
}

#[test]
fn a_chain_of_twenty_thousand_checks_settles() {
    let lasted = settles(net(20_000, 1));
    assert!(lasted < Duration::from_secs(8), "{lasted:?}");
}

#[test]
fn the_root_of_a_long_chain_blocks_all_of_it_and_lets_all_of_it_go() {
    let mut stage = Stage::new(net(5_000, 1), 1);
    stage.ask(&Selection::all(), RUNTIME);
    stage.end_all(Status::Fail);
    assert_eq!(stage.launched, 1, "what is blocked isn't run");
    let report = stage.report(&Selection::all());
    assert!(report.results.iter().all(|result| result.status == Status::Fail));
    stage.pass_time(Duration::from_secs(9));
    stage.ask(&Selection::all(), RUNTIME);
    stage.end_all(Status::Pass);
    assert_eq!(stage.report(&Selection::all()).status, Overall::Success);
}
