// Each option is written at most once, the second one is refused.
use healthcheck::health_check;

#[health_check(timeout = "1s", timeout = "2s", liveness, liveness)]
fn redis() {}

fn main() {}
