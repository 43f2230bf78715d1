// The option `interval` can't be "none". A check without an interval doesn't need this option.
use healthcheck::health_check;

#[health_check(interval = "none")]
fn redis() {}

fn main() {}
