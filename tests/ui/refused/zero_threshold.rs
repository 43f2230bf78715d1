// A threshold counts runs from one on.
use healthcheck::health_check;

#[health_check(failure_threshold = 0, success_threshold = 0)]
fn redis() {}

fn main() {}
