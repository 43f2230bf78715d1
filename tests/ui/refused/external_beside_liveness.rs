// An external check can't be a liveness check, because restarting this service doesn't repair another machine.
use healthcheck::health_check;

#[health_check(liveness, external)]
fn redis() {}

fn main() {}
