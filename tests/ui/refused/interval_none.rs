// The option `interval` does not accept "none": leave it out for a check without an interval.
use healthcheck::health_check;

#[health_check(interval = "none")]
fn redis() {}

fn main() {}
