// An attribute can't contain the same option twice. The error points at the second occurrence.
use healthcheck::health_check;

#[health_check(timeout = "1s", timeout = "2s", liveness, liveness)]
fn redis() {}

fn main() {}
