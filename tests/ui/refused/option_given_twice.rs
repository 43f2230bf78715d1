// An option can be specified only once. The error points at the second one.
use healthcheck::health_check;

#[health_check(timeout = "1s", timeout = "2s", liveness, liveness)]
fn redis() {}

fn main() {}
