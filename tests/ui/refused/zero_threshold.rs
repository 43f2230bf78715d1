// A threshold can't be zero: it is a number of runs.
use healthcheck::health_check;

#[health_check(failure_threshold = 0, success_threshold = 0)]
fn redis() {}

fn main() {}
