// An interval can't be zero: a check can't run without a pause.
use healthcheck::health_check;

#[health_check(interval = "0ms")]
fn redis() {}

fn main() {}
