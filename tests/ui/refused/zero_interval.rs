// An interval can't be zero, because a check needs a pause between two runs.
use healthcheck::health_check;

#[health_check(interval = "0ms")]
fn redis() {}

fn main() {}
