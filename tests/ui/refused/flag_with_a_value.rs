// A flag, such as the option `liveness`, can't have a value.
use healthcheck::health_check;

#[health_check(liveness = true)]
fn redis() {}

#[health_check(external("dns"))]
fn dns() {}

#[health_check(readiness, liveness = false)]
fn off() {}

fn main() {}
