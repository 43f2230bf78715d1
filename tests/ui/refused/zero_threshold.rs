// A threshold can't be zero, because it is the number of results in a row that change the status.
use healthcheck::health_check;

#[health_check(failure_threshold = 0, success_threshold = 0)]
fn redis() {}

fn main() {}
