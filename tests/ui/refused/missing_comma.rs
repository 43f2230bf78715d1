// Options are separated by commas.
use healthcheck::health_check;

#[health_check(liveness readiness)]
fn redis() {}

fn main() {}
