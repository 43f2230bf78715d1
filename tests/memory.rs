//! Measures the memory of a registry with 10,000 checks and their results.
//!
//! The counting allocator counts all memory of the process. So this test is the only one in its binary.
//!
//! The test runs only on Linux. On other systems, the standard library's locks allocate memory, which would be counted
//! too.
#![cfg(target_os = "linux")]

use std::alloc::System;

use healthcheck::{Check, HealthCheck, HealthCheckBuilder};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CHECKS: usize = 10_000;

#[tokio::test(flavor = "current_thread")]
async fn a_check_with_its_result_holds_less_than_a_kilobyte() {
    let region = Region::new(ALLOCATOR);
    // `Check::new` allocates memory for the name of each check. (The name of an annotated function is static and needs
    // no allocation.)
    let numbered = (0..CHECKS).map(|number| Check::new(format!("check_{number:05}"), async || true));
    let health = numbered
        .fold(HealthCheck::builder().discover(false), HealthCheckBuilder::check)
        .build()
        .expect("it fits together");
    let report = health.report().await;
    let change = region.change();
    assert_eq!(report.results.len(), CHECKS);
    let held = (change.bytes_allocated - change.bytes_deallocated) / CHECKS;
    println!("{held} bytes a check, with its result and the last report");
    // The lower limit proves that the allocator really counts.
    assert!((100..=1_024).contains(&held), "{held} bytes a check");
}
