// A threshold has to be a positive whole number that fits into 32 bits.
use healthcheck::health_check;

#[health_check(failure_threshold = -1)]
fn redis() {}

#[health_check(failure_threshold = 4294967296)]
fn database() {}

#[health_check(success_threshold = 1.5)]
fn queue() {}

fn main() {}
